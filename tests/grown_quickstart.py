"""The experiment quickstart as it is after a column was added to its items: its stack has every kind of grant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from experiments.load import FOLDER

NAME = "quickstart"


def grown_quickstart() -> dict[str, Any]:
    """As the YAML says it, with its name; the last column of the items is marked as added."""
    given: dict[str, Any] = yaml.safe_load((FOLDER / f"{NAME}.yaml").read_text(encoding="utf-8"))
    *before, last = given["schemas"]["items"]
    given["schemas"]["items"] = [*before, {**last, "nullable": True, "added": True}]
    return {**given, "name": NAME}


def write(folder: Path) -> Path:
    """Its file there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}.yaml"
    path.write_text(yaml.safe_dump(grown_quickstart()), encoding="utf-8")
    return path
