"""What a field brings: shuffled contexts, and means over repeated trainings."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.results import JUDGE_METRIC, RANK_METRICS, VIEWS, Importance
from evaluation.cases import Case, Context, shuffled
from evaluation.importance import importance
from evaluation.judge import Judgement

CELLS = st.dictionaries(st.sampled_from(["PLACE", "DEVICE"]), st.sampled_from("abc"), max_size=2)
ROW = Importance(recipe="r", field="Items.F", how="left out", metric=JUDGE_METRIC, trainings=2)


def case(user: str, contexts: list[dict[str, str]]) -> Case:
    held: dict[Context, set[str]] = {tuple(sorted(cells.items())): {"i"} for cells in contexts}
    return Case(user=user, past={"p"}, last_item="p", relevant={"i"}, contexts=held)


@given(st.lists(st.lists(CELLS, max_size=3), max_size=8), st.integers(0, 5))
def test_shuffling_keeps_the_values_as_a_whole_and_the_other_fields_as_they_are(
    users: list[list[dict[str, str]]], seed: int
) -> None:
    asked = [case(f"u{n}", contexts) for n, contexts in enumerate(users)]
    told = [(one.user, context) for one in asked for context in one.contexts if "PLACE" in dict(context)]
    mixed = shuffled(asked, "PLACE", seed=seed)
    assert [*mixed] == told
    assert Counter(dict(context)["PLACE"] for context in mixed.values()) == Counter(
        dict(context)["PLACE"] for _, context in told
    )
    for (_, own), other in mixed.items():
        assert [name for name, _ in other] == [name for name, _ in own]
        assert dict(other).get("DEVICE") == dict(own).get("DEVICE")
    assert shuffled(asked, "PLACE", seed=seed) == mixed


def judgement(*values: float, users: int = 3) -> Judgement:
    per_user = [values[n % len(values)] for n in range(users)]
    return Judgement(
        subject="s",
        question="user",
        users=[f"u{n}" for n in range(users)],
        values={view: dict.fromkeys(RANK_METRICS, per_user) for view in VIEWS},
        coverage=dict.fromkeys(VIEWS, 0.5),
        short_lists=0,
    )


def test_a_users_value_is_the_mean_over_the_trainings() -> None:
    told = [judgement(0.5, 0.7), judgement(0.7, 0.9)]
    untold = [judgement(0.2, 0.4), judgement(0.4, 0.6)]
    rows = list(importance(ROW, told=told, untold=untold, view="returned", resamples=200, seed=0))
    assert [row.metric for row in rows] == [JUDGE_METRIC, "precision_at_10"]
    for row in rows:
        assert row.difference == pytest.approx(0.3)
        assert (row.low, row.high) == (pytest.approx(0.3), pytest.approx(0.3)), "the same for every user"


def test_other_users_are_refused() -> None:
    with pytest.raises(ValueError, match=r"r: with and without Items\.F not the same users"):
        list(
            importance(ROW, told=[judgement(1)], untold=[judgement(1, users=4)], view="returned", resamples=100, seed=0)
        )
