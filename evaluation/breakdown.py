"""For whom and for which items a recipe works: recall by users' activity and by items' popularity.

A mean over users hides that a recipe may serve only those who are known well, or find only what everybody knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contract.results import Band
from evaluation.interactions import Interactions

HEAD, MIDDLE, TAIL, NEW = "head", "middle", "tail", "new"
POPULARITY = (HEAD, MIDDLE, TAIL, NEW)
"""The most popular items, which together have a third of the past's interactions, the next ones with another third,
the others, and items without a past."""
ACTIVITY = ("least active", "middle", "most active")
"""Thirds of the users by the length of their past."""


def popularity_bands(past: Interactions) -> dict[str, str]:
    """{item of the past: head, middle or tail}; equal counts by id."""
    counts = past.item_counts()
    order = sorted(range(len(counts)), key=lambda item: (-counts[item], past.item_ids[item]))
    bands, before, total = {}, 0, len(past)
    for item in order:
        bands[past.item_ids[item]] = POPULARITY[min(3 * before // max(total, 1), 2)]
        before += counts[item]
    return bands


def by_popularity(found: Mapping[str, Sequence[int]]) -> list[Band]:
    """From {band: (found, wanted)} over all users: the share of the held-out items that was found."""
    return [
        Band(name=name, size=found[name][1], recall=found[name][0] / found[name][1])
        for name in POPULARITY
        if name in found and found[name][1]
    ]


def by_activity(lengths: Sequence[int], recall: Sequence[float]) -> list[Band]:
    """Mean recall of each third of the users; empty for fewer than three."""
    order = sorted(range(len(lengths)), key=lambda user: lengths[user])
    cuts = [round(part * len(order) / len(ACTIVITY)) for part in range(len(ACTIVITY) + 1)]
    made = []
    for name, low, high in zip(ACTIVITY, cuts, cuts[1:], strict=False):
        users = order[low:high]
        if users and len(order) >= len(ACTIVITY):
            value = sum(recall[user] for user in users) / len(users)
            least, most = lengths[users[0]], lengths[users[-1]]
            made.append(Band(name=name, size=len(users), recall=value, of=[least, most]))
    return made
