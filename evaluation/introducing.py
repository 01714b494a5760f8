"""What it takes to introduce new items: visits simulated on the held-out truth, for one policy's lists.

Visitors come in rounds, each round in an order of its own. A visit shows the first `SHOWN` items of the visitor's list
that this visitor was not shown yet and that are not introduced yet. A shown item is clicked if it is among the
visitor's held-out items; with `CLICKS` clicks it is introduced and needs no help any more. The lists stay what they
were: no policy learns from the clicks. Items that fewer than `CLICKS` visitors want can never be introduced; what is
spent on them counts all the same. It ends after `VISITS` rounds, or when nothing is left to introduce or to show.

The orders depend on the number of visitors and the seed alone, so that policies are compared order by order.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from statistics import median
from typing import Any

from evaluation.cases import Case

CLICKS = 10
"""With so many clicks an item is introduced."""
SHOWN = 5
"""Items in a visit."""
VISITS = 20
"""Of each visitor at most."""
ORDERS = 20
VISITORS = 1_000
"""At most so many come: a seeded sample, so that the time is bounded."""
POINTS = 20
"""Of a curve at most."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """How the visits in one order went."""

    impressions: int
    """Made in all."""
    at: list[int]
    """For each item introduced, in this order: the impressions of any item until then."""
    own: list[int]
    """For each item introduced, in the same order: the impressions of this item until then."""

    @property
    def introduced(self) -> int:
        """Items that were."""
        return len(self.at)

    @property
    def per_item(self) -> float | None:
        """Impressions by item introduced; None without any."""
        return self.impressions / len(self.at) if self.at else None

    @property
    def until_introduced(self) -> float | None:
        """Impressions of the median item that was introduced; None without any."""
        return float(median(self.own)) if self.own else None


@dataclass(kw_only=True)
class Introducing:
    """What the visits under one policy came to."""

    visitors: int
    items: int
    introducible: int
    courses: list[Course]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return vars(self) | {"courses": [vars(course) for course in self.courses]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Introducing:
        """The inverse of `to_json`."""
        return cls(**value | {"courses": [Course(**course) for course in value["courses"]]})


def introduce(
    answers: Mapping[str, Sequence[str]], cases: Sequence[Case], cold: Set[str], *, seed: int, orders: int = ORDERS
) -> Introducing:
    """Lets the users of the cases visit.

    `answers`: {user: item ids, best first}, one per case; items that are not in `cold` are passed over. The `relevant`
    items of a case are what its user clicks.
    """
    visitors = sorted(cases, key=lambda case: case.user)
    if len(visitors) > VISITORS:
        visitors = random.Random(seed).sample(visitors, VISITORS)
    numbers = {item: number for number, item in enumerate(sorted(cold))}
    lists = [[numbers[item] for item in dict.fromkeys(answers[case.user]) if item in cold] for case in visitors]
    wanted = [{numbers[item] for item in case.relevant & cold} for case in visitors]
    able = introducible(wanted)
    return Introducing(
        visitors=len(visitors),
        items=len(cold),
        introducible=len(able),
        courses=[visits(lists, wanted, able=len(able), seed=f"{seed}:{number}") for number in range(orders)],
    )


def introducible(wanted: Iterable[Set[int]]) -> set[int]:
    """The items that enough visitors want."""
    counts = Counter(item for items in wanted for item in items)
    return {item for item, users in counts.items() if users >= CLICKS}


def visits(lists: Sequence[Sequence[int]], wanted: Sequence[Set[int]], *, able: int, seed: str) -> Course:
    """One course of the visits. Items are numbers from 0.

    `lists`: of each visitor the items, best first, each once; `wanted`: those the visitor clicks; `able`: how many
    items can be introduced at all.
    """
    draw = random.Random(seed)
    order = list(range(len(lists)))
    places = [0] * len(lists)  # what stands before was shown to the visitor, or is introduced: neither is undone
    n_items = 1 + max((item for items in lists for item in items), default=-1)
    own, clicks = [0] * n_items, [0] * n_items
    introduced: dict[int, int] = {}
    impressions = 0
    for _ in range(VISITS):
        before = impressions
        draw.shuffle(order)
        for visitor in order:
            if len(introduced) == able:
                break
            place, items, likes = places[visitor], lists[visitor], wanted[visitor]
            room = SHOWN
            while room and place < len(items):
                item = items[place]
                place += 1
                if item in introduced:
                    continue
                room -= 1
                impressions += 1
                own[item] += 1
                if item in likes:
                    clicks[item] += 1
                    if clicks[item] == CLICKS:
                        introduced[item] = impressions
            places[visitor] = place
        if impressions == before:
            break
    return Course(impressions=impressions, at=[*introduced.values()], own=[own[item] for item in introduced])


def curve(courses: Sequence[Course], *, most: int) -> list[list[float]]:
    """[[impressions, items introduced until then, mean over the courses], …] at `POINTS` even steps up to `most`."""
    steps = sorted({round(most * step / (POINTS - 1)) for step in range(POINTS)})
    return [[step, sum(bisect_right(course.at, step) for course in courses) / len(courses)] for step in steps]
