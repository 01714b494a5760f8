"""aws-hrnn-coldstart end to end: new items of the Items dataset, of PutItems after an UPDATE, and the limits."""

from __future__ import annotations

import io
import json

import pytest
from engine_server import SMALL, Bench, schema, settled

OLD, NEW = 1_600_000_000, 1_700_000_000
SECONDS = 300
"""A training may take so long on a machine that does a lot else."""
KIND = {"name": "KIND", "type": ["null", "string"], "categorical": True}
CREATED = {"name": "CREATION_TIMESTAMP", "type": "long"}


def items_csv(n_new: int) -> bytes:
    """What the users of `interactions_csv` have met, long known, and new items of both kinds."""
    out = io.StringIO("ITEM_ID,KIND,CREATION_TIMESTAMP\n")
    out.seek(0, io.SEEK_END)
    for k in range(40):
        out.write(f"i{k},{('even', 'odd')[k % 2]},{OLD}\n")
    for k in range(n_new):
        out.write(f"new{k},{('even', 'odd')[k % 2]},{NEW}\n")
    return out.getvalue().encode()


def group_with_items(bench: Bench, n_new: int) -> tuple[str, str]:
    group = bench.filled_group()
    items = bench.dataset(group, "Items", schema("Items", KIND, CREATED))
    loaded = bench.load(items, bench.put(items_csv(n_new)))
    assert loaded["status"] == "ACTIVE", loaded.get("failureReason")
    return group, items


def test_new_items_are_recommended_by_what_they_are_like(bench: Bench) -> None:
    group, items = group_with_items(bench, 100)
    solution = bench.solution(group, "aws-hrnn-coldstart", solutionConfig=SMALL)
    version = bench.version(solution, seconds=SECONDS)
    assert version["status"] == "ACTIVE", version.get("failureReason")
    campaign = bench.campaign(version["solutionVersionArn"])

    for user in (0, 1):
        answer = bench.runtime.get_recommendations(campaignArn=campaign, userId=f"u{user}", numResults=100)
        found = answer["itemList"]
        assert {item["itemId"] for item in found} == {f"new{k}" for k in range(100)}
        assert all(int(item["itemId"][3:]) % 2 == user for item in found[:25])
        assert sum(item["score"] for item in found) == pytest.approx(1, abs=1e-3)
    assert bench.items(campaign, userId="nobody", numResults=3)[0].startswith("new")

    newer = [
        {"itemId": f"newer{k}", "properties": json.dumps({"kind": "odd", "creationTimestamp": NEW})} for k in (0, 1)
    ]
    bench.events.put_items(datasetArn=items, items=newer)
    made = bench.personalize.create_solution_version(solutionArn=solution, trainingMode="UPDATE")
    update = settled(bench.personalize, "solution_version", made["solutionVersionArn"], seconds=SECONDS)
    assert update["status"] == "ACTIVE", update.get("failureReason")
    updated = bench.campaign(made["solutionVersionArn"])
    assert {"newer0", "newer1"} <= set(bench.items(updated, userId="u1", numResults=60))
    assert not {"newer0", "newer1"} & set(bench.items(updated, userId="u0", numResults=40))


def test_too_few_cold_items_fail_with_the_reason(bench: Bench) -> None:
    group, _ = group_with_items(bench, 99)
    version = bench.version(bench.solution(group, "aws-hrnn-coldstart", solutionConfig=SMALL), seconds=SECONDS)
    assert version["status"] == "CREATE FAILED"
    assert "The number of cold start items (99) is outside of the limits" in version["failureReason"]
