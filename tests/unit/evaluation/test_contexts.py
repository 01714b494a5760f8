"""Users who are asked in a context are judged on the rows of that context, and so is who does not read it."""

from __future__ import annotations

import pytest

from contract.recipes import Question
from evaluation.cases import Case, cases, contexts
from evaluation.interactions import Interactions
from evaluation.judge import judge

PAST = [("ann", "a", "1"), ("bob", "b", "1")]
FUTURE = [
    ("ann", "x", "2", "home", "dry"),
    ("ann", "y", "3", "work", "dry"),
    ("ann", "x", "4", "work", "dry"),
    ("bob", "z", "2", "", ""),
    ("eve", "z", "2", "home", ""),
]
HOME, WORK = (("PLACE", "home"), ("SKY", "dry")), (("PLACE", "work"), ("SKY", "dry"))


@pytest.fixture
def asked() -> list[Case]:
    return cases(
        Interactions(PAST),
        Interactions([row[:3] for row in FUTURE]),
        question=Question.USER,
        users=10,
        seed=0,
        held_out_in=contexts(((user, item, *cells) for user, item, _, *cells in FUTURE), ["PLACE", "SKY"]),
    )


def test_a_case_has_the_contexts_of_its_held_out_rows(asked: list[Case]) -> None:
    assert [(case.user, dict(case.contexts)) for case in asked] == [
        ("ann", {HOME: {"x"}, WORK: {"x", "y"}}),
        ("bob", {(): {"z"}}),
    ]


def test_a_users_value_is_the_mean_over_contexts(asked: list[Case]) -> None:
    judged = judge(
        "recipe",
        "user",
        cases=asked,
        answers={"ann": ["y"], "bob": ["z"]},
        in_context={("ann", HOME): ["x"], ("ann", WORK): ["q", "y"]},
        catalogue={"x", "y", "z", "q"},
    )
    mean = judged.values["returned"]["mean_reciprocal_rank_at_25"]
    assert mean == [(1 + 1 / 2) / 2, 1]
    assert judged.values["returned"]["recall_at_5"] == [(1 + 1 / 2) / 2, 1]
    assert judged.coverage["returned"] == 1


def test_without_context_the_same_list_is_judged_in_each(asked: list[Case]) -> None:
    judged = judge("off", "user", cases=asked, answers={"ann": ["y"], "bob": []}, catalogue={"y"})
    assert judged.values["returned"]["mean_reciprocal_rank_at_25"] == [(0 + 1) / 2, 0]


def test_cold_items_alone_count_in_each_context() -> None:
    made = cases(
        Interactions([*PAST, ("bob", "x", "1")]),
        Interactions([row[:3] for row in FUTURE]),
        question=Question.COLD_ITEMS,
        users=10,
        seed=0,
        held_out_in=contexts(((user, item, *cells) for user, item, _, *cells in FUTURE), ["PLACE", "SKY"]),
    )
    assert [(case.user, dict(case.contexts)) for case in made] == [("ann", {WORK: {"y"}}), ("bob", {(): {"z"}})]
