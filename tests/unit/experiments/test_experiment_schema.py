"""The JSON Schema beside the experiments is up to date, and takes and refuses what the loader does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from experiments import schema
from experiments.load import FOLDER

CHECK = jsonschema.Draft202012Validator(yaml.safe_load(schema.text()))
QUICKSTART = yaml.safe_load((FOLDER / "quickstart.yaml").read_text())


def test_the_file_is_up_to_date() -> None:
    assert schema.FILE.read_text() == schema.text(), "run `make snapshots`"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_experiment_is_taken_and_names_the_schema(path: Path) -> None:
    CHECK.validate(yaml.safe_load(path.read_text()))
    assert path.read_text().startswith(f"# yaml-language-server: $schema={schema.FILE.name}\n")


@pytest.mark.parametrize(
    "change",
    [
        {"recipes": ["aws-hrm"]},
        {"recipes": [{"recipe": "aws-hrnn", "hyperparameter": {}}]},
        {"data": {"kind": "generated", "user": 3}},
        {"evaluation": {"users": 0}},
        {"colour": "blue"},
    ],
)
def test_what_the_loader_refuses_is_marked(change: dict[str, Any]) -> None:
    assert not CHECK.is_valid(QUICKSTART | change)


@pytest.mark.parametrize("hpo", [True, {"jobs": 4, "ranges": {"bptt": [8, 16], "recency_mask": ["True"]}}])
def test_tuning_may_be_asked_for_in_short(hpo: Any) -> None:
    CHECK.validate(QUICKSTART | {"recipes": [{"recipe": "aws-hrnn", "hpo": hpo}]})


def test_parameters_may_be_numbers() -> None:
    CHECK.validate(QUICKSTART | {"recipes": [{"recipe": "aws-hrnn", "hyperparameters": {"bptt": 8}}]})
