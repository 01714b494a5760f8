"""Metadata as the trainer's batches need it: fixed shapes, and parts left out at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from personalize_engine.data.features import Described, SparseRows
from personalize_engine.data.past import Past
from personalize_engine.models import hrnn_network as net

MAX_WIDTH = 32
"""Features of a row that training looks at; longer rows lose the others (requests use all of them)."""
NO_FREE_PART = 0.05
"""Share of the items that, when told from others in one window, are what their features say and nothing else. Never of
those that are read: a history is better known by its items. A small share, for the sake of items with interactions: on
MovieLens 100k more (of both kinds) never helped these, though less than seeds differ. This value was not tried there.
"""
NOT_ASKED = 0.3
"""Share of the steps at which the context is left out, and as often the user's metadata: requests may lack them."""

Rows = tuple[NDArray[np.int32], NDArray[np.float32]]
"""Indices and weights of features, (..., W) each."""


class _Part:
    """Rows of features, some at a time: all of them in fixed shapes would be larger than the interactions."""

    def __init__(self, rows: SparseRows) -> None:
        self.rows, self.width = rows, min(rows.width, MAX_WIDTH)

    def take(self, places: NDArray[np.integer]) -> Rows:
        """Those rows."""
        index, weight = self.rows.take(places.ravel()).padded(self.width)
        return index.reshape(*places.shape, self.width), weight.reshape(*places.shape, self.width)


class Inputs:
    """The described parts of a past; draws what is left out from the generator of the batches."""

    def __init__(self, past: Past, rng: np.random.Generator) -> None:
        self.rng = rng
        self.item, self.user, self.event = (
            None if part is None else _Part(part.rows)
            for part in (past.item_described, past.user_described, past.event_described)
        )
        self.n_items = len(past.items)

    @property
    def before_first(self) -> bool:
        """Whether something is known of a user who has no history yet, so that a first item can be told from it."""
        return self.user is not None or self.event is not None

    def window(self, *, user: Any, event: Any, read: Any, target: Any, items: dict[str, Any]) -> dict[str, Any]:
        """What `hrnn_training.loss` reads besides ids and times: (index, weight), of items (index, weight, free).

        `user`, `event` (the one just read) and `target` are (B, T) places in the past, `read` how many interactions of
        the user were read; `items` are rows by the name under which the batch has them.
        """
        batch: dict[str, Any] = {}
        if self.item is not None:
            free = self._kept((self.n_items,), NO_FREE_PART)
            for name, rows in items.items():
                told = np.ones(rows.shape, np.float32) if name == "item" else free[rows]
                batch[f"{name}_described"] = (*self.item.take(rows), told)
        if self.user is not None:
            index, weight = self._some(self.user.take(user))
            batch["user_described"] = (index, weight * net.prior_weight(read)[..., None].astype(np.float32))
        if self.event is not None:
            batch["event_described"] = self.event.take(event)
            batch["context_described"] = self._some(self.event.take(target))
        return batch

    def _some(self, rows: Rows) -> Rows:
        index, weight = rows
        return index, weight * self._kept(weight.shape[:-1], NOT_ASKED)[..., None]

    def _kept(self, shape: tuple[int, ...], share: float) -> NDArray[np.float32]:
        """1, or 0 in that share of the places."""
        return (self.rng.random(shape, np.float32) >= share).astype(np.float32)


def sizes_of(past: Past) -> dict[str, int]:
    """The arguments of `net.shapes` that metadata decides."""

    def size(part: Described | None) -> int:
        return 0 if part is None else part.encoder.size

    return {
        "item_features": size(past.item_described),
        "user_features": size(past.user_described),
        "event_features": size(past.event_described),
    }
