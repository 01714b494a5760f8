"""What travels between states: there and back again, and a wrong member is named."""

from __future__ import annotations

import pytest

from contract import plan
from contract.as_json import from_json, to_json


def _run() -> plan.Run:
    return plan.Run(
        run_id="r1",
        started_at="2026-01-01T00:00:00Z",
        experiment="quickstart",
        backend="local",
        bucket="b",
        version="v",
        mode="experiment",
        evaluation=plan.EvaluationSettings(),
    )


def test_nested_dataclasses_survive_the_journey() -> None:
    made = plan.Compare(
        imported=[plan.Ensured(arn="arn", status="ACTIVE", new=True)],
        run=_run(),
        trainings=[],
        outcomes=[
            plan.TrainingOutcome(
                trained="aws-hrnn",
                recipes=[plan.RecipeOutcome(subject="aws-hrnn", status="failed", reason="because")],
                service_metrics={"coverage": 1},
            )
        ],
    )
    assert from_json(plan.Compare, to_json(made)) == made


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "trial"}, r"event\.mode is 'trial'; allowed: experiment, serve"),
        ({"extra": 1}, r"unknown member 'extra'"),
        ({"run_id": 7}, r"event\.run_id is 7; expected str"),
        ({"evaluation": {"users": True}}, r"event\.evaluation\.users is True; expected int"),
        ({"evaluation": []}, r"event\.evaluation is \[\]; expected an object"),
    ],
)
def test_a_wrong_member_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(plan.Run, to_json(_run()) | change)


def test_a_missing_member_is_named() -> None:
    value = to_json(_run())
    del value["bucket"]
    with pytest.raises(ValueError, match="lacks the member 'bucket'"):
        from_json(plan.Run, value)
