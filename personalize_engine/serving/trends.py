"""aws-trending-now between trainings: everybody's events since then count, and no version is made.

Data without any event since the training have a time of their own: their last interval ends with their newest
interaction, so an evaluation can be repeated. With the first event since, the clock's time takes over: an item that
nobody meets any more stops trending, and two intervals without events leave the popular items.

On AWS trends are found anew after every interval, at the latest every two hours; here, at every question after new
events, and otherwise once a minute. Imports since the training count from the next training on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from personalize_engine.models.trending import Trending
from personalize_engine.serving.trained import Trained
from personalize_engine.store.database import Store
from personalize_engine.store.events import group_events, newest_position

RESOLUTION = 60
"""Seconds between two looks at the clock."""


@dataclass(frozen=True, kw_only=True)
class _State:
    """A version with the events up to a position."""

    trained: Trained
    position: int
    minute: int | None
    """In which it was brought up to date; None as long as there have been no events."""


class Trends:
    """Thread-safe: versions as they are now."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._states: dict[str, _State] = {}

    def current(self, version_arn: str, trained: Trained) -> Trained:
        """The version with the events since its training; `trained` is the version as it was trained."""
        with self._lock:
            before = self._states.get(version_arn) or _State(
                trained=trained, position=trained.events_until, minute=None
            )
            state = self._states[version_arn] = self._brought_up_to_date(before)
        return state.trained

    def forget(self, version_arn: str) -> None:
        """Drops what is held of a version."""
        with self._lock:
            self._states.pop(version_arn, None)

    def _brought_up_to_date(self, before: _State) -> _State:
        trained, model = before.trained, before.trained.model
        assert isinstance(model, Trending), "the recipe table says which recipes follow trends"
        minute = int(self._clock()) // RESOLUTION
        until = (minute + 1) * RESOLUTION
        events: list[tuple[str, int]] = []
        with self._store.read() as transaction:
            position = newest_position(transaction)
            if position > before.position:
                events = group_events(
                    transaction,
                    trained.dataset_group,
                    after=before.position,
                    later_than=until - 2 * model.parameters.interval,
                    selection=trained.selection,
                )
        if not events and (before.minute is None or before.minute == minute):
            return replace(before, position=position)
        extended = model.extended(
            [item for item, _ in events], np.array([at for _, at in events], np.int64), until=until
        )
        return _State(trained=_with(trained, extended, events), position=position, minute=minute)


def _with(trained: Trained, model: Trending, events: list[tuple[str, int]]) -> Trained:
    """What is known per item is made as long as the model's list of items, and counts the events."""
    n = len(model.items)
    met = np.bincount(model.items.rows(item for item, _ in events), minlength=n)
    new = np.zeros(n - len(trained.counts), np.int64)
    return replace(
        trained,
        model=model,
        fallback=(np.concatenate([trained.fallback, new]) + met).astype(np.float32),
        counts=np.concatenate([trained.counts, new]) + met,
        created=np.concatenate([trained.created, new - 1]),
    )
