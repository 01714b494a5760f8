"""An opt-in record of what a run needs: every question to the policy evaluator, every event that a function is given.

With it a test finds out which step asks for a permission, and repeats that step alone, with the event it had in the
run. Off unless `Settings.record` names a file; a line of it is one JSON object, `{"asked": …}` or `{"called": …}`.
Seams: `iam_evaluator.evaluate`, through which every decision goes; `stepfunctions._invoke_resource`.
Tests: tests/matrix/.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import stepfunctions

from local_cloud.plugin.seams import wrap


def install(record: Path) -> None:
    """Write to this file from now on."""
    writing = threading.Lock()

    def note(line: dict[str, Any]) -> None:
        with writing, record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    wrap(iam_evaluator, "evaluate", "ctx, policies, limits", lambda evaluate: _asking(evaluate, note))
    wrap(stepfunctions, "_invoke_resource", "resource, input_data", lambda invoke: _calling(invoke, note))


def _asking(evaluate: Callable[..., Any], note: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
    def asking(asked: Any, policies: Any, *limits: Any) -> Any:
        result = evaluate(asked, policies, *limits)
        question = {"principal": asked.principal_arn, "action": asked.action, "resource": asked.resource_arn}
        note({"asked": {**question, "decision": result.decision}})
        return result

    return asking


def _calling(invoke: Callable[..., Any], note: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
    def calling(resource: str, data: Any) -> Any:
        note({"called": {"resource": resource, "event": data}})
        return invoke(resource, data)

    return calling
