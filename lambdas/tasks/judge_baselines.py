"""Makes the baselines from the past alone and judges them by the same code and users as the recipes.

Calls: s3:GetObject data/*, s3:ListBucket, s3:PutObject runs/*/judged/*.
"""

from __future__ import annotations

from contract import layout
from contract.plan import JudgeBaselines, Judged
from contract.recipes import Question
from evaluation.baselines import baselines
from evaluation.judge import judge
from lambdas.aws import Clients
from lambdas.errors import DataMissing
from lambdas.published import Published
from lambdas.task import task


def judge_baselines(event: JudgeBaselines, aws: Clients) -> Judged:
    """Writes one judgement per baseline, as if each were a recipe asked about users."""
    run = event.run
    published = Published(run=run, aws=aws)
    cases = published.cases(Question.USER)
    if not cases:
        raise DataMissing(
            "nobody can be asked: no user has both a past and held-out interactions; choose another hold-out in the"
            " experiment"
        )
    key = ""
    for name, recommend in baselines(published.past, seed=run.evaluation.seed).items():
        judged = judge(
            name,
            Question.USER.value,
            cases=cases,
            answers={case.user: recommend(case.user) for case in cases},
            catalogue=published.catalogue,
            bands=published.bands,
        )
        key = layout.judgement(run.run_id, name)
        aws.write_json(run.bucket, key, judged.to_json())
    return Judged(key=key, users=len(cases))


handler = task(JudgeBaselines, judge_baselines)
