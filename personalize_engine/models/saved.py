"""A fitted model as a folder: `model.json` (parameters, items) and `arrays.npz`, written aside and then renamed.

Nothing in it can run code: JSON and plain arrays, and pickled objects are refused on loading.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel

from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models.base import Model

M = TypeVar("M", bound=Model[Any])
_DESCRIPTION, _ARRAYS = "model.json", "arrays.npz"


class SavedModelError(Exception):
    """A folder that does not hold the model that was asked for; the message says why."""


def save(model: Model[Any], folder: Path) -> None:
    """Write `model` so that `folder` holds all of it or, after a crash, what it held before."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    parameters: BaseModel = model.parameters
    description = {
        "model": type(model).__name__,
        "parameters": parameters.model_dump(mode="json"),
        "items": model.items.ids,
    }
    aside.mkdir()
    try:
        (aside / _DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")
        with (aside / _ARRAYS).open("wb") as file:
            np.savez(file, allow_pickle=False, **dict(model.arrays()))
            file.flush()
            os.fsync(file.fileno())
        if folder.exists():  # the same job, run a second time
            shutil.rmtree(folder)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def load(cls: type[M], folder: Path) -> M:
    """The model of class `cls` that `save` wrote; SavedModelError if the folder holds anything else."""
    try:
        description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        with np.load(folder / _ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise SavedModelError(f"{folder} holds no readable model: {error}") from error
    if description["model"] != cls.__name__:
        raise SavedModelError(f"{folder} holds a {description['model']}, not a {cls.__name__}")
    parameters = cls.Parameters.model_validate(description["parameters"])
    return cls.from_arrays(parameters, Vocabulary(description["items"]), arrays)
