"""From answers to one value per user and metric: what is written for each recipe and each baseline of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from contract.results import RANK_METRICS, VIEWS, View
from evaluation.breakdown import NEW
from evaluation.cases import Case, Context
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
    lengths: list[int] = field(default_factory=list)
    """Interactions of each user's past."""
    found: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    """{view: {band of items: [held-out items among the first 25, held-out items]}} over all users."""
    introducing: dict[str, Any] = field(default_factory=dict)
    """What introducing new items took (evaluation.introducing); only of who was asked for cold items."""
    shown: list[dict[str, Any]] = field(default_factory=list)
    """A few users: {"user", "past", "future", "answers": [{"context", "items"}]}, first items as they were returned."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Judgement:
        """The inverse of `to_json`."""
        return cls(**value)


def judge(
    subject: str,
    question: str,
    *,
    cases: Sequence[Case],
    answers: Mapping[str, Sequence[str]],
    catalogue: Set[str],
    in_context: Mapping[tuple[str, Context], Sequence[str]] | None = None,
    bands: Mapping[str, str] | None = None,
) -> Judgement:
    """Judges one list of items per user (best first, at most 500) in the three views.

    `answers` must hold every case's user (ValueError otherwise): who was not answered must not be left out silently.
    `in_context`: the lists of users who were asked in a context. Where there is none, `answers` stands for it, so
    that whoever does not read the context is judged on the same rows. `catalogue`: every item of the data that recipes
    were trained on. `bands`: of items by popularity (`breakdown.popularity_bands`); others are new.
    """
    if missing := [case.user for case in cases if case.user not in answers]:
        raise ValueError(f"{subject}: {len(missing)} of {len(cases)} users have no answer")  # who, is for no log
    own = in_context or {}
    values: dict[str, dict[str, list[float]]] = {view: {metric: [] for metric in RANK_METRICS} for view in VIEWS}
    shown: dict[View, list[list[str]]] = {view: [] for view in VIEWS}
    found: dict[str, dict[str, list[int]]] = {view: {} for view in VIEWS if bands is not None}
    short_lists = 0
    for case in cases:
        parts = case.contexts or {(): case.relevant}
        lists = [views(own.get((case.user, context), answers[case.user]), case.past) for context in parts]
        short_lists += any(one.short for one in lists)
        for view in VIEWS:
            ranked = [one.of(view) for one in lists]
            shown[view] += ranked
            judged = [rank_metrics(one, wanted) for one, wanted in zip(ranked, parts.values(), strict=True)]
            for metric, of_users in values[view].items():
                of_users.append(fsum(value[metric] for value in judged) / len(judged))
            if bands is not None:
                for one, wanted in zip(ranked, parts.values(), strict=True):
                    _count(found[view], wanted, set(one), bands)
    return Judgement(
        subject=subject,
        question=question,
        users=[case.user for case in cases],
        values=values,
        coverage={view: coverage(shown[view], catalogue) for view in VIEWS},
        short_lists=short_lists,
        lengths=[case.length for case in cases],
        found=found,
    )


def _count(found: dict[str, list[int]], wanted: Set[str], shown: Set[str], bands: Mapping[str, str]) -> None:
    for item in wanted:
        counts = found.setdefault(bands.get(item, NEW), [0, 0])
        counts[0] += item in shown
        counts[1] += 1
