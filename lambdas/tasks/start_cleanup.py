"""The function behind the custom resources: hands a Delete over to the clean-up machine, answers all else at once.

What is cleaned is the resource's physical id, the ARN of a dataset group or the name of a bucket, as CloudFormation
gives it with the request: when a group is replaced, it asks to delete the old one, and nothing of the new one is
touched. The machine answers CloudFormation when it is done, so nothing waits here.

Environment: STATE_MACHINE_ARN. Calls: states:StartExecution (the clean-up machine).
"""

from __future__ import annotations

import json
import os
from typing import Any

from botocore.exceptions import ClientError

from lambdas import aws
from lambdas.custom_resource import Answer, accept, handled, send


def start(request: dict[str, Any], *, state_machine_arn: str, states: Any, answer: Answer = send) -> str:
    """Handles one request of CloudFormation; returns what became of it.

    The properties are `Subject` (what the resource stands for, and its physical id), `Kind` (`dataset-group` or
    `bucket`) and `Keep` (ARNs that CloudFormation deletes itself).
    """
    properties = request["ResourceProperties"]
    if request["RequestType"] != "Delete":
        accept(request, physical_id=properties["Subject"], answer=answer)
        return "answered"
    subject = request["PhysicalResourceId"]
    if not _stands_for_something(subject, properties["Kind"]):
        accept(request, answer=answer)  # its creation never succeeded
        return "nothing to clean"
    wanted = {
        "kind": properties["Kind"],
        "subject": subject,
        "keep": properties.get("Keep", []),
        "request": {
            member: request[member]
            for member in ("ResponseURL", "StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")
        },
    }
    try:
        states.start_execution(stateMachineArn=state_machine_arn, name=request["RequestId"], input=json.dumps(wanted))
    except ClientError as error:
        if aws.error_code(error) != "ExecutionAlreadyExists":  # CloudFormation's own retry
            raise
    return "started"


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Event: a custom resource's request."""

    def act(request: dict[str, Any]) -> str:
        return start(request, state_machine_arn=os.environ["STATE_MACHINE_ARN"], states=aws.client("stepfunctions"))

    return handled(event, act, failing="start_cleanup did not start the clean-up")


def _stands_for_something(physical_id: str, kind: str) -> bool:
    """Whether the id is one that we gave: CloudFormation makes one up for a resource that was never created.

    What it makes up holds the logical id, which has capital letters; no bucket's name has.
    """
    if kind == "dataset-group":
        return ":dataset-group/" in physical_id
    return physical_id == physical_id.lower()
