"""Rankings made from the past alone, which every recipe has to beat.

Each is a function from a user's id to at most 500 item ids, best first, like a campaign's answer, so that all are
judged by the same code. `sequential_counts` has a module of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import chain, islice

from evaluation.interactions import Interactions
from evaluation.sequential_counts import SequentialCounts
from evaluation.views import ASKED

Baseline = Callable[[str], list[str]]


def baselines(past: Interactions, *, seed: int) -> dict[str, Baseline]:
    """All baselines by the names that report.json uses."""
    popular = past.popular()
    return {
        "popularity": popularity(popular),
        "random": at_random(popular, seed=seed),
        "history_first": history_first(past, popular),
        "sequential_counts": SequentialCounts(past, popular).recommend,
    }


def popularity(popular: list[str]) -> Baseline:
    """The items that most different users interacted with, the same for everybody."""
    return lambda user: popular[:ASKED]


def at_random(items: list[str], *, seed: int) -> Baseline:
    """A seeded draw per user of different items of the past, all equally likely."""
    return lambda user: random.Random(f"{seed}:{user}").sample(items, min(ASKED, len(items)))


def history_first(past: Interactions, popular: list[str]) -> Baseline:
    """The user's own items, the newest first, then popular ones: hard to beat where people come back to things."""

    def recommend(user: str) -> list[str]:
        own = dict.fromkeys(reversed(past.history(user)))
        return list(islice(chain(own, (item for item in popular if item not in own)), ASKED))

    return recommend
