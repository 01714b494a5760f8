"""Metrics and views: worked examples as doctests, and what must hold for any list."""

from __future__ import annotations

import doctest
import random
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.results import CUTOFFS, RANK_METRICS
from evaluation import bootstrap, lanes, metrics, views
from evaluation.views import ASKED

IDS = [f"i{n}" for n in range(60)]
ranked_lists = st.lists(st.sampled_from(IDS), max_size=60, unique=True)
relevant_sets = st.sets(st.sampled_from(IDS), min_size=1)


@pytest.mark.parametrize("module", [metrics, views, bootstrap, lanes], ids=lambda module: module.__name__)
def test_worked_examples(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@given(ranked_lists, relevant_sets)
def test_all_metrics_at_once_equal_each_alone(ranked: list[str], relevant: set[str]) -> None:
    values = metrics.rank_metrics(ranked, relevant)
    assert tuple(values) == RANK_METRICS
    assert values["mean_reciprocal_rank_at_25"] == metrics.mean_reciprocal_rank(ranked, relevant)
    for k in CUTOFFS:
        ndcg = metrics.normalized_discounted_cumulative_gain(ranked, relevant, k=k)
        assert values[f"normalized_discounted_cumulative_gain_at_{k}"] == ndcg
        assert values[f"precision_at_{k}"] == metrics.precision(ranked, relevant, k=k)
        assert values[f"recall_at_{k}"] == metrics.recall(ranked, relevant, k=k)
        assert values[f"hit_rate_at_{k}"] == metrics.hit_rate(ranked, relevant, k=k)


@given(ranked_lists, relevant_sets)
def test_values_lie_between_nothing_and_everything(ranked: list[str], relevant: set[str]) -> None:
    values = metrics.rank_metrics(ranked, relevant)
    assert all(0 <= value <= 1 for value in values.values())
    for k in CUTOFFS:
        found = len(relevant & set(ranked[:k]))
        assert values[f"precision_at_{k}"] == found / k
        assert values[f"recall_at_{k}"] == found / len(relevant)
        assert values[f"hit_rate_at_{k}"] == (found > 0)


@given(relevant_sets, st.randoms(use_true_random=False))
def test_only_the_ideal_order_has_ndcg_one(relevant: set[str], shuffled: random.Random) -> None:
    wrong = [item for item in IDS if item not in relevant]
    ideal = sorted(relevant)
    shuffled.shuffle(ideal)
    for k in CUTOFFS:
        ndcg = metrics.normalized_discounted_cumulative_gain
        assert ndcg(ideal + wrong, relevant, k=k) == pytest.approx(1)
        if wrong:
            assert ndcg([wrong[0], *ideal], relevant, k=k) < 1


@given(ranked_lists, relevant_sets, st.data())
def test_moving_a_right_item_forward_never_hurts(ranked: list[str], relevant: set[str], data: st.DataObject) -> None:
    places = [place for place, item in enumerate(ranked) if item in relevant and place > 0]
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    better = ranked.copy()
    better[place - 1 : place + 1] = [ranked[place], ranked[place - 1]]
    before, after = metrics.rank_metrics(ranked, relevant), metrics.rank_metrics(better, relevant)
    assert all(after[name] >= before[name] - 1e-12 for name in RANK_METRICS)


@given(ranked_lists, relevant_sets, st.integers(0, 60))
def test_a_repeated_item_is_never_better_than_none(ranked: list[str], relevant: set[str], place: int) -> None:
    if not ranked:
        return
    place = min(place, len(ranked))
    repeated = [*ranked[:place], ranked[0], *ranked[place:]] if place else ranked
    plain, twice = metrics.rank_metrics(ranked, relevant), metrics.rank_metrics(repeated, relevant)
    assert all(twice[name] <= plain[name] + 1e-12 for name in RANK_METRICS)


def test_missing_places_count_as_wrong() -> None:
    assert metrics.precision(["a"], {"a"}, k=10) == 0.1
    assert metrics.rank_metrics([], {"a"}) == dict.fromkeys(RANK_METRICS, 0.0)


def test_a_user_without_relevant_items_is_refused() -> None:
    with pytest.raises(ValueError, match="without relevant"):
        metrics.rank_metrics(["a"], set())
    with pytest.raises(ValueError, match="empty catalogue"):
        metrics.coverage([["a"]], set())


def test_coverage_counts_catalogue_items_on_the_first_25_places() -> None:
    lists = [[f"i{n}" for n in range(30)], ["i0", "unknown"]]
    assert metrics.coverage(lists, set(IDS[:50])) == 25 / 50


@given(st.lists(st.sampled_from(IDS), max_size=60, unique=True), st.sets(st.sampled_from(IDS)))
def test_views(ranked: list[str], past: set[str]) -> None:
    made = views.views(ranked, past)
    assert made.returned == ranked[:25]
    assert sorted(made.reranked) == sorted(made.returned)
    known = [item in past for item in made.reranked]
    assert known == sorted(known)
    assert made.unseen == [item for item in ranked if item not in past][:25]
    assert made.short == (len(made.unseen) < 25)
    assert made.of("reranked") == made.reranked
    for marked in (True, False):  # the order within the two parts is kept
        assert [i for i in made.reranked if (i in past) is marked] == [
            i for i in made.returned if (i in past) is marked
        ]


def test_unseen_reads_no_further_than_was_asked() -> None:
    ranked = [str(n) for n in range(ASKED + 50)]
    made = views.views(ranked, set(ranked[: ASKED - 3]))
    assert made.unseen == ranked[ASKED - 3 : ASKED]
    assert made.short
