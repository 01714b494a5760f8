"""Exploration: what it may and may not change, and that new good items are found sooner with it than without."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalize_engine.serving.explore import HALF_TRUSTED, explored

CUTOFF = 30.0


def catalogue(*, established: int = 900, new: int = 100, seed: int = 0) -> dict[str, Any]:
    """Shares, counts and ages: well-known items beyond the cut-off, and new ones that the model puts last."""
    rng = np.random.default_rng(seed)
    log_share = np.concatenate([rng.normal(0, 1.5, established), rng.normal(-8, 0.3, new)])
    shares = np.exp(log_share)
    return {
        "scores": (shares / shares.sum()).astype(np.float32),
        "counts": np.concatenate([rng.integers(20, 5000, established), np.zeros(new, np.int64)]),
        "age_days": np.concatenate([rng.uniform(CUTOFF + 1, 2000, established), rng.uniform(0, CUTOFF, new)]),
        "cutoff_days": CUTOFF,
    }


def new_in_top(items: dict[str, Any], *, weight: float, k: int = 25, requests: int = 200, seed: int = 0) -> float:
    """Mean number of items within the cut-off among the k best."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(requests):
        scores = explored(**items, weight=weight, rng=rng)
        found += int((items["age_days"][np.argsort(-scores)[:k]] <= CUTOFF).sum())
    return found / requests


@given(
    st.data(),
    st.integers(1, 60),
    st.floats(0, 1),
    st.floats(0, 100),
    st.integers(0, 2**31),
)
def test_scores_stay_shares(data: st.DataObject, n: int, weight: float, cutoff: float, seed: int) -> None:
    raw = np.array(data.draw(st.lists(st.floats(0, 1e6, width=32), min_size=n, max_size=n)), np.float64)
    unknown = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    counts = np.array(data.draw(st.lists(st.integers(0, 10**6), min_size=n, max_size=n)))
    age = np.array(data.draw(st.lists(st.floats(0, 1e4), min_size=n, max_size=n)))
    raw[unknown] = 0
    scores = np.where(unknown, np.nan, raw / raw.sum() if raw.sum() else np.full(n, 1 / n)).astype(np.float32)

    result = explored(
        scores, counts=counts, age_days=age, weight=weight, cutoff_days=cutoff, rng=np.random.default_rng(seed)
    )

    assert result.shape == (n,)
    assert result.dtype == np.float32
    told = ~np.isnan(result)
    assert (told >= ~unknown).all(), "what had a score keeps one"
    assert (~told | ~unknown | (age <= cutoff)).all(), "only items within the cut-off get a score they had not"
    assert ((result[told] >= 0) & (result[told] <= 1)).all()
    if (~unknown).any() and not np.array_equal(result, scores, equal_nan=True):
        assert result[told].sum() == pytest.approx(1, abs=1e-3)


def test_without_weight_nothing_changes() -> None:
    items = catalogue()
    result = explored(**items, weight=0.0, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(result, items["scores"])


def test_items_beyond_the_cut_off_keep_their_order() -> None:
    items = catalogue()
    result = explored(**items, weight=1.0, rng=np.random.default_rng(0))
    old = items["age_days"] > CUTOFF
    np.testing.assert_array_equal(np.argsort(-result[old]), np.argsort(-items["scores"][old]))
    nothing_is_new = {**items, "cutoff_days": 0.0}
    np.testing.assert_array_equal(explored(**nothing_is_new, weight=1.0, rng=np.random.default_rng(0)), items["scores"])


def test_more_weight_explores_more() -> None:
    items = catalogue()
    found = [new_in_top(items, weight=weight) for weight in (0, 0.1, 0.3, 0.6, 1)]
    assert found[0] == 0
    assert all(more > less for less, more in pairwise(found)), found
    assert 1 < found[-1] < 10, "at full weight new items, a tenth of the catalogue, take about a tenth of the list"


def test_items_with_much_data_are_scored_as_by_the_model() -> None:
    items = catalogue()
    items["counts"] = np.where(items["age_days"] <= CUTOFF, 200 * HALF_TRUSTED, items["counts"])
    assert new_in_top(items, weight=1.0) == 0
    items["counts"] = np.where(items["age_days"] <= CUTOFF, HALF_TRUSTED, items["counts"])
    assert new_in_top(items, weight=1.0) < new_in_top(catalogue(), weight=1.0)


def test_what_the_model_says_of_new_items_counts_among_them() -> None:
    items = catalogue()
    first = int(np.flatnonzero(items["age_days"] <= CUTOFF)[0])
    items["scores"] = items["scores"].copy()
    items["scores"][first] *= np.exp(2)
    rng = np.random.default_rng(0)
    places = np.array([np.argsort(np.argsort(-explored(**items, weight=1.0, rng=rng))) for _ in range(300)])
    others = np.setdiff1d(np.flatnonzero(items["age_days"] <= CUTOFF), [first])
    assert np.median(places[:, first]) < np.median(places[:, others]) / 3


def test_items_that_the_model_cannot_tell_are_explored_too() -> None:
    items = catalogue()
    items["scores"] = np.where(items["age_days"] <= CUTOFF, np.nan, items["scores"]).astype(np.float32)
    assert new_in_top(items, weight=1.0) > 1


def test_nothing_to_compare_with() -> None:
    scores = np.full(5, np.nan, np.float32)
    result = explored(
        scores, counts=np.zeros(5, int), age_days=np.zeros(5), weight=1, cutoff_days=30, rng=np.random.default_rng(0)
    )
    assert np.isnan(result).all()


def test_the_same_generator_gives_the_same_answer() -> None:
    items = catalogue()
    once, again = (explored(**items, weight=0.5, rng=np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, explored(**items, weight=0.5, rng=np.random.default_rng(8)))
