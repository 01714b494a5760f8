"""The experiment quickstart as it is after a column was added to its items, and with the options of its stack: together
they have every grant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from experiments.load import FOLDER

NAME = "quickstart"
OPTIONS: dict[str, Any] = {
    "kms_key": "new",
    "operations": True,
    "park_idle": True,
    "budget": 100,
    "schedule": "rate(7 days)",
}
"""Those that grant something."""


def grown_quickstart() -> dict[str, Any]:
    """As the YAML says it, with its name; the last column of the items is marked as added."""
    given: dict[str, Any] = yaml.safe_load((FOLDER / f"{NAME}.yaml").read_text(encoding="utf-8"))
    *before, last = given["schemas"]["items"]
    given["schemas"]["items"] = [*before, {**last, "nullable": True, "added": True}]
    return {**given, "name": NAME}


def optioned_quickstart() -> dict[str, Any]:
    """The same with OPTIONS."""
    return {**grown_quickstart(), "stack": OPTIONS}


def write(folder: Path, given: dict[str, Any]) -> Path:
    """Its file there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}.yaml"
    path.write_text(yaml.safe_dump(given), encoding="utf-8")
    return path
