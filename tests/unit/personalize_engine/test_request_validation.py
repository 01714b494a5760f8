"""Every request that the SDK's own generator can make from the service models passes; constraints are found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from personalize_engine import protocol, validation

EXAMPLES = {
    "arn:([a-z\\d-]+):personalize:.*:.*:.+": "arn:aws:personalize:us-east-1:000000000000:campaign/c",
    "^[a-zA-Z0-9][a-zA-Z0-9\\-_]*": "a-name_1",
    "\\p{ASCII}{0,1500}": "token",
    "arn:([a-z\\d-]+):iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+": "arn:aws:iam::000000000000:role/x",
    "arn:aws.*:kms:.*:[0-9]{12}:key/.*": "arn:aws:kms:us-east-1:000000000000:key/x",
    "(s3|http|https)://.+": "s3://bucket/key",
    "^[A-Za-z_]+$": "Interactions",
    "rate\\(\\d+ days?\\)": "rate(7 days)",
    "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$": "Größe 1",
}


def example(shape: Any, depth: int = 0) -> Any:
    """A value that fits the shape, with every member given."""
    rules = shape.metadata
    match shape.type_name:
        case "structure":
            return {name: example(member, depth + 1) for name, member in shape.members.items()} if depth < 6 else {}
        case "list":
            return [example(shape.member, depth + 1)] * max(1, rules.get("min", 0))
        case "map":
            return {example(shape.key): example(shape.value, depth + 1)}
        case "string":
            if shape.enum:
                return shape.enum[0]
            return EXAMPLES.get(rules.get("pattern", ""), "x" * max(1, rules.get("min", 0)))
        case "boolean":
            return True
        case "timestamp":
            return datetime(2024, 1, 1, tzinfo=UTC)
        case "integer" | "long":
            return max(1, int(rules.get("min", 1)))
        case _:
            return float(max(0.5, rules.get("min", 0.5)))


@pytest.mark.parametrize("name", sorted(protocol.operations()))
def test_what_fits_the_model_is_accepted(name: str) -> None:
    shape = protocol.operations()[name].input_shape
    assert list(validation.problems(shape, example(shape))) == []


def test_every_problem_is_listed() -> None:
    shape = protocol.operations()["PutEvents"].input_shape
    event = {"eventType": "x" * 257, "sentAt": datetime(2024, 1, 1, tzinfo=UTC), "impression": []}
    found = list(validation.problems(shape, {"trackingId": "", "sessionId": "s", "eventList": [event, {}]}))
    assert len(found) == 5
    text = validation.message(found)
    assert text.startswith("5 validation errors detected: ")
    for where in (
        "'trackingId'",
        "'eventList.1.member.eventType'",
        "'eventList.1.member.impression'",
        "'eventList.2.member.eventType'",
        "'eventList.2.member.sentAt'",
    ):
        assert where in text


def test_numbers_and_booleans_are_not_mixed_up() -> None:
    shape = protocol.operations()["CreateCampaign"].input_shape
    good = {"name": "a", "solutionVersionArn": EXAMPLES["arn:([a-z\\d-]+):personalize:.*:.*:.+"]}
    assert list(validation.problems(shape, good | {"minProvisionedTPS": True}))
    assert list(validation.problems(shape, good | {"minProvisionedTPS": 0}))
    config = {"campaignConfig": {"syncWithLatestSolutionVersion": 1}}
    assert list(validation.problems(shape, good | config))
    assert not list(validation.problems(shape, good | {"minProvisionedTPS": 1, "tags": None}))
