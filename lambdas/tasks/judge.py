"""Judges a recipe's answers by the held-out future: one value per user and metric, in three views.

Calls: s3:GetObject data/*, s3:GetObject runs/*/answers/*, s3:ListBucket, s3:PutObject runs/*/judged/*.
"""

from __future__ import annotations

import sys

from contract import layout
from contract.plan import Judged, Judging
from contract.recipes import Question
from evaluation.judge import judge as judge_answers
from lambdas.aws import Clients
from lambdas.errors import DataMissing
from lambdas.published import Published
from lambdas.task import task


def judge(event: Judging, aws: Clients) -> Judged:
    """Writes the recipe's judgement."""
    run = event.run
    published = Published(run=run, aws=aws)
    cases = published.cases(Question(event.question))
    if not cases:
        raise DataMissing(
            f"{event.recipe}: nobody can be asked: no user has a past and held-out items that the question"
            f" {event.question!r} is judged by; choose another hold-out in the experiment"
        )
    lines = aws.read_json_lines(run.bucket, layout.answers_prefix(run.run_id, event.recipe))
    # Interned: the same few thousand ids stand in every list, and as new strings each would not fit into memory.
    answers = {line["user"]: list(map(sys.intern, line["items"])) for line in lines}
    judged = judge_answers(event.recipe, event.question, cases=cases, answers=answers, catalogue=published.catalogue)
    key = layout.judgement(run.run_id, event.recipe)
    aws.write_json(run.bucket, key, judged.to_json())
    return Judged(key=key, users=len(cases))


handler = task(Judging, judge)
