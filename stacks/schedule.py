"""What starts something by itself: a schedule with a role that may start this one thing."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.permissions import allow

_ATTEMPTS = 3
_PATIENCE = cdk.Duration.hours(1)
"""How long a start that was refused is tried again: the next one comes anyway."""


class Schedule(Construct):
    """`expression`: rate(…) or cron(…), in UTC. `action`: what starts the target. `given`: its input."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        expression: str,
        target_arn: str,
        action: str,
        given: dict[str, Any],
    ) -> None:
        super().__init__(scope, construct_id)
        account = cdk.Stack.of(self).account
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": account}}
            ),
            inline_policies={"start": iam.PolicyDocument(statements=[allow([action], target_arn)])},
        )
        scheduler.CfnSchedule(
            self,
            "Schedule",
            description=description,
            schedule_expression=expression,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=target_arn,
                role_arn=role.role_arn,
                input=json.dumps(given),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=_PATIENCE.to_seconds(), maximum_retry_attempts=_ATTEMPTS
                ),
            ),
        )
