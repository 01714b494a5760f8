"""Who is asked, what the baselines answer, and how answers become judgements."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from math import exp, sqrt
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.holdout import future_count
from contract.recipes import Question
from contract.results import RANK_METRICS, VIEWS
from evaluation import sequential_counts
from evaluation.baselines import BASELINES, baselines
from evaluation.cases import Case, cases
from evaluation.interactions import Interactions
from evaluation.judge import Judgement, judge
from evaluation.sequential_counts import SequentialCounts

Row = tuple[str, str, str]
PAST: list[Row] = [
    ("u1", "a", "3"),
    ("u2", "b", "1"),
    ("u1", "b", "1"),
    ("u1", "a", "2"),
    ("u3", "b", "5"),
    ("u3", "c", "5"),
    ("u4", "d", "9"),
]
FUTURE: list[Row] = [("u1", "c", "7"), ("u1", "x", "8"), ("u2", "b", "9"), ("u3", "y", "9"), ("new", "a", "9")]
rows = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", "u3", "u4"]),
        st.sampled_from([f"i{n}" for n in range(8)]),
        st.integers(0, 20).map(str),
    ),
    min_size=1,
    max_size=80,
)


def test_histories_are_in_time_order_and_ties_keep_the_files_order() -> None:
    past = Interactions(PAST)
    assert past.history("u1") == ["b", "a", "a"]
    assert past.history("u3") == ["b", "c"]
    assert past.history("nobody") == []
    assert len(past) == 7
    assert "u1" in past
    assert "nobody" not in past


@given(rows)
def test_histories_equal_a_stable_sort(given_rows: list[Row]) -> None:
    past = Interactions(given_rows)
    for user in {row[0] for row in given_rows}:
        own = [row for row in given_rows if row[0] == user]
        assert past.history(user) == [row[1] for row in sorted(own, key=lambda row: int(row[2]))]


@given(rows)
def test_popular_counts_different_users(given_rows: list[Row]) -> None:
    counts = Counter(item for _, item in {(row[0], row[1]) for row in given_rows})
    expected = sorted(counts, key=lambda item: (-counts[item], item))
    assert Interactions(given_rows).popular() == expected


def test_asked_are_those_with_a_past_and_a_future() -> None:
    made = cases(Interactions(PAST), Interactions(FUTURE), question=Question.USER, users=10, seed=0)
    assert made == [
        Case(user="u1", past={"a", "b"}, last_item="a", length=3, relevant={"c", "x"}),
        Case(user="u2", past={"b"}, last_item="b", length=1, relevant={"b"}),
        Case(user="u3", past={"b", "c"}, last_item="c", length=2, relevant={"y"}),
    ]


def test_cold_question_is_judged_on_items_without_a_past() -> None:
    made = cases(Interactions(PAST), Interactions(FUTURE), question=Question.COLD_ITEMS, users=10, seed=0)
    assert [(case.user, case.relevant) for case in made] == [("u1", {"x"}), ("u3", {"y"})]


def test_sample_is_seeded_and_shared_by_questions() -> None:
    past = Interactions([(f"u{n}", "a", "1") for n in range(100)])
    future = Interactions([(f"u{n}", "b", "2") for n in range(100)])
    drawn = [
        [case.user for case in cases(past, future, question=question, users=10, seed=seed)]
        for question, seed in ((Question.USER, 1), (Question.LAST_ITEM, 1), (Question.USER, 2))
    ]
    assert len(drawn[0]) == 10
    assert drawn[0] == sorted(drawn[0]) == drawn[1] != drawn[2]


def test_simple_baselines() -> None:
    made = baselines(Interactions(PAST), seed=0)
    assert tuple(made) == BASELINES
    assert made["popularity"]("u1") == ["b", "a", "c", "d"]
    assert made["history_first"]("u1") == ["a", "b", "c", "d"]
    assert made["history_first"]("nobody") == made["popularity"]("nobody")
    assert sorted(made["random"]("u1")) == ["a", "b", "c", "d"]
    assert made["random"]("u1") == baselines(Interactions(PAST), seed=0)["random"]("u1")


@given(rows)
def test_every_baseline_answers_everybody_with_different_items(given_rows: list[Row]) -> None:
    items = {row[1] for row in given_rows}
    for recommend in baselines(Interactions(given_rows), seed=1).values():
        for user in ("u1", "nobody"):
            answer = recommend(user)
            assert len(answer) == len(set(answer)) == len(items)
            assert set(answer) == items


def plain_scores(given_rows: list[Row], user: str) -> dict[str, float]:
    """Sequential counts once more, as the docstring's formula says."""
    past = Interactions(given_rows)
    counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for someone in past.user_ids:
        history = past.history(someone)
        for place, item in enumerate(history):
            for distance, follower in enumerate(history[place + 1 : place + 21], start=1):
                counts[item][follower] += 1 / sqrt(distance)
    into: dict[str, float] = defaultdict(float)
    for followers in counts.values():
        for follower, count in followers.items():
            into[follower] += count
    scores: dict[str, float] = defaultdict(float)
    newest = list(reversed(past.history(user)))
    for item in dict.fromkeys(newest[:20]):
        out = max(sum(counts[item].values()), 1.0)
        for follower, count in counts[item].items():
            weight = count / out**0.9 / max(into[follower], 1.0) ** 0.3
            scores[follower] += exp(-newest.index(item) / 3) * weight
    return scores


@settings(max_examples=50)
@given(rows)
def test_sequential_counts_follow_their_formula(given_rows: list[Row]) -> None:
    past = Interactions(given_rows)
    answer = SequentialCounts(past, past.popular()).recommend("u1")
    scores = plain_scores(given_rows, "u1")
    ordered = [scores.get(item, 0.0) for item in answer]
    assert all(a >= b - 0.002 for a, b in pairwise(ordered))  # recency has twelve bits


def test_sequential_counts_learn_who_follows_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    given_rows = [(f"u{n}", item, str(at)) for n in range(9) for at, item in enumerate(("a", "b", "c"))]
    given_rows += [("u", "z", "1"), ("v", "z", "1"), ("asks", "a", "1")]
    past = Interactions(given_rows)
    assert SequentialCounts(past, past.popular()).recommend("asks")[:2] == ["b", "c"]
    monkeypatch.setattr(sequential_counts, "MAX_ITEMS", 2)
    few = SequentialCounts(past, past.popular()).recommend("asks")
    assert few == ["b", "a", "c", "z"]  # c and z are not counted any more, and follow by popularity


def test_judgement_of_known_answers() -> None:
    asked = cases(Interactions(PAST), Interactions(FUTURE), question=Question.USER, users=10, seed=0)
    answers = {"u1": ["a", "c", "x"], "u2": ["b"], "u3": []}
    judged = judge("recipe", "user", cases=asked, answers=answers, catalogue={"a", "b", "c", "d"})
    assert judged.users == ["u1", "u2", "u3"]
    assert judged.values["returned"]["precision_at_5"] == [0.4, 0.2, 0.0]
    assert judged.values["returned"]["mean_reciprocal_rank_at_25"] == [0.5, 1.0, 0.0]
    assert judged.values["reranked"]["mean_reciprocal_rank_at_25"] == [1.0, 1.0, 0.0]
    assert judged.values["unseen"]["precision_at_5"] == [0.4, 0.0, 0.0]
    assert judged.coverage == {"returned": 0.75, "reranked": 0.75, "unseen": 0.25}
    assert judged.short_lists == 3
    assert {tuple(values) for values in judged.values.values()} == {RANK_METRICS}
    assert Judgement.from_json(judged.to_json()) == judged


def test_an_unanswered_user_is_not_left_out_silently() -> None:
    asked = cases(Interactions(PAST), Interactions(FUTURE), question=Question.USER, users=10, seed=0)
    with pytest.raises(ValueError, match=r"recipe: 1 of 3 users have no answer$"):
        judge("recipe", "user", cases=asked, answers={"u1": [], "u2": []}, catalogue={"a"})


@pytest.mark.realdata
def test_baselines_on_movielens_100k(test_data: Path) -> None:
    """Published and measured elsewhere: popularity .067, sequential counts .124 (P@10, unseen items)."""
    by_user: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for line in (test_data / "ml-100k" / "u.data").read_text().splitlines():
        user, item, _, at = line.split("\t")
        by_user[user].append((int(at), item))
    past: list[Row] = []
    future: list[Row] = []
    for user, events in by_user.items():
        events.sort(key=lambda event: event[0])
        cut = len(events) - future_count(len(events))
        past += [(user, item, str(at)) for at, item in events[:cut]]
        future += [(user, item, str(at)) for at, item in events[cut:]]
    known = Interactions(past)
    asked = cases(known, Interactions(future), question=Question.USER, users=10_000, seed=0)
    assert len(asked) == 943
    found = {}
    for name, recommend in baselines(known, seed=0).items():
        answers = {case.user: recommend(case.user) for case in asked}
        judged = judge(name, "user", cases=asked, answers=answers, catalogue=set(known.item_ids))
        found[name] = {view: fmean(judged.values[view]["precision_at_10"]) for view in VIEWS}
    assert found["popularity"]["unseen"] == pytest.approx(0.067, abs=0.002)
    assert found["sequential_counts"]["unseen"] == pytest.approx(0.124, abs=0.002)
    assert found["random"]["unseen"] < 0.02
    assert found["history_first"]["returned"] == 0  # nobody rates a film twice
