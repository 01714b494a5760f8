"""A `Past` as a folder of plain arrays, for several processes to read: mapped into memory, they share its pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personalize_engine.data.features import Described, Encoder, SparseRows
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary

_COLUMNS = ("user", "item", "at", "created")
_DESCRIBED = ("item_described", "user_described", "event_described")
_ROWS = ("start", "index", "weight")


def write(past: Past, folder: Path) -> None:
    """Writes all of it into a new folder."""
    folder.mkdir(parents=True)
    arrays = {name: value for name in _COLUMNS if (value := getattr(past, name)) is not None}
    encoders = {}
    for name in _DESCRIBED:
        described: Described | None = getattr(past, name)
        if described is not None:
            encoders[name] = described.encoder.model_dump(mode="json")
            arrays |= {f"{name}.{part}": getattr(described.rows, part) for part in _ROWS}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    about = {"users": past.users.ids, "items": past.items.ids, "encoders": encoders}
    (folder / "past.json").write_text(json.dumps(about), encoding="utf-8")


def read(folder: Path) -> Past:
    """The inverse of `write`; the arrays cannot be written to."""
    about = json.loads((folder / "past.json").read_text(encoding="utf-8"))
    members: dict[str, Any] = {name: _array(folder, name) for name in _COLUMNS if (folder / f"{name}.npy").exists()}
    for name, encoder in about["encoders"].items():
        rows = SparseRows(**{part: _array(folder, f"{name}.{part}") for part in _ROWS})
        members[name] = Described(encoder=Encoder.model_validate(encoder), rows=rows)
    return Past(users=Vocabulary(about["users"]), items=Vocabulary(about["items"]), **members)


def _array(folder: Path, name: str) -> NDArray[Any]:
    mapped: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return mapped.view(np.ndarray)
