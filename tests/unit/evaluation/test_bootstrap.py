"""Resampling: exact where it can be, near the known standard error, paired, repeatable, fast enough."""

from __future__ import annotations

import random
import time
from math import sqrt
from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.bootstrap import difference, interval, resample
from evaluation.lanes import pack, pack_integers, unpack

shares = st.floats(0, 1)


@given(st.lists(st.integers(0, 2**50), min_size=1), st.integers(0, 2**10))
def test_lanes_do_not_touch_each_other(values: list[int], factor: int) -> None:
    packed = pack_integers(values)
    assert unpack(packed, len(values)) == tuple(values)
    assert unpack(factor * packed + packed, len(values)) == tuple((factor + 1) * value for value in values)


def test_lanes_round_to_the_scale() -> None:
    assert unpack(pack([0.25, 1.0], 4), 2) == (1, 4)


@settings(max_examples=30)
@given(st.lists(shares, min_size=1, max_size=30), st.integers(0, 5))
def test_same_draws_as_a_plain_loop(column: list[float], seed: int) -> None:
    (draws,) = resample([column], resamples=20, seed=seed)
    draw = random.Random(seed)
    plain = [fmean(draw.choices(column, k=len(column))) for _ in range(20)]
    assert draws == pytest.approx(plain, abs=1e-9)


@settings(max_examples=30)
@given(st.lists(st.tuples(shares, shares), min_size=2, max_size=30), st.randoms(use_true_random=False))
def test_draws_stay_within_the_values_and_do_not_depend_on_other_figures(
    rows: list[tuple[float, float]], seeded: random.Random
) -> None:
    first, second = (list(column) for column in zip(*rows, strict=True))
    seed = seeded.randrange(1000)
    alone = resample([first], resamples=50, seed=seed)
    together = resample([second, first, first], resamples=50, seed=seed)
    assert together[1] == alone[0] == together[2]
    assert min(first) - 1e-9 <= min(alone[0])
    assert max(alone[0]) <= max(first) + 1e-9


@given(st.lists(shares, min_size=1, max_size=50), st.floats(0.5, 0.99))
def test_interval_is_ordered_and_grows_with_its_level(draws: list[float], level: float) -> None:
    low, high = interval(draws, level=level)
    wider_low, wider_high = interval(draws, level=(1 + level) / 2)
    assert min(draws) <= wider_low <= low <= high <= wider_high <= max(draws)


def test_width_is_that_of_the_normal_approximation() -> None:
    draw = random.Random(3)
    values = [draw.random() for _ in range(2000)]
    (draws,) = resample([values], resamples=2000, seed=1)
    low, high = interval(draws)
    assert (high - low) / 2 == pytest.approx(1.96 * stdev(values) / sqrt(len(values)), rel=0.1)
    assert low < fmean(values) < high


def test_a_constant_difference_has_no_uncertainty() -> None:
    draw = random.Random(4)
    worse = [draw.random() / 2 for _ in range(500)]
    better = [value + 0.25 for value in worse]
    a, b = resample([better, worse], resamples=300, seed=0)
    assert interval(difference(a, b)) == pytest.approx((0.25, 0.25), abs=1e-8)
    low, high = interval(a)
    assert high - low > 0.01


def test_seeds() -> None:
    values = [n / 100 for n in range(100)]
    assert resample([values], resamples=10, seed=1) == resample([values], resamples=10, seed=1)
    assert resample([values], resamples=10, seed=1) != resample([values], resamples=10, seed=2)


def test_bad_columns_are_refused() -> None:
    assert resample([], resamples=10, seed=0) == []
    with pytest.raises(ValueError, match="same users"):
        resample([[0.5], [0.5, 0.5]], resamples=10, seed=0)
    with pytest.raises(ValueError, match="same users"):
        resample([[]], resamples=10, seed=0)
    with pytest.raises(ValueError, match="at most 524288"):
        resample([[0.5] * 524_289], resamples=10, seed=0)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        resample([[1.5]], resamples=10, seed=0)


def test_many_figures_are_fast() -> None:
    """39 figures over 6,040 users: 100 of the 1000 resamples, in a tenth of ten seconds of processor time."""
    draw = random.Random(5)
    columns = [[draw.random() for _ in range(6040)] for _ in range(39)]
    began = time.process_time()
    resample(columns, resamples=100, seed=0)
    assert time.process_time() - began < 1.0
