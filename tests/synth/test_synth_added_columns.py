"""A column that is added later replaces nothing in the stack, and its schema goes when the stack goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from synth_app import EVERYTHING, YEAR, Template, growing, states_of, synthesize

from contract import naming
from contract.as_json import from_json
from contract.plan import Settings
from stacks.options import ADDED_COLUMNS
from tools.replacements import losses

MAIN = "Pipeline/Main/Machine"


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The stack `everything`, deployed again with a column more."""
    return synthesize(tmp_path_factory.mktemp("later"), growing(EVERYTHING))["everything"]


def test_it_replaces_nothing(everything: Template, later: Template) -> None:
    assert losses(everything.body, later.body) == []
    fresh = {row["Type"] for key, row in later.resources.items() if key not in everything.resources}
    assert fresh == {"AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::IAM::Role", ADDED_COLUMNS}


def test_taking_it_away_again_is_told(everything: Template, later: Template) -> None:
    (loss,) = losses(later.body, everything.body)
    assert "imports without them fail" in str(loss)


def test_a_column_of_a_new_group_is_no_added_one(later: Template, tmp_path: Path) -> None:
    schemas: dict[str, Any] = EVERYTHING["schemas"]  # type: ignore[assignment]
    plain = {**EVERYTHING, "schemas": {**schemas, "items": [*schemas["items"], {**YEAR, "added": False}]}}
    after = synthesize(tmp_path, plain)["everything"]
    assert {loss.type for loss in losses(later.body, after.body)} >= {"DatasetGroup", "Dataset", "Schema"}
    assert "AddedColumns" not in {loss.type for loss in losses(later.body, after.body)}


def test_the_schema_is_made_by_a_run(later: Template) -> None:
    (declared,) = (
        row["Properties"]["Schema"] for key, row in later.resources.items() if key.startswith("DatasetsItemsSchema")
    )
    assert "YEAR" not in declared
    states = dict(states_of(later.machine(MAIN)))
    settings = from_json(Settings, states["Check the data"]["Parameters"]["settings"])
    (group,) = (row["Properties"]["Name"] for row in later.of_type("AWS::Personalize::DatasetGroup").values())
    grown = settings.grown_schemas["Items"]
    assert [field["name"] for field in json.loads(grown.text)["fields"]] == ["ITEM_ID", "GENRES", "YEAR"]
    assert grown.name.startswith(naming.grown_schemas(group))
    assert settings.schema_columns["Items"] == ["ITEM_ID", "GENRES", "YEAR"]
    assert states["Estimate the cost"]["Next"] == "Add new columns"
    assert states["Add new columns"]["Next"] == "Import every dataset"


def test_the_datasets_are_deleted_before_the_schemas(later: Template) -> None:
    (resource,) = later.of_type(ADDED_COLUMNS)
    for row in later.of_type("AWS::Personalize::Dataset").values():
        assert resource in row["DependsOn"]
    assert later.resources[resource]["Properties"]["Subject"].startswith(f"{naming.prefix('everything')}-group-")


def test_its_schemas_may_be_made_and_deleted_and_no_others(later: Template) -> None:
    schemas = f":schema/{naming.prefix('everything')}-group-*"
    made = [s for s in later.statements("Tasks/AddColumns/Role") if s["Action"] == "personalize:CreateSchema"]
    deleted = [
        s for s in later.statements("AddedColumns/DeleteSchemas/Role") if s["Action"] == "personalize:DeleteSchema"
    ]
    assert all(statement["Resource"].endswith(schemas) for statement in (*made, *deleted))
    assert (len(made), len(deleted)) == (1, 1)
