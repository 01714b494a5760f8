"""The execution's history tells of the states inside maps and branches.

Symptom without it: MiniStack records StateEntered and StateExited only for the states at the top of a machine; what
runs in a Map or a Parallel shows no names, so nobody can follow a run in which nearly everything happens there. AWS
records all of them in the same history.
Seams: `_run_sub_machine` notes whose history it is, and the functions that execute one state record it. A state at
the top records itself already (`_run_execution`).
Tests: tests/cloud/test_cloud_machine.py.
"""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from local_cloud.plugin.seams import wrap

WITH_EXECUTION = "state_def, raw_input, execution, ctx"
ALONE = "state_def, raw_input, ctx"
KINDS = {
    "Pass": ALONE,
    "Task": WITH_EXECUTION,
    "Choice": ALONE,
    "Wait": ALONE,
    "Parallel": WITH_EXECUTION,
    "Map": WITH_EXECUTION,
}

_inside: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("inside", default=None)
"""The execution whose map or branch the thread works on; None at the top of a machine."""


def install() -> None:
    """Record what MiniStack leaves out."""
    wrap(stepfunctions, "_run_execution", "exec_arn", _at_the_top)
    wrap(stepfunctions, "_run_sub_machine", "states, start_at, input_data, execution, ctx", _below)
    for kind, parameters in KINDS.items():
        wrap(stepfunctions, f"_execute_{kind.lower()}", parameters, _recorded(kind))


def _at_the_top(run: Callable[[str], None]) -> Callable[[str], None]:
    """A child machine runs in the thread of its parent's task: it has a history of its own."""

    def running(execution_arn: str) -> None:
        token = _inside.set(None)
        try:
            run(execution_arn)
        finally:
            _inside.reset(token)

    return running


def _below(run: Callable[..., Any]) -> Callable[..., Any]:
    def running(states: Any, start_at: Any, data: Any, execution: dict[str, Any], context: Any) -> Any:
        token = _inside.set(execution)
        try:
            return run(states, start_at, data, execution, context)
        finally:
            _inside.reset(token)

    return running


def _recorded(kind: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def around(execute: Callable[..., Any]) -> Callable[..., Any]:
        def recording(state: Any, data: Any, *rest: Any) -> Any:
            execution = _inside.get()
            if execution is None:
                return execute(state, data, *rest)
            name = rest[-1]["State"]["Name"]
            entered = {"name": name, "input": json.dumps(data)}
            stepfunctions._add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": entered})
            output, following = execute(state, data, *rest)
            exited = {"name": name, "output": json.dumps(output)}
            stepfunctions._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": exited})
            return output, following

        return recording

    return around
