"""Intervals of means over users, by the bootstrap.

Users are drawn with replacement, as many as there are; the percentiles of the drawn means bound the interval. Every
figure sees the same draws, so a difference of two figures is paired: what is hard for both cancels out.
Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentile intervals).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from evaluation.lanes import pack, unpack

LEVEL = 0.95
_SCALE = 1 << 44
"""Values in [0, 1] become multiples of 2^-44."""
MAX_USERS = 1 << 19
"""So many totals of values up to 1 fit into a lane of 64 bits."""

Draws = list[float]
"""A figure's mean in each resample, in the order of the resamples."""


def resample(columns: Sequence[Sequence[float]], *, resamples: int, seed: int) -> list[Draws]:
    """For each column (one figure: a value in [0, 1] per user, users in the same order) its mean in each resample.

    The draws depend on the number of users and the seed alone. Time grows with users · resamples; the number of
    columns costs little (evaluation.lanes).
    """
    if not columns:
        return []
    n = len(columns[0])
    if n == 0 or any(len(column) != n for column in columns):
        raise ValueError("every figure needs one value for each of the same users, and at least one user")
    if n > MAX_USERS:
        raise ValueError(f"{n} users; at most {MAX_USERS} can be resampled: ask a sample of them")
    if any(not 0 <= value <= 1 for column in columns for value in column):
        raise ValueError("values must lie in [0, 1]")
    lanes: dict[tuple[float, ...], int] = {}
    places = [lanes.setdefault(tuple(column), len(lanes)) for column in columns]
    rows = [pack(values, _SCALE) for values in zip(*lanes, strict=True)]
    draw = random.Random(seed)
    means: list[Draws] = [[] for _ in lanes]
    for _ in range(resamples):
        totals = unpack(sum(draw.choices(rows, k=n)), len(lanes))
        for mean, total in zip(means, totals, strict=True):
            mean.append(total / (n * _SCALE))
    return [means[place] for place in places]


def interval(draws: Sequence[float], *, level: float = LEVEL) -> tuple[float, float]:
    """The central `level` of the draws: percentiles by linear interpolation between order statistics.

    >>> interval([0.0, 1.0, 2.0, 3.0, 4.0], level=0.5)
    (1.0, 3.0)
    """
    ordered = sorted(draws)
    tail = (1 - level) / 2
    return _quantile(ordered, tail), _quantile(ordered, 1 - tail)


def difference(a: Sequence[float], b: Sequence[float]) -> Draws:
    """Paired differences a - b, resample by resample."""
    return [x - y for x, y in zip(a, b, strict=True)]


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
