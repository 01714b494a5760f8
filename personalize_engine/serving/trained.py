"""A trained solution version as files and in memory: the model, the histories it was trained on, its fallback.

version.json, histories.arrow, items.npz, encoders.json, and the model's own folder `model/`. Histories are kept whole
(the newest tenth of the test users' interactions, which the model was not fitted on, included): a user is answered from
all that is known of them. They are memory-mapped, so that a version costs little more memory than its model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contract.recipes import RECIPES, Recipe
from personalize_engine.data.features import Encoder
from personalize_engine.data.past import Past
from personalize_engine.models import saved
from personalize_engine.models.base import Interaction, Model
from personalize_engine.serving.bind import MODELS
from personalize_engine.serving.histories import Histories, history_table
from personalize_engine.serving.imported import open_file, write_file
from personalize_engine.store.events import EVERYTHING, Selection

NEWEST = 5000
"""Interactions of a user that a query's history holds at most."""
VERSION, HISTORIES, ITEMS, ENCODERS, MODEL = "version.json", "histories.arrow", "items.npz", "encoders.json", "model"


@dataclass(frozen=True, kw_only=True)
class Encoders:
    """What made a version's features: an update describes new items with the same ones. None: no such metadata."""

    item: Encoder | None = None
    user: Encoder | None = None
    event: Encoder | None = None


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a campaign serves."""

    recipe: Recipe
    dataset_group: str
    events_until: int
    """Events up to this position of the store are part of the histories."""
    selection: Selection
    """Which events the solution is about."""
    model: Model[Any]
    fallback: NDArray[np.float32]
    """(n_items,) distinct users per item: the order of what the model cannot tell."""
    counts: NDArray[np.int64]
    """(n_items,) interactions of each item at the time of the training; 0: only the Items dataset knew it."""
    created: NDArray[np.int64]
    """(n_items,) CREATION_TIMESTAMP, Unix seconds; -1 where it is not known."""
    histories: Histories

    @cached_property
    def warm(self) -> NDArray[np.bool_]:
        """(n_items,) which items had interactions at the time of the training."""
        return self.counts > 0

    @cached_property
    def age_days(self) -> NDArray[np.float64]:
        """(n_items,) at the newest interaction: since CREATION_TIMESTAMP, else the item's first interaction, else 0."""
        first = self.histories.first_moments(self.model.items)
        born = np.where(self.created >= 0, self.created, first)
        newest = self.histories.newest_moment
        return np.where(born < 0, 0, np.maximum(newest - born, 0)) / 86_400

    def history(self, user_id: str) -> list[Interaction]:
        """A user's interactions as of the training, oldest first; empty for an unknown user."""
        return self.histories.newest(user_id, NEWEST)


def save(
    folder: Path,
    model: Model[Any],
    past: Past,
    *,
    recipe: Recipe,
    dataset_group: str,
    events_until: int,
    selection: Selection = EVERYTHING,
    properties: pa.Table | None = None,
) -> None:
    """Writes all of it into an existing folder; `past` has the model's items as its own.

    `properties`: EVENT_TYPE and metadata of the past's rows.
    """
    about = {"recipe": recipe.name, "dataset_group": dataset_group, "events_until": events_until}
    about |= {"event_type": selection.event_type, "threshold": selection.threshold}
    (folder / VERSION).write_text(json.dumps(about))
    write_file(history_table(past, properties), folder / HISTORIES)
    created = np.full(len(past.items), -1) if past.created is None else past.created
    np.savez(folder / ITEMS, fallback=fallback_order(past), counts=past.item_counts, created=created)
    described = {"item": past.item_described, "user": past.user_described, "event": past.event_described}
    encoders = {name: part.encoder.model_dump() for name, part in described.items() if part is not None}
    (folder / ENCODERS).write_text(json.dumps(encoders))
    saved.save(model, folder / MODEL)


def load(folder: Path) -> Trained:
    """The inverse of `save`."""
    about = json.loads((folder / VERSION).read_text())
    with np.load(folder / ITEMS, allow_pickle=False) as arrays:
        return Trained(
            recipe=RECIPES[about["recipe"]],
            dataset_group=about["dataset_group"],
            events_until=about["events_until"],
            selection=Selection(event_type=about["event_type"], threshold=about["threshold"]),
            model=load_model(folder, RECIPES[about["recipe"]]),
            fallback=arrays["fallback"],
            counts=arrays["counts"],
            created=arrays["created"],
            histories=Histories(open_file(folder / HISTORIES)),
        )


def load_model(folder: Path, recipe: Recipe) -> Model[Any]:
    """The model alone."""
    return saved.load(MODELS[recipe.name], folder / MODEL)


def load_encoders(folder: Path) -> Encoders:
    """What made the features that the model was fitted on."""
    found = json.loads((folder / ENCODERS).read_text())
    return Encoders(**{name: Encoder.model_validate(part) for name, part in found.items()})


def fallback_order(past: Past) -> NDArray[np.float32]:
    """(n_items,) distinct users per item."""
    return np.bincount(past.pairs[1], minlength=len(past.items)).astype(np.float32)
