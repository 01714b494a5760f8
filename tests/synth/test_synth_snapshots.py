"""Templates and definitions as they were last approved: a change shows in the diff of a commit.

`UPDATE_SNAPSHOTS=1 pytest tests/synth` writes them anew (`make snapshots`).
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from synth_app import Template

FOLDER = Path(__file__).parent / "snapshots"
MACHINES = {
    "main": "Pipeline/Main/Machine",
    "training": "RecipeBranch/Training/Machine",
    "clean-up": "Teardown/Machine",
}


def _compare(name: str, value: Any) -> None:
    text = json.dumps(value, indent=1, sort_keys=False) + "\n"
    text = re.sub(r"[0-9a-f]{64}", "<hash of the asset>", text)
    path = FOLDER / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.is_file(), f"no snapshot {name}: run `make snapshots` and look at what it wrote"
    assert text == path.read_text(), f"{name} changed: if that is meant, run `make snapshots` and commit the difference"


@pytest.mark.parametrize("experiment", ["everything", "minimal"])
def test_template(templates: dict[str, Template], experiment: str) -> None:
    body = {key: value for key, value in templates[experiment].body.items() if key not in {"Rules", "Parameters"}}
    resources = {}
    for key, row in body["Resources"].items():
        resources[key] = row | {"Properties": dict(row["Properties"])}
        if "DefinitionString" in row["Properties"]:
            resources[key]["Properties"]["DefinitionString"] = "<a snapshot of its own>"
    _compare(f"{experiment}.template.json", body | {"Resources": resources})


@pytest.mark.parametrize("machine", MACHINES)
def test_state_machine(everything: Template, machine: str) -> None:
    _compare(f"{machine}.asl.json", everything.machine(MACHINES[machine]))
