"""The function behind the custom resource of added columns: on its Delete it removes the schemas that runs have made.

The datasets depend on the resource, so CloudFormation has deleted them before: no schema is in use any more. What the
resource stands for, and its physical id, is the name of the dataset group; when that is replaced, CloudFormation asks
to delete the old one, and no schema of the new one is touched.

Calls: personalize:ListSchemas, personalize:DeleteSchema.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from contract.naming import grown_schemas
from lambdas import aws
from lambdas.custom_resource import Answer, accept, handled, send

RESERVE = 20.0
"""Seconds of the invocation that are kept for answering."""
PAUSE = 3.0
"""Seconds until a call is made again that may succeed then: a dataset that uses the schema may be on its way out."""


def delete(
    request: dict[str, Any],
    *,
    personalize: Any,
    seconds_left: Callable[[], float],
    answer: Answer = send,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Handles one request of CloudFormation, with the property `Subject`; returns what became of it."""
    if request["RequestType"] != "Delete":
        accept(request, physical_id=request["ResourceProperties"]["Subject"], answer=answer)
        return "answered"
    group = request["PhysicalResourceId"]
    grown: list[str] = []

    def patiently(call: Callable[[], Any]) -> Any:
        """Again after a pause, while it may help and there is time: CloudFormation asks only once."""
        while True:
            try:
                return call()
            except ClientError as error:
                if not _may_pass(error) or seconds_left() < RESERVE + PAUSE:
                    raise
                sleep(PAUSE)

    if group == group.lower():  # what CloudFormation makes up for a resource that was never created has capitals
        grown = patiently(partial(_grown, group, personalize))
    for arn in grown:
        patiently(partial(_delete, arn, personalize))
    accept(request, answer=answer)
    return f"deleted {len(grown)}"


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Event: a custom resource's request."""

    def act(request: dict[str, Any]) -> str:
        def seconds_left() -> float:
            return float(context.get_remaining_time_in_millis() / 1000)

        return delete(request, personalize=aws.client("personalize"), seconds_left=seconds_left)

    return handled(event, act, failing="the schemas with added columns were not deleted")


def _grown(group: str, personalize: Any) -> list[str]:
    """ARNs of the schemas with added columns for datasets of that group."""
    pages = personalize.get_paginator("list_schemas").paginate()
    rows = [row for page in pages for row in page["schemas"]]
    return [row["schemaArn"] for row in rows if row["name"].startswith(grown_schemas(group))]


def _delete(arn: str, personalize: Any) -> None:
    try:
        personalize.delete_schema(schemaArn=arn)
    except ClientError as error:
        if aws.error_code(error) != "ResourceNotFoundException":
            raise


def _may_pass(error: ClientError) -> bool:
    in_use = aws.error_code(error) == "ResourceInUseException"
    return in_use or aws.is_throttling(error) or aws.is_fault(error)
