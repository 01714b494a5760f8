"""What is told of an execution: each state once, children by what they train, how it ended."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from local_cloud import follow, run
from local_cloud.follow import Ended, Follower
from local_cloud.phases import Phases

MAIN, CHILD = "arn:main", "arn:child"


def entered(number: int, name: str, kind: str = "Task") -> dict[str, Any]:
    return {"id": number, "type": f"{kind}StateEntered", "stateEnteredEventDetails": {"name": name}}


class Cloud:
    """An execution and its child, seen at two moments; the engine has one training."""

    def __init__(self, *, final: dict[str, Any]) -> None:
        self.looks = 0
        self.final = final
        self.engine_url = "http://localhost"
        self.history = {
            MAIN: [
                [entered(1, "Check the data")],
                [entered(1, "Check the data"), entered(2, "Wait", "Wait"), entered(3, "Compare the recipes")],
            ],
            CHILD: [
                [entered(1, "Ensure the solution")] * 1,
                [entered(n, "Ensure the solution") for n in range(1, 450)],
            ],
        }

    def client(self, service: str) -> Any:
        return self

    def engine(self, path: str) -> Any:
        return [
            {
                "arn": "arn:aws:personalize:r:a:solution/q-1a2b3c-hrnn-4d5e6f70/1",
                "done": 1,
                "total": 2,
                "message": "epoch 1",
            }
        ]

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
        if executionArn == CHILD:
            return {"input": json.dumps({"trained": "aws-hrnn"})}
        self.looks += 1
        return {"status": "RUNNING"} if self.looks == 1 else self.final

    def list_executions(self, *, stateMachineArn: str) -> dict[str, Any]:
        status = "RUNNING" if self.looks == 1 else "SUCCEEDED"
        return {
            "executions": [{"executionArn": CHILD, "name": "c", "status": status}, {"executionArn": MAIN, "name": "m"}]
        }

    def get_execution_history(
        self, *, executionArn: str, maxResults: int, nextToken: str = "0", **_: Any
    ) -> dict[str, Any]:
        events = self.history[executionArn][min(self.looks, 2) - 1][::-1]
        start = int(nextToken)
        page = {"events": events[start : start + maxResults]}
        return page | ({"nextToken": str(start + maxResults)} if start + maxResults < len(events) else {})


def followed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> tuple[Ended, str]:
    monkeypatch.setattr(follow, "POLL", 0.0)
    file = io.StringIO()
    ended = Follower(cloud, Phases(Console(file=file, width=120)), ["machine"]).follow(MAIN)  # type: ignore[arg-type]
    return ended, file.getvalue()


def test_states_are_told_once_and_children_by_what_they_train(monkeypatch: pytest.MonkeyPatch) -> None:
    output = json.dumps({"verdict": "clear"})
    ended, text = followed(Cloud(final={"status": "SUCCEEDED", "output": output}), monkeypatch)
    assert ended.succeeded
    assert ended.output == {"verdict": "clear"}
    assert text.count("Check the data") == 1
    assert text.count("aws-hrnn: Ensure the solution") == 1
    assert "Compare the recipes" in text
    assert "Wait" not in text
    assert "hrnn: epoch 1" in text


def test_a_failure_names_the_state_and_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    cause = json.dumps({"errorType": "DataMissing", "errorMessage": "no manifest"})
    ended, _ = followed(Cloud(final={"status": "FAILED", "error": "DataMissing", "cause": cause}), monkeypatch)
    assert not ended.succeeded
    assert run._failure(ended) == (
        "The state machine ended as FAILED in the state “Compare the recipes”: DataMissing: no manifest"
    )


def test_a_cause_that_is_plain_text_is_told_as_it_is() -> None:
    ended = Ended(status="FAILED", output={}, state=None, error="RecipesFailed", cause="aws-sims failed")
    assert run._failure(ended) == "The state machine ended as FAILED: RecipesFailed: aws-sims failed"
