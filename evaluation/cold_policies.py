"""Ways to choose new items for a user without a trained recipe: what a recipe for cold items has to beat.

As in `evaluation.baselines`, each is a function from a user's id to at most 500 item ids, best first.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence, Set

from contract.cold_start import POPULAR_CATEGORIES, RANDOM_COLD
from evaluation.baselines import Baseline
from evaluation.interactions import Interactions
from evaluation.views import ASKED


def cold_policies(
    past: Interactions, cold: Set[str], categories: Mapping[str, Sequence[str]], *, seed: int
) -> dict[str, Baseline]:
    """By name. `categories`: {item: its categories} of all items; empty without such a column: then only random."""
    made = {RANDOM_COLD: random_cold(sorted(cold), seed=seed)}
    if categories:
        ranked = by_category(past, cold, categories)[:ASKED]
        made[POPULAR_CATEGORIES] = lambda user: ranked
    return made


def random_cold(cold: Sequence[str], *, seed: int) -> Baseline:
    """A seeded draw per user, all items equally likely."""
    return lambda user: random.Random(f"{seed}:{user}").sample(cold, min(ASKED, len(cold)))


def by_category(past: Interactions, cold: Set[str], categories: Mapping[str, Sequence[str]]) -> list[str]:
    """The cold items by how much everybody liked their categories, equal ones by id.

    A category is liked as much as its items of the past were: different users per item, on average. An item counts as
    the mean of its categories; one that is not known from the past counts as nothing, and so does an item without any.
    """
    users: Counter[str] = Counter()
    items: Counter[str] = Counter()
    met = Counter(item for user in past.user_ids for item in set(past.history(user)))
    for item, count in met.items():
        for category in set(categories.get(item, ())):
            users[category] += count
            items[category] += 1

    def liked(item: str) -> float:
        own = set(categories.get(item, ()))
        return sum(users[category] / items[category] for category in own if items[category]) / max(len(own), 1)

    return sorted(cold, key=lambda item: (-liked(item), item))
