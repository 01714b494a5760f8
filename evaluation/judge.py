"""From answers to one value per user and metric: what is written for each recipe and each baseline of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from contract.results import RANK_METRICS, VIEWS, View
from evaluation.cases import Case
from evaluation.metrics import coverage, rank_metrics
from evaluation.views import views


@dataclass(kw_only=True)
class Judgement:
    """How one recipe or baseline did, user by user."""

    subject: str
    """The recipe as requested, or the baseline's name."""
    question: str
    users: list[str]
    values: dict[str, dict[str, list[float]]]
    """{view: {metric: [a value per user]}}"""
    coverage: dict[str, float]
    """{view: value}"""
    short_lists: int
    """Users for whom fewer than 25 unseen items came back."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Judgement:
        """The inverse of `to_json`."""
        return cls(**value)


def judge(
    subject: str, question: str, *, cases: Sequence[Case], answers: Mapping[str, Sequence[str]], catalogue: Set[str]
) -> Judgement:
    """Judges one list of items per user (best first, at most 500) in the three views.

    `answers` must hold every case's user (ValueError otherwise): who was not answered must not be left out silently.
    `catalogue`: every item of the data that recipes were trained on.
    """
    if missing := [case.user for case in cases if case.user not in answers]:
        raise ValueError(f"{subject}: {len(missing)} of {len(cases)} users have no answer, e.g. {missing[0]}")
    values: dict[str, dict[str, list[float]]] = {view: {metric: [] for metric in RANK_METRICS} for view in VIEWS}
    shown: dict[View, list[list[str]]] = {view: [] for view in VIEWS}
    short_lists = 0
    for case in cases:
        lists = views(answers[case.user], case.past)
        short_lists += lists.short
        for view in VIEWS:
            ranked = lists.of(view)
            shown[view].append(ranked)
            for metric, value in rank_metrics(ranked, case.relevant).items():
                values[view][metric].append(value)
    return Judgement(
        subject=subject,
        question=question,
        users=[case.user for case in cases],
        values=values,
        coverage={view: coverage(shown[view], catalogue) for view in VIEWS},
        short_lists=short_lists,
    )
