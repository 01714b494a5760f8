"""The baseline "sequential counts": who follows whom within twenty steps, weighted by distance.

For items a and b, count(a, b) = Σ 1/sqrt(d) over all places where b comes d ≤ 20 steps after a in a user's past.
weight(a → b) = count(a, b) / max(out(a), 1)^0.9 / max(in(b), 1)^0.3, where out and in are a's and b's sums over all
counts. A user's score of b = Σ exp(-age/3) · weight(a → b) over the user's distinct items a, age = steps since a last
occurred (0: the newest), cut off at twenty steps. Items without a score follow by popularity.

It takes seconds, has nothing to tune, and beats much that is called deep: a recipe that does not beat it is not worth
its price. Related to the association rules with distance weights of Kamehkhosh, Jannach and Ludewig, "A Comparison of
Frequent Pattern Techniques and a Deep Learning Method for Session-Based Recommendation", 2017.

Bounded: only the 4,000 most popular items are counted (a square table of at most 64 MB, rows packed when first used),
and of at most a million interactions (whole users, evenly spread over the file).
"""

from __future__ import annotations

from array import array
from math import exp, sqrt

from evaluation.interactions import Interactions
from evaluation.lanes import pack_integers, unpack
from evaluation.views import ASKED

WINDOW = 20
MAX_ITEMS = 4_000
MAX_INTERACTIONS = 1_000_000
_RECENCY = tuple(round(exp(-age / 3) * (1 << 12)) for age in range(WINDOW))
_WEIGHT_BITS = 44
"""A weight is at most about 1, recency sums to less than 2^14: a lane's total stays below 2^60."""


class SequentialCounts:
    """Counts of one past; `recommend` asks for one user at a time."""

    def __init__(self, past: Interactions, popular: list[str]) -> None:
        """`popular`: the past's item ids by popularity."""
        self._past = past
        self._popular = popular[:MAX_ITEMS]
        rank = {item: place for place, item in enumerate(self._popular)}
        self._rank = [rank.get(item, -1) for item in past.item_ids]
        """By item number: the place among the popular ones, -1 for an item that is not counted."""
        self._rest = popular[MAX_ITEMS : MAX_ITEMS + ASKED]
        self._counts = self._count()
        n = len(self._popular)
        self._out = [sum(row) for row in self._counts]
        into = [0.0] * n
        for row in self._counts:
            into = [a + b for a, b in zip(into, row, strict=True)]
        self._damping = [max(value, 1.0) ** -0.3 for value in into]
        self._packed: dict[int, int] = {}

    def recommend(self, user: str) -> list[str]:
        """At most 500 item ids, best first."""
        n = len(self._popular)
        newest = [self._rank[number] for number in self._past.numbers(user)[-WINDOW:]]
        ages: dict[int, int] = {}
        for age, item in enumerate(reversed(newest)):
            if item >= 0:
                ages.setdefault(item, age)
        # As floats, since Python sorts those faster than integers of more than thirty bits.
        scores = list(map(float, unpack(sum(_RECENCY[age] * self._row(item) for item, age in ages.items()), n)))
        order = sorted(range(n), key=scores.__getitem__, reverse=True)[:ASKED]  # stable: equal ones by popularity
        return ([self._popular[item] for item in order] + self._rest)[:ASKED]

    def _row(self, item: int) -> int:
        packed = self._packed.get(item)
        if packed is None:
            scale = (1 << _WEIGHT_BITS) * max(self._out[item], 1.0) ** -0.9
            weights = [int(scale * a * b) for a, b in zip(self._counts[item], self._damping, strict=True)]
            packed = self._packed[item] = pack_integers(weights)
        return packed

    def _count(self) -> list[array[float]]:
        n = len(self._popular)
        counts = [array("f", bytes(4 * n)) for _ in range(n)]
        steps = [1 / sqrt(distance) for distance in range(1, WINDOW + 1)]
        users = self._past.user_ids
        every = max(1, -(-len(self._past) // MAX_INTERACTIONS))
        for user in users[::every]:
            sequence = [self._rank[number] for number in self._past.numbers(user)]
            for place, item in enumerate(sequence):
                if item < 0:
                    continue
                row = counts[item]
                for follower, step in zip(sequence[place + 1 : place + 1 + WINDOW], steps, strict=False):
                    if follower >= 0:
                        row[follower] += step
        return counts
