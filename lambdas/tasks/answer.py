"""Tells CloudFormation how a custom resource's request ended: the last state of the clean-up machine, or its Catch.

Calls no AWS API.
"""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.custom_resource import body, send

logger = Logger(service="answer")


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Event: `request`, CloudFormation's own; for a failure `error`, as the machine caught it (JSON text)."""
    request = event["request"]
    content = body(request, failure=_readable(event["error"]) if "error" in event else None)
    send(request["ResponseURL"], content)
    logger.info("answered", extra={"status": content["Status"], "resource": content["PhysicalResourceId"]})
    return {"status": content["Status"]}


def _readable(error: str) -> str:
    """The message of the failed function, out of the machine's wrapping; the text itself if it has another form."""
    try:
        caught = json.loads(error)
        cause = json.loads(caught["Cause"])
        return f"{cause['errorType']}: {cause['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return error
