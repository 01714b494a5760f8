"""Schemas are what CreateSchema takes, and equal declarations give equal text."""

from __future__ import annotations

import json

import pytest

from contract.recipes import DatasetKind
from experiments.avro import schema_json
from experiments.config import Experiment


def experiment(**schemas: object) -> Experiment:
    return Experiment.model_validate(
        {"name": "shop", "data": {"kind": "generated"}, "schemas": schemas, "recipes": ["aws-popularity-count"]}
    )


def test_the_required_columns_come_first() -> None:
    value = {"name": "EVENT_VALUE", "type": "float", "nullable": True}
    made = json.loads(schema_json(experiment(interactions=[value]), DatasetKind.INTERACTIONS))
    assert made == {
        "type": "record",
        "name": "Interactions",
        "namespace": "com.amazonaws.personalize.schema",
        "fields": [
            {"name": "USER_ID", "type": "string"},
            {"name": "ITEM_ID", "type": "string"},
            {"name": "TIMESTAMP", "type": "long"},
            {"name": "EVENT_VALUE", "type": ["null", "float"]},
        ],
        "version": "1.0",
    }


def test_metadata_is_categorical_or_textual() -> None:
    items = [
        {"name": "GENRES", "type": "string", "categorical": True, "nullable": True},
        {"name": "STORY", "type": "string", "textual": True},
    ]
    made = json.loads(schema_json(experiment(items=items), DatasetKind.ITEMS))
    assert made["fields"][1:] == [
        {"name": "GENRES", "type": ["null", "string"], "categorical": True},
        {"name": "STORY", "type": "string", "textual": True},
    ]


def test_equal_declarations_give_equal_text() -> None:
    one = experiment(users=[{"name": "AGE", "type": "int"}])
    same = experiment(users=[{"type": "int", "name": "AGE"}])
    assert schema_json(one, DatasetKind.USERS) == schema_json(same, DatasetKind.USERS)


def test_a_dataset_that_does_not_exist() -> None:
    with pytest.raises(KeyError, match="no dataset Users"):
        schema_json(experiment(), DatasetKind.USERS)


def test_the_released_schema_lacks_what_was_added() -> None:
    genre = {"name": "GENRES", "type": "string", "categorical": True}
    year = {"name": "YEAR", "type": "int", "nullable": True}
    before, after = experiment(items=[genre]), experiment(items=[genre, {**year, "added": True}])
    assert schema_json(after, DatasetKind.ITEMS, released=True) == schema_json(before, DatasetKind.ITEMS)
    assert schema_json(after, DatasetKind.ITEMS) == schema_json(experiment(items=[genre, year]), DatasetKind.ITEMS)
