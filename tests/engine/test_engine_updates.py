"""trainingMode UPDATE: items that came after the training can be recommended without another one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from engine_server import SMALL, Bench, schema, settled


@pytest.fixture(scope="module")
def group(bench: Bench) -> str:
    """Users of even number like items of even number, and the Items dataset says which those are."""
    group = bench.filled_group()
    items = bench.dataset(group, "Items", schema("Items", {"name": "PARITY", "type": "string", "categorical": True}))
    rows = [f"i{n},{'odd' if n % 2 else 'even'}" for n in range(40)]
    assert bench.load(items, bench.put("\n".join(["ITEM_ID,PARITY", *rows]).encode()))["status"] == "ACTIVE"
    return group


def update(bench: Bench, solution: str) -> dict[str, Any]:
    made = bench.personalize.create_solution_version(solutionArn=solution, trainingMode="UPDATE")
    version = settled(bench.personalize, "solution_version", made["solutionVersionArn"])
    assert version["status"] == "ACTIVE", version.get("failureReason")
    assert version["trainingMode"] == "UPDATE"
    return version


def test_new_items_by_an_update(bench: Bench, group: str) -> None:
    solution = bench.solution(group, "aws-user-personalization", solutionConfig=SMALL)
    with pytest.raises(ClientError, match="needs an ACTIVE version"):
        bench.personalize.create_solution_version(solutionArn=solution, trainingMode="UPDATE")
    version = bench.version(solution)
    assert version["trainingMode"] == "FULL"
    (dataset,) = [
        row["datasetArn"]
        for row in bench.personalize.list_datasets(datasetGroupArn=group)["datasets"]
        if row["datasetType"] == "ITEMS"
    ]
    for name, parity in (("new-even", "even"), ("new-odd", "odd")):
        properties = json.dumps({"parity": parity})
        bench.events.put_items(datasetArn=dataset, items=[{"itemId": name, "properties": properties}])
    plain = {"campaignConfig": {"itemExplorationConfig": {"explorationWeight": "0"}}}
    before = bench.campaign(version["solutionVersionArn"], **plain)
    known = bench.items(before, userId="u0", numResults=500)
    assert not {"new-even", "new-odd"} & {*known}
    updated = update(bench, solution)
    after = bench.campaign(updated["solutionVersionArn"], **plain)
    found = bench.items(after, userId="u0", numResults=500)
    assert {*found} == {*known, "new-even", "new-odd"}
    assert [item for item in found if item in known] == known, "the same weights"
    odd = bench.items(after, userId="u1", numResults=500)
    assert found.index("new-even") < found.index("new-odd")
    assert odd.index("new-odd") < odd.index("new-even")
    metrics = bench.personalize.get_solution_metrics(solutionVersionArn=updated["solutionVersionArn"])["metrics"]
    assert metrics["precision_at_5"] > 0
    again = bench.campaign(update(bench, solution)["solutionVersionArn"], **plain)
    assert bench.items(again, userId="u0", numResults=500) == found, "an update of an update"


@pytest.mark.parametrize("recipe", ["aws-hrnn", "aws-user-personalization-v2", "aws-popularity-count"])
def test_other_recipes_are_not_updated(bench: Bench, group: str, recipe: str) -> None:
    solution = bench.solution(group, recipe)
    with pytest.raises(ClientError, match=r"InvalidInputException.*UPDATE is for the recipes"):
        bench.personalize.create_solution_version(solutionArn=solution, trainingMode="UPDATE")


def test_automatic_training_is_not_asked_for(bench: Bench, group: str) -> None:
    solution = bench.solution(group, "aws-user-personalization")
    with pytest.raises(ClientError, match=r"InvalidInputException.*AUTOTRAIN"):
        bench.personalize.create_solution_version(solutionArn=solution, trainingMode="AUTOTRAIN")
