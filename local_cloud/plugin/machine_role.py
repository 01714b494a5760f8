"""A state machine may do only what its own role allows.

Symptom without it: MiniStack's interpreter calls functions, S3, SNS and child executions inside the process, so the
machine's role is never looked at: with all its policies deleted it still ran. On AWS the task fails.
Seams: `_run_execution` tells whose execution the thread works on (MiniStack copies the context to the threads of maps
and branches); `_invoke_resource`, `_invoke_with_callback` and `_read_map_items` are asked before they act. An
integration that this module does not know is refused, never waved through.
Tests: tests/cloud/test_cloud_machine.py removes one permission at a time.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import stepfunctions

from local_cloud.plugin import policy
from local_cloud.plugin.seams import wrap

LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"
START = "arn:aws:states:::states:startExecution"
PUBLISH = "arn:aws:states:::sns:publish"
SYNC_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
SYNC_RULE_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
S3_ACTIONS = {
    "getobject": "s3:GetObject",
    "headobject": "s3:GetObject",
    "putobject": "s3:PutObject",
    "deleteobject": "s3:DeleteObject",
    "listobjectsv2": "s3:ListBucket",
}


@dataclass(frozen=True)
class Acting:
    """The execution that the current thread works on."""

    role: str
    machine: str
    execution: str


@dataclass(frozen=True)
class Need:
    """One permission, and the error that AWS reports when it is missing."""

    action: str
    resource: str
    service: str
    error: str


_acting: contextvars.ContextVar[Acting | None] = contextvars.ContextVar("acting", default=None)


def install() -> None:
    """Put the checks in front of the interpreter."""
    wrap(stepfunctions, "_run_execution", "exec_arn", _as_its_role)
    wrap(stepfunctions, "_invoke_resource", "resource, input_data", _checked)
    wrap(stepfunctions, "_invoke_with_callback", "resource, input_data, token, state_def", _checked)
    wrap(stepfunctions, "_read_map_items", "reader, effective, ctx", _reader_checked)


def _as_its_role(run: Callable[[str], None]) -> Callable[[str], None]:
    def running(execution_arn: str) -> None:
        execution = stepfunctions._executions.get(execution_arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
        acting = Acting(
            role=machine.get("roleArn", ""),
            machine=execution.get("stateMachineArn", ""),
            execution=execution.get("name", ""),
        )
        token = _acting.set(acting)
        try:
            run(execution_arn)
        finally:
            _acting.reset(token)

    return running


def _checked(invoke: Callable[..., Any]) -> Callable[..., Any]:
    def checking(resource: str, data: Any, *rest: Any) -> Any:
        _require(needs(resource, data))
        return invoke(resource, data, *rest)

    return checking


def _reader_checked(read: Callable[..., Any]) -> Callable[..., Any]:
    def checking(reader: Mapping[str, Any], effective: Any, context: Any) -> Any:
        parameters = reader.get("Parameters") or reader.get("Arguments") or {}
        where = stepfunctions._resolve_params_obj(parameters, effective, context)
        _require(_s3_needs(str(reader.get("Resource", "")).rsplit(":", 1)[-1], where, "States.ItemReaderFailed"))
        return read(reader, effective, context)

    return checking


def _require(wanted: list[Need]) -> None:
    acting = _acting.get()
    if acting is None:  # TestState runs without an execution
        return
    try:
        session = policy.assume(
            acting.role, service="states.amazonaws.com", source_arn=acting.machine, session=acting.execution
        )
    except policy.Denied as denied:
        raise stepfunctions._ExecutionError("States.Runtime", str(denied)) from denied
    for need in wanted:
        try:
            policy.allow(
                acting.role,
                session_arn=session,
                action=need.action,
                resource=need.resource,
                service=need.service,
            )
        except policy.Denied as denied:
            raise stepfunctions._ExecutionError(need.error, str(denied)) from denied


def needs(resource: str, data: Any) -> list[Need]:
    """The permissions that a task's resource needs with this input."""
    integration = resource.removesuffix(".waitForTaskToken")
    value: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    if integration == LAMBDA_INVOKE:
        return [_invoke(str(value.get("FunctionName", "")))]
    if ":lambda:" in integration and ":function:" in integration:
        return [_invoke(integration)]
    if integration in {START, f"{START}.sync", f"{START}.sync:2"}:
        return _start_needs(str(value.get("StateMachineArn", "")), waits=".sync" in integration)
    if integration == PUBLISH:
        topic = str(value.get("TopicArn") or value.get("TargetArn") or "*")
        return [Need("sns:Publish", topic, "sns", "SNS.AuthorizationErrorException")]
    if ":activity:" in integration:
        return []
    if ":aws-sdk:s3:" in integration:
        return _s3_needs(integration.rsplit(":", 1)[-1], value, "S3.S3Exception")
    raise stepfunctions._ExecutionError(
        "States.Runtime", f"{resource}: local_cloud/plugin/machine_role.py does not know which permissions it needs"
    )


def _invoke(function: str) -> Need:
    if not function.startswith("arn:"):
        scope = f"{stepfunctions.get_region()}:{stepfunctions.get_account_id()}"
        function = f"arn:aws:lambda:{scope}:function:{function}"
    return Need("lambda:InvokeFunction", function, "lambda", "Lambda.AWSLambdaException")


def _start_needs(machine: str, *, waits: bool) -> list[Need]:
    """Waiting for a child also needs to look at it, to stop it, and the rule that tells of its end."""
    error = "StepFunctions.AWSStepFunctionsException"
    wanted = [Need("states:StartExecution", machine, "states", error)]
    if waits and machine.count(":") >= 6:
        _, _, _, region, account, _, name = machine.split(":", 6)
        execution = f"arn:aws:states:{region}:{account}:execution:{name}:any"
        rule = f"arn:aws:events:{region}:{account}:rule/{SYNC_RULE}"
        wanted += [
            Need(action, execution, "states", error) for action in ("states:DescribeExecution", "states:StopExecution")
        ]
        wanted += [Need(action, rule, "events", error) for action in SYNC_RULE_ACTIONS]
    return wanted


def _s3_needs(call: str, value: Mapping[str, Any], error: str) -> list[Need]:
    action = S3_ACTIONS.get(call.lower())
    if action is None:
        raise stepfunctions._ExecutionError("States.Runtime", f"s3:{call} is not known to the local cloud's plug-in")
    bucket = f"arn:aws:s3:::{value.get('Bucket', '')}"
    return [Need(action, bucket if action == "s3:ListBucket" else f"{bucket}/{value.get('Key', '')}", "s3", error)]
