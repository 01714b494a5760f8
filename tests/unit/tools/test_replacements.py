"""What a deploy would take away in Amazon Personalize is named before it happens."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tools import replacements
from tools.replacements import losses, main


def template() -> dict[str, Any]:
    arn = {"Fn::GetAtt": ["Group", "DatasetGroupArn"]}
    return {
        "Resources": {
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Schema": {"Type": "AWS::Personalize::Schema", "Properties": {"Name": "s-1", "Schema": "{}"}},
            "Group": {"Type": "AWS::Personalize::DatasetGroup", "Properties": {"Name": "g"}},
            "Dataset": {
                "Type": "AWS::Personalize::Dataset",
                "Properties": {
                    "Name": "d",
                    "DatasetGroupArn": arn,
                    "SchemaArn": {"Fn::GetAtt": ["Schema", "SchemaArn"]},
                },
            },
            "Tracker": {"Type": "AWS::Personalize::EventTracker", "Properties": {"Name": "t", "DatasetGroupArn": arn}},
        }
    }


def changed(**properties: Any) -> dict[str, Any]:
    """The template with other properties: Dataset={"Name": …}; None: without that resource."""
    made = copy.deepcopy(template())
    for key, value in properties.items():
        if value is None:
            del made["Resources"][key]
        else:
            made["Resources"][key].setdefault("Properties", {}).update(value)
    return made


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (template(), []),
        (changed(Bucket={"BucketName": "other"}), []),
        (changed(Tracker={"Tags": []}, Dataset={"DatasetImportJob": {}}), []),
        (changed(Group={"Tags": [{"Key": "a", "Value": "b"}]}), ["Group", "Dataset", "Tracker"]),
        (changed(Schema={"Schema": "{1}"}), ["Schema", "Dataset"]),
        (changed(Tracker=None), ["Tracker"]),
        (changed(Dataset={"Name": "e"}), ["Dataset"]),
    ],
)
def test_what_is_lost(after: dict[str, Any], expected: list[str]) -> None:
    assert [loss.logical_id for loss in losses(template(), after)] == expected


def test_it_says_why_and_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    after = changed(Schema={"Schema": "{1}"})
    monkeypatch.setattr(replacements, "synthesized", lambda experiment, environment: after)
    before = tmp_path / "before.json"
    before.write_text(json.dumps(template()))
    assert main(["shop", "--before", str(before)]) == 1
    told = capsys.readouterr()
    assert "Dataset Dataset will be replaced, because SchemaArn is of Schema. Lost: the imported rows" in told.out
    assert "make diff ALLOW_REPLACE=Dataset,Schema" in told.err
    assert main(["shop", "--before", str(before), "--allow", "Dataset", "--allow", "Schema"]) == 0
    assert main(["shop", "--before", str(tmp_path / "none.json")]) == 2


def test_adding_takes_nothing_away() -> None:
    after = copy.deepcopy(template())
    after["Resources"]["Filter"] = {"Type": "AWS::Personalize::Filter", "Properties": {"Name": "f"}}
    assert losses(template(), after) == []
    assert [loss.reason for loss in losses(after, template())] == ["will be deleted"]


def test_an_edited_schema_of_a_real_stack_is_seen() -> None:
    first, second = (replacements.synthesized(name, "dev") for name in ("movielens-hrnn", "movielens-hrnn-metadata"))
    assert losses(first, first) == []
    assert {loss.type for loss in losses(first, second)} >= {"DatasetGroup", "Dataset", "Schema"}


def test_what_is_not_deployed_can_lose_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(replacements, "deployed", lambda stack: None)
    assert main(["quickstart", "--environment", "prod"]) == 0
    assert "quickstart-prod is not deployed" in capsys.readouterr().out
