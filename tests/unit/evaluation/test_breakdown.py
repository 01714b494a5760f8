"""Recall by activity and popularity: whom a recipe serves, and with what."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contract.recipes import Question
from evaluation.breakdown import ACTIVITY, by_activity, by_popularity, popularity_bands
from evaluation.cases import cases
from evaluation.interactions import Interactions
from evaluation.judge import judge


def log(counts: dict[str, int]) -> Interactions:
    return Interactions([(f"u{n}", item, "1") for item, times in counts.items() for n in range(times)])


def test_head_and_middle_have_a_third_of_the_interactions_each() -> None:
    bands = popularity_bands(log({"a": 10, "b": 10, "c": 5, "d": 3, "e": 2}))
    assert bands == {"a": "head", "b": "middle", "c": "tail", "d": "tail", "e": "tail"}


@given(st.dictionaries(st.text(min_size=1, max_size=2), st.integers(1, 9), min_size=1, max_size=9))
def test_a_more_popular_item_is_in_no_later_band(counts: dict[str, int]) -> None:
    bands = popularity_bands(log(counts))
    order = ["head", "middle", "tail"]
    places = [order.index(bands[item]) for item in sorted(counts, key=lambda item: (-counts[item], item))]
    assert places == sorted(places)
    assert places[0] == 0


def test_found_and_wanted_are_counted_per_band() -> None:
    past = Interactions([("ann", "a", "1"), ("bob", "a", "1"), ("bob", "b", "2"), ("eve", "a", "1")])
    future = Interactions([("ann", "b", "3"), ("ann", "new", "4"), ("bob", "a", "3")])
    asked = cases(past, future, question=Question.USER, users=9, seed=0)
    judged = judge(
        "r", "user", cases=asked, answers={"ann": ["b"], "bob": ["a"]}, catalogue={"a"}, bands=popularity_bands(past)
    )
    assert judged.found["returned"] == {"tail": [1, 1], "new": [0, 1], "head": [1, 1]}
    assert [(band.name, band.recall, band.size) for band in by_popularity(judged.found["unseen"])] == [
        ("head", 0, 1),
        ("tail", 1, 1),
        ("new", 0, 1),
    ]
    assert judged.lengths == [1, 2]


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), max_size=40))
def test_thirds_of_the_users_make_up_the_whole(users: list[tuple[int, float]]) -> None:
    bands = by_activity([length for length, _ in users], [recall for _, recall in users])
    if len(users) < len(ACTIVITY):
        assert bands == []
        return
    assert [band.name for band in bands] == list(ACTIVITY)
    assert sum(band.size for band in bands) == len(users)
    assert abs(sum(band.size * band.recall for band in bands) - sum(recall for _, recall in users)) < 1e-6
    assert all(one.of[1] <= other.of[0] for one, other in pairwise(bands))
