"""A function writes its log as its role allows: a deleted log group does not come back.

Symptom without it: MiniStack writes every function's output and makes the log group if there is none. The function
that answers CloudFormation at the end of a stack's deletion would leave its own log group behind; on AWS it cannot,
since its role may not create log groups (the stack declares them).
Seam: `lambda_svc._emit_lambda_logs` is asked first.
Tests: tests/cloud/test_cloud_resources.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudwatch_logs, lambda_svc

from local_cloud.plugin import policy
from local_cloud.plugin.seams import wrap


def install() -> None:
    """Put the check in front of the writer."""
    wrap(lambda_svc, "_emit_lambda_logs", "func, request_id, log_text, error, duration_ms, log_source", _if_allowed)


def _if_allowed(write: Callable[..., None]) -> Callable[..., None]:
    def writing(function: Mapping[str, Any], *rest: Any, **named: Any) -> None:
        if _allowed(function.get("config") or function):
            write(function, *rest, **named)

    return writing


def _allowed(config: Mapping[str, Any]) -> bool:
    name, role = config["FunctionName"], config["Role"]
    region, account = config["FunctionArn"].split(":")[3:5]
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    stream = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:any"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    if group not in cloudwatch_logs._log_groups:
        actions.append("logs:CreateLogGroup")
    session = f"arn:aws:sts::{account}:assumed-role/{role.rsplit('/', 1)[-1]}/{name}"
    try:
        for action in actions:
            policy.allow(role, session_arn=session, action=action, resource=stream, service="logs")
    except policy.Denied:
        return False
    return True
