"""A trained solution version as files and in memory: the model, the histories it was trained on, its fallback.

version.json, users.json, history.npz, and the model's own folder `model/`. Histories are kept whole (the newest tenth
of the test users' interactions, which the model was not fitted on, included): a user is answered from all that is
known of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.recipes import RECIPES, Recipe
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models import saved
from personalize_engine.models.base import Interaction, Model
from personalize_engine.serving.bind import MODELS

NEWEST = 5000
"""Interactions of a user that a query's history holds at most."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a campaign serves."""

    recipe: Recipe
    dataset_group: str
    events_until: int
    """Events up to this position of the store are part of the histories."""
    model: Model[Any]
    fallback: NDArray[np.float32]
    """(n_items,) distinct users per item: the order of what the model cannot tell."""
    users: Vocabulary
    ends: NDArray[np.int64]
    """(n_users,) position behind each user's last interaction."""
    item: NDArray[np.int32]
    """(n,) row numbers in `model.items`, by user, then time."""
    at: NDArray[np.int64]
    """(n,) Unix seconds."""

    def history(self, user_id: str) -> list[Interaction]:
        """A user's interactions as of the training, oldest first; empty for an unknown user."""
        row = self.users.row(user_id)
        if row is None:
            return []
        end = int(self.ends[row])
        start = max(int(self.ends[row - 1]) if row else 0, end - NEWEST)
        ids = self.model.items.ids
        items, moments = self.item[start:end].tolist(), self.at[start:end].tolist()
        return [Interaction(item_id=ids[item], at=at) for item, at in zip(items, moments, strict=True)]


def save(folder: Path, model: Model[Any], past: Past, *, recipe: Recipe, dataset_group: str, events_until: int) -> None:
    """Writes all of it into an existing folder; `past` has the model's items as its own."""
    about = {"recipe": recipe.name, "dataset_group": dataset_group, "events_until": events_until}
    (folder / "version.json").write_text(json.dumps(about))
    (folder / "users.json").write_text(json.dumps(past.users.ids))
    np.savez(folder / "history.npz", ends=past.ends, item=past.item, at=past.at, fallback=fallback_order(past))
    saved.save(model, folder / "model")


def load(folder: Path) -> Trained:
    """The inverse of `save`."""
    about = json.loads((folder / "version.json").read_text())
    with np.load(folder / "history.npz", allow_pickle=False) as arrays:
        return Trained(
            recipe=RECIPES[about["recipe"]],
            dataset_group=about["dataset_group"],
            events_until=about["events_until"],
            model=saved.load(MODELS[about["recipe"]], folder / "model"),
            fallback=arrays["fallback"],
            users=Vocabulary(json.loads((folder / "users.json").read_text())),
            ends=arrays["ends"],
            item=arrays["item"],
            at=arrays["at"],
        )


def fallback_order(past: Past) -> NDArray[np.float32]:
    """(n_items,) distinct users per item."""
    return np.bincount(past.pairs[1], minlength=len(past.items)).astype(np.float32)
