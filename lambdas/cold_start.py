"""Policies for new items beside a recipe that is asked for them, and what introducing an item takes under each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contract import layout
from contract.cold_start import POPULAR_CATEGORIES, RANDOM_COLD, ColdStart
from contract.plan import Run
from contract.recipes import Question
from contract.results import View
from evaluation.cases import Case
from evaluation.cold_policies import cold_policies
from evaluation.cold_start import cold_start
from evaluation.introducing import introduce
from evaluation.judge import Judgement, judge
from lambdas.aws import Clients
from lambdas.outcomes import judgement_if_there
from lambdas.published import Published


def introduced(answers: Mapping[str, Sequence[str]], cases: Sequence[Case], published: Published) -> dict[str, Any]:
    """The simulated visits under these answers, as they are kept with a judgement."""
    return introduce(answers, cases, published.cold, seed=published.run.evaluation.seed).to_json()


def judge_policies(cases: Sequence[Case], published: Published) -> None:
    """Writes one judgement per policy. `cases`: of the question about cold items."""
    run = published.run
    policies = cold_policies(published.past, published.cold, published.categories, seed=run.evaluation.seed)
    for name, recommend in policies.items():
        answers = {case.user: recommend(case.user) for case in cases}
        judged = judge(
            name,
            Question.COLD_ITEMS.value,
            cases=cases,
            answers=answers,
            catalogue=published.catalogue,
            bands=published.bands,
        )
        judged.introducing = introduced(answers, cases, published)
        published.aws.write_json(run.bucket, layout.judgement(run.run_id, name), judged.to_json())


def of_new_items(run: Run, judged: Mapping[str, Judgement], aws: Clients, *, view: View) -> ColdStart | None:
    """For the report; None if no recipe that was asked for cold items was judged."""
    for judgement in judged.values():
        if judgement.question != Question.COLD_ITEMS or not judgement.introducing:
            continue
        found = [judgement_if_there(run, name, aws) for name in (POPULAR_CATEGORIES, RANDOM_COLD)]
        settings = run.evaluation
        return cold_start(
            judgement,
            [other for other in found if other],
            category=settings.category,
            view=view,
            resamples=settings.resamples,
            seed=settings.seed,
        )
    return None
