"""Words for the state machines: a state that calls a task, with our retries and time-outs, and a machine's frame.

Times are generous guards, not expectations: a state without a time-out would wait for years. The roles are written by
hand, because those that CDK derives from a definition also allow every version and alias of a function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.permissions import allow
from stacks.task_function import LOG_RETENTION, TaskFunction

ALL_ERRORS = ["States.ALL"]
_TRANSIENT = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
]
"""Lambda's own failures: the function was not at fault."""
_LATER = ["Throttled", "Unavailable"]
"""lambdas.errors: the service asked for fewer requests, or failed."""
CUT_OFF = ["Sandbox.Timedout", "Runtime.ExitError", "Lambda.Unknown", "States.Timeout"]
"""The function ran out of time or its process ended. Every task may be repeated; twice, because it may be for good."""
_GRACE = cdk.Duration.seconds(30)
"""A function ends by its own time-out, which says more, before the state's."""
_DELIVER_LOGS = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
]
TRACE = ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"]


def call(
    scope: Construct,
    name: str,
    function: TaskFunction,
    *,
    comment: str,
    payload: Mapping[str, Any] | None = None,
    input_path: str | None = None,
    result_path: str | None = None,
) -> tasks.LambdaInvoke:
    """A state that calls the function and keeps its result.

    `payload` is the event, in ASL's notation (`"key.$": "$.path"`); without it the event is the state's input, or what
    `input_path` chooses of it.
    """
    state = tasks.LambdaInvoke(
        scope,
        name,
        lambda_function=function.function,
        comment=comment,
        payload=None if payload is None else sfn.TaskInput.from_object(dict(payload)),
        payload_response_only=True,
        input_path=input_path,
        result_path=result_path,
        retry_on_service_exceptions=False,
        task_timeout=sfn.Timeout.duration(function.timeout.plus(_GRACE)),
    )
    for errors, seconds, attempts in ((_TRANSIENT, 2, 6), (_LATER, 5, 8), (CUT_OFF, 2, 2)):
        state.add_retry(
            errors=errors,
            interval=cdk.Duration.seconds(seconds),
            max_attempts=attempts,
            backoff_rate=2,
            max_delay=cdk.Duration.seconds(60),
            jitter_strategy=sfn.JitterType.FULL,
        )
    return state


def say_if_cut_off(*states: tasks.LambdaInvoke) -> None:
    """For states whose failure ends the machine: Lambda's own words name no state, and say nothing of what to do."""
    for state in states:
        failed = sfn.Fail(
            state,
            f"{state.node.id}: cut off",
            error="CutOff",
            cause=f"{state.node.id}: its function ran out of time or its process ended, three times in a row. Its log"
            " group says how far it came. Start again with the same input: only what is missing is done",
        )
        state.add_catch(failed, errors=CUT_OFF)


def wait(scope: Construct, name: str, seconds: int) -> sfn.Wait:
    """A pause between two looks at something."""
    return sfn.Wait(scope, name, time=sfn.WaitTime.duration(cdk.Duration.seconds(seconds)))


class Machine(Construct):
    """A state machine: logged without its data, traced, with a role that has these statements and no others."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        comment: str,
        start: sfn.IChainable,
        timeout: cdk.Duration,
        functions: Sequence[TaskFunction],
        statements: Sequence[iam.PolicyStatement] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        log_group = logs.LogGroup(
            self,
            "Logs",
            # Under this prefix the account's log resource policy, which is limited in size, need not name the group.
            log_group_name=f"/aws/vendedlogs/states/{name}",
            retention=LOG_RETENTION,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            inline_policies={
                "machine": iam.PolicyDocument(
                    statements=[
                        allow(["lambda:InvokeFunction"], *(function.arn for function in functions)),
                        allow(_DELIVER_LOGS + TRACE, "*"),
                        *statements,
                    ]
                )
            },
        )
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            comment=comment,
            definition_body=sfn.DefinitionBody.from_chainable(start),
            role=role.without_policy_updates(),
            timeout=timeout,
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )

    @property
    def arn(self) -> str:
        return self.machine.state_machine_arn
