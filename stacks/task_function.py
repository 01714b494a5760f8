"""One Lambda function of the pipeline: its handler, its own role with explicit statements, its own log group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.assets import Assets
from stacks.permissions import allow

LOG_RETENTION = logs.RetentionDays.THREE_MONTHS


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a function is and may do: a row of a table."""

    module: str
    """In lambdas/tasks."""
    purpose: str
    statements: Sequence[iam.PolicyStatement]
    environment: Mapping[str, str] = field(default_factory=dict)
    minutes: int = 3
    """Time-out; 15 at most. Enough for a call that hangs once: botocore waits a minute before it tries again."""
    memory: int = 256
    """MiB; a function gets CPU in proportion (one core at 1769)."""


class TaskFunction(Construct):
    """A task, deployed."""

    def __init__(self, scope: Construct, construct_id: str, *, task: Task, assets: Assets) -> None:
        super().__init__(scope, construct_id)
        self.timeout = cdk.Duration.minutes(task.minutes)
        log_group = logs.LogGroup(self, "Logs", retention=LOG_RETENTION, removal_policy=cdk.RemovalPolicy.DESTROY)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "task": iam.PolicyDocument(
                    statements=[
                        allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.log_group_arn),
                        *task.statements,
                    ]
                )
            },
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description=task.purpose,
            code=assets.code,
            handler=f"lambdas.tasks.{task.module}.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            layers=[assets.powertools],
            role=self.role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            environment=dict(task.environment),
            timeout=self.timeout,
            memory_size=task.memory,
        )

    @property
    def arn(self) -> str:
        return self.function.function_arn
