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
BASELINES = ("popularity", "random", "history_first", "sequential_counts")
"""Their names, as in report.json."""


def baselines(past: Interactions, *, seed: int) -> dict[str, Baseline]:
    """All baselines, by name."""
    popular = past.popular()
    made = (
        popularity(popular),
        at_random(popular, seed=seed),
        history_first(past, popular),
        SequentialCounts(past, popular).recommend,
    )
    return dict(zip(BASELINES, made, strict=True))


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
