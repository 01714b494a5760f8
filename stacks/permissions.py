"""Words for permissions: explicit statements instead of the `grant_…` methods, which allow more than is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

PERSONALIZE = "personalize.amazonaws.com"


def allow(
    actions: Sequence[str], *resources: str, conditions: dict[str, dict[str, Any]] | None = None
) -> iam.PolicyStatement:
    """One statement that allows those actions on those ARNs."""
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)


def executions_of(scope: Construct, machine_name: str) -> str:
    """ARN that matches every execution of a state machine."""
    return cdk.Stack.of(scope).format_arn(
        service="states",
        resource="execution",
        resource_name=f"{machine_name}:*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


class Personalize:
    """ARNs of what an experiment's pipeline makes in Amazon Personalize: every name begins with `{prefix}-`."""

    def __init__(self, scope: Construct, prefix: str) -> None:
        self._stack = cdk.Stack.of(scope)
        self._prefix = prefix

    def named(self, kind: str) -> str:
        """All resources of that kind (the word in the ARN, e.g. `solution`) that belong to the experiment.

        A solution version's ARN is its solution's plus an id, so `solution` matches these too.
        """
        return self._arn(kind, f"{self._prefix}-*")

    def grown_schemas(self) -> str:
        """The schemas with which columns are added; those that CloudFormation makes have other names."""
        return self._arn("schema", f"{self._prefix}-group-*")

    def any(self, kind: str) -> str:
        """All resources of that kind: for those that the service names by an id of its own."""
        return self._arn(kind, "*")

    def recipe(self, name: str) -> str:
        """A recipe has neither region nor account."""
        return f"arn:{self._stack.partition}:personalize:::recipe/{name}"

    def _arn(self, kind: str, name: str) -> str:
        return self._stack.format_arn(service="personalize", resource=kind, resource_name=name)
