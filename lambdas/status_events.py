"""Tells EventBridge when the status of a resource in Amazon Personalize changes: the service itself does not.

Only where the stack has the option `operations`, which sets EVENT_BUS. An event that cannot be published is logged and
stops nothing: a training must not be lost for its announcement. Rules match `source: personalize-cdk`.
"""

from __future__ import annotations

import json
import os

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.aws import Clients

SOURCE = "personalize-cdk"
DETAIL_TYPE = "Personalize Resource Status Change"

logger = Logger(service="status-events")


def announce(
    aws: Clients, *, run_id: str, kind: str, name: str, arn: str, status: str, reason: str | None = None
) -> None:
    """One change: a kind of `contract.plan.Kind`, and the status in the service's words. `arn` is "" if unknown."""
    bus = os.environ.get("EVENT_BUS")
    if not bus:
        return
    detail = {"run_id": run_id, "kind": kind, "name": name, "arn": arn, "status": status, "reason": reason}
    entry = {
        "EventBusName": bus,
        "Source": SOURCE,
        "DetailType": DETAIL_TYPE,
        "Detail": json.dumps({key: value for key, value in detail.items() if value}),
        **({"Resources": [arn]} if arn else {}),
    }
    try:
        answer = aws.bus.put_events(Entries=[entry])
    except (BotoCoreError, ClientError):
        logger.warning("the change could not be announced", extra={"detail": detail}, exc_info=True)
        return
    if answer.get("FailedEntryCount"):
        logger.warning("the change was not announced", extra={"detail": detail, "entries": answer["Entries"]})
