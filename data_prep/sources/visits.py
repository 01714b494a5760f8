"""How the generated visitors behave: the rules by which they choose the next item, and what follows from these rules.

- Every item belongs to one taste, and the items of a taste lie on a closed path, like the parts of a series.
- A visitor has three tastes, one of them strong. Visits come in sessions; a session keeps to one taste, and from
  session to session the tastes drift: one may move up, or give way to a new one.
- A taste's path is entered at a popular item. From there a visitor moves on by one to three places at a time, at times
  strays to another item of the taste, always to something new; a later session goes on where they left the path.
- Every fifth event is a repeat instead: one of the items that the visitor saw last.
- Some items appear late; before that nobody meets them.
- If there are occasions (morning, evening, …), every session has one, and every taste suits one of them better than the
  others: what a visitor turns to depends on the occasion.

`Visitors.step` draws one event for all visitors at once. The same rules give the *expected* events behind a moment
(`expected_events`): the probabilities that only somebody who knows the rules and the visitors' minds can know. They
bound what any recipe can reach.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TASTE_WEIGHTS = np.array([0.55, 0.3, 0.15])
DRIFT = 0.06
"""Probability, per new session, that the tastes change."""
SESSION_END = 1 / 10
"""Probability, per event, that a new session begins: ten events on average."""
STRIDES = np.array([0.0, 0.6, 0.25, 0.15])
"""Relative weight of moving on by 0, 1, 2, … places on the path."""
STRAY = 0.15
"""Relative weight of any place, for straying."""
REPEATS = 0.2
"""Share of events that repeat an item of the visitor's past."""
RECENT = 0.6 ** np.arange(6)
"""Relative weight of the visitor's latest distinct items, the latest first, in a repeat."""
ITEM_SKEW = 1.5
"""An item's appeal within its taste falls with this power of its rank."""
TASTE_SKEW = 1.0
"""The number of visitors with a taste falls with this power of its rank."""
SUITED = 8.0
"""How much more often a visitor follows a taste on the occasion that it suits."""
LATE_ITEMS = 0.06
"""Share of items that appear late."""
START = 1_767_225_600
"""2026-01-01 00:00 UTC."""
PERIOD = 120 * 86_400
"""Seconds, roughly, over which a visitor's events are spread."""
_AT_ONCE = 20_000_000
"""Cells of (possible future, item) that are in memory at once."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What there is to see. Items are numbered taste by taste, in the order of the path."""

    path: Ints
    """(tastes, M) item numbers along each path."""
    appeal: Floats
    """(tastes, M) how much an item attracts: long-tailed."""
    created: Ints
    """(n_items,) Unix seconds."""
    suits: Floats
    """(occasions, tastes) relative weight of a taste on an occasion; one row of ones where there are no occasions."""

    @property
    def n_items(self) -> int:
        return self.path.size

    @classmethod
    def draw(cls, n_items: int, rng: np.random.Generator, *, occasions: int = 1) -> World:
        """`n_items` rounded down to a multiple of the number of tastes."""
        tastes = max(4, round(n_items / 40))
        length = n_items // tastes
        path = np.arange(tastes * length).reshape(tastes, length)
        appeal = rng.permuted(np.tile((1.0 + np.arange(length)) ** -ITEM_SKEW, (tastes, 1)), axis=1)
        created = START - rng.integers(30, 700, path.size) * 86_400
        late = rng.choice(path.size, round(LATE_ITEMS * path.size), replace=False)
        created[late] = START + (PERIOD * rng.uniform(0.4, 0.8, late.size)).astype(np.int64)
        suits = np.ones((occasions, tastes))
        if occasions > 1:
            suits[np.arange(tastes) % occasions, np.arange(tastes)] = SUITED
        return cls(path=path, appeal=appeal, created=created, suits=suits)


@dataclass(kw_only=True)
class Visitors:
    """The minds of N visitors at a moment."""

    tastes: Ints
    """(N, 3) strongest first."""
    taste: Ints
    """(N,) of the session; -1: the first one is about to begin."""
    occasion: Ints
    """(N,) of the session."""
    place: Ints
    """(N, tastes) where the visitor stands on each path; -1: has not entered it."""
    seen: Bools
    """(N, n_items)"""
    recent: Ints
    """(N, 6) latest distinct items, the latest first; -1: none."""
    at: Floats
    """(N,) Unix seconds of the latest event."""
    pause: Floats
    """(N,) mean seconds between the visitor's sessions."""

    @classmethod
    def draw(cls, world: World, events: Ints, rng: np.random.Generator) -> Visitors:
        """Visitors before their first event; `events` (N,): how many each will have, which sets their pace."""
        n = len(events)
        popularity = (1.0 + np.arange(len(world.path))) ** -TASTE_SKEW
        noise = rng.gumbel(size=(n, len(world.path)))
        return cls(
            tastes=np.argsort(-(np.log(popularity) + noise), axis=1)[:, :3],
            taste=np.full(n, -1),
            occasion=np.zeros(n, np.int64),
            place=np.full((n, len(world.path)), -1),
            seen=np.zeros((n, world.n_items), np.bool_),
            recent=np.full((n, len(RECENT)), -1),
            at=START + rng.uniform(0, PERIOD * 0.1, n),
            pause=0.9 * PERIOD / np.maximum(events * SESSION_END, 1),
        )

    def take(self, rows: Ints | Bools) -> Visitors:
        """A copy of these visitors."""
        return replace(self, **{name: value[rows].copy() for name, value in vars(self).items()})

    def put(self, rows: Ints | Bools, other: Visitors) -> None:
        """Overwrite these visitors."""
        for name, value in vars(self).items():
            value[rows] = getattr(other, name)

    def step(self, world: World, rng: np.random.Generator) -> tuple[Ints, Ints, Floats]:
        """One event each: (N,) items, and the (N, C) items they were drawn from with their (N, C) probabilities."""
        n = len(self.taste)
        everyone = np.arange(n)
        begins = (self.taste < 0) | (rng.random(n) < SESSION_END)
        self._drift(begins & (rng.random(n) < DRIFT), len(world.path), rng)
        if len(world.suits) > 1:
            self.occasion = np.where(begins, rng.integers(0, len(world.suits), n), self.occasion)
        pull = TASTE_WEIGHTS * world.suits[self.occasion[:, None], self.tastes]
        shares = np.cumsum(pull / pull.sum(1, keepdims=True), axis=1)
        chosen = (rng.random(n)[:, None] > shares).sum(1).clip(0, 2)
        self.taste = np.where(begins, self.tastes[everyone, chosen], self.taste)
        self.at += np.where(begins, 6 * 3600 + rng.exponential(self.pause), 20 + rng.exponential(180, n))

        length = world.path.shape[1]
        weight = world.appeal[self.taste].copy()
        place = self.place[everyone, self.taste][:, None]
        weight *= np.where(place < 0, 1.0, _by_stride(length)[(np.arange(length) - place) % length])
        items = world.path[self.taste]
        weight *= ~self.seen[everyone[:, None], items] & (world.created[items] <= self.at[:, None])
        left = weight.sum(1)
        again = RECENT * (self.recent >= 0)
        again[:, 0] *= begins  # not what is still open in front of the visitor
        known = again.sum(1)
        share = np.where(left <= 0, 1.0, np.where(known > 0, REPEATS, 0.0))

        choices = np.concatenate([items, self.recent], axis=1)
        probability = np.concatenate(
            [
                (1 - share)[:, None] * weight / np.maximum(left, 1e-300)[:, None],
                share[:, None] * again / np.maximum(known, 1e-300)[:, None],
            ],
            axis=1,
        )
        cumulative = np.cumsum(probability, axis=1)
        column = (cumulative <= (rng.random(n) * cumulative[:, -1])[:, None]).sum(1)
        drawn = choices[everyone, column]
        self._remember(drawn, length)
        return drawn, choices, probability

    def _drift(self, rows: Bools, n_tastes: int, rng: np.random.Generator) -> None:
        """One of the weaker tastes moves up; half of the time it is a new one that takes the weakest's place first."""
        rank = rng.integers(1, 3, len(rows))
        new = rng.integers(0, n_tastes, len(rows))
        fresh = rows & (rng.random(len(rows)) < 0.5) & ~(self.tastes == new[:, None]).any(1)
        self.tastes[fresh, 2] = new[fresh]
        at = np.flatnonzero(rows)
        up = rank[at]
        self.tastes[at, up], self.tastes[at, up - 1] = self.tastes[at, up - 1], self.tastes[at, up].copy()

    def _remember(self, drawn: Ints, length: int) -> None:
        everyone = np.arange(len(drawn))
        fresh = ~self.seen[everyone, drawn]
        self.seen[everyone, drawn] = True
        self.recent[fresh, 1:] = self.recent[fresh, :-1]
        self.recent[fresh, 0] = drawn[fresh]
        at = np.flatnonzero(fresh)  # a look back does not lose the place
        self.place[at, drawn[at] // length] = drawn[at] % length


def _by_stride(length: int) -> Floats:
    """(length,) relative weight of moving on by that many places."""
    weight = np.full(length, STRAY)
    weight[: len(STRIDES)] += STRIDES[:length]
    return weight


def expected_events(world: World, visitors: Visitors, events: Ints, *, draws: int, rng: np.random.Generator) -> Floats:
    """(N, n_items) how often each visitor is expected to meet each item in their next `events` (N,) events.

    Averages the exact probabilities of each event over `draws` possible futures of each visitor.
    """
    at_once = max(1, _AT_ONCE // (draws * world.n_items))
    parts = [np.arange(low, min(low + at_once, len(events))) for low in range(0, len(events), at_once)]
    return np.concatenate([_expected(world, visitors.take(rows), events[rows], draws=draws, rng=rng) for rows in parts])


def _expected(world: World, visitors: Visitors, events: Ints, *, draws: int, rng: np.random.Generator) -> Floats:
    n = len(events)
    possible = visitors.take(np.repeat(np.arange(n), draws))
    rows = np.repeat(np.arange(n), draws)[:, None] * world.n_items
    remaining = np.repeat(events, draws)
    expected = np.zeros(n * world.n_items)
    for number in range(int(events.max(initial=0))):
        _, choices, probability = possible.step(world, rng)
        probability *= (remaining > number)[:, None] / draws
        expected += np.bincount((rows + choices.clip(0)).ravel(), probability.ravel(), minlength=expected.size)
    return expected.reshape(n, world.n_items)
