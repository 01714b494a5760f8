"""Trials of a hyperparameter optimisation, one after the other, in a process of their own.

A trial fits the recipe's model to the training part of the past and judges it on the validation part. The past lies in
a folder and is mapped into memory, so that processes side by side share it.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from personalize_engine.errors import JobFailed
from personalize_engine.jobs.channel import READY, Waiting, send, serve

if TYPE_CHECKING:  # what takes long to import waits until the process listens, so that it can be ended from the start
    from personalize_engine.data.past import Past
    from personalize_engine.jobs.service_metrics import Split

VALIDATION_USERS = 4000
"""Whose newest interactions are the validation part, at most. The service's test users are a tenth; that few would let
chance decide between trials on small data."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What all trials of an optimisation have in common."""

    recipe: str
    featurization: dict[str, str]
    objective: str
    seed: int

    def write(self, folder: Path, past: Past) -> None:
        """Lays out the folder of the trials."""
        from personalize_engine.data import past_files

        past_files.write(past, folder / "past")
        (folder / "task.json").write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> tuple[Task, Past]:
        """The inverse of `write`."""
        from personalize_engine.data import past_files

        task = cls(**json.loads((folder / "task.json").read_text(encoding="utf-8")))
        return task, past_files.read(folder / "past")


def main(folder: Path) -> None:
    """Answers {"trial": hyperparameters}, in the end with {"done": {"value"}}, until the input ends."""
    waiting, channel = serve()
    task, past = Task.read(folder)
    parts = validation_split(past, seed=task.seed)
    send(channel, READY)
    while True:
        send(channel, _answer(task, parts, waiting.get()["trial"], waiting, channel))


def validation_split(past: Past, *, seed: int) -> Split:
    """A past without the newest interactions of many users, and these."""
    from personalize_engine.jobs.service_metrics import split

    return split(past, seed=seed, users=min(VALIDATION_USERS, int((past.lengths >= 2).sum())))


def _answer(
    task: Task, parts: Split, hyperparameters: Mapping[str, str], waiting: Waiting, channel: IO[str]
) -> dict[str, Any]:
    from contract.recipes import RECIPES
    from personalize_engine.jobs.service_metrics import service_metrics
    from personalize_engine.serving.bind import BindError, bind, fit

    def progress(*, done: int, total: int, message: str) -> None:
        send(channel, {"progress": {"done": done, "total": total, "message": message}})
        waiting.get()

    recipe = RECIPES[task.recipe]
    try:
        parameters = bind(recipe, hyperparameters, task.featurization)
        # Which settings are better shows early: only the final training is as thorough as the engine's.
        model = fit(recipe, parts.train, parameters, seed=task.seed, effort="quick", progress=progress)
        values = service_metrics(model, parts, recipe=recipe, catalogue=frozenset(parts.train.items.ids))
        return {"done": {"value": values[task.objective]}}
    except (BindError, JobFailed) as error:
        return {"failed": str(error)}
    except Exception:
        return {"crashed": traceback.format_exc()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
