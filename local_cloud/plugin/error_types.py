"""A Python exception reaches the state machine under its class name.

Symptom without it: Retry and Catch see "Runtime.HandlerError" for every exception of a function. On AWS the error is
the name of the exception's class ("ResourceFailed"); a function that runs out of time is "Sandbox.Timedout", which
MiniStack reports by itself; and where its process ended, "Runtime.ExitError".
Seams: one line of the worker's script adds the name to its answer; `Worker.invoke` notes it; `_execute_function_warm`
puts it into the payload that Step Functions and callers of Invoke read.
Tests: tests/cloud/test_cloud_machine.py.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_cloud.plugin.seams import expect, wrap

ANSWER = '"error": str(e), "trace": traceback'
NAMED = '"error": str(e), "error_type": type(e).__name__, "trace": traceback'
GENERIC = "Runtime.HandlerError"
DIED, EXITED = "Worker process died", "Runtime.ExitError"

_raised: contextvars.ContextVar[str | None] = contextvars.ContextVar("raised", default=None)


def install() -> None:
    """Make the worker say, and the caller hear, which exception it was."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    expect(script.count(ANSWER) == 1, "ministack.core.lambda_runtime._PYTHON_WORKER_SCRIPT", "answers differently")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(ANSWER, NAMED)
    wrap(
        lambda_runtime.Worker,
        "invoke",
        "self, event, request_id, trace_id, depth, durable, invoked_function_arn",
        _noting,
    )
    wrap(lambda_svc, "_execute_function_warm", "func, event, request_id", _naming)


def _noting(invoke: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def noting(*arguments: Any, **named: Any) -> dict[str, Any]:
        result = invoke(*arguments, **named)
        _raised.set(EXITED if result.get("error") == DIED else result.get("error_type"))
        return result

    return noting


def _naming(execute: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def naming(*arguments: Any, **named: Any) -> dict[str, Any]:
        _raised.set(None)
        result = execute(*arguments, **named)
        body, raised = result.get("body"), _raised.get()
        if result.get("error") and raised and isinstance(body, dict) and body.get("errorType") == GENERIC:
            body["errorType"] = raised
        return result

    return naming
