"""Tells CloudFormation how a custom resource's request ended: the last state of the clean-up machine, or its Catch.

CloudFormation waits for one HTTP PUT to the URL that came with its request. Calls no AWS API.
"""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from lambdas.errors import NotAllowed, Unavailable

SUCCESS, FAILED = "SUCCESS", "FAILED"
MEMBERS = ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")
"""Of the request, repeated in the answer."""
_MAX_REASON = 1000
"""The whole answer may have 4096 bytes."""
_ATTEMPTS = 3

logger = Logger(service="answer")


def body(request: Mapping[str, str], *, failure: str | None) -> dict[str, str]:
    """The answer to that request: a success, or a failure with its reason."""
    made = {"Status": SUCCESS if failure is None else FAILED, **{member: request[member] for member in MEMBERS}}
    if failure is not None:
        made["Reason"] = failure[:_MAX_REASON]
    return made


def send(url: str, content: Mapping[str, str], *, put: Callable[[str, bytes], None] | None = None) -> None:
    """PUT the answer; after three attempts NotAllowed or Unavailable says why it could not be."""
    encoded = json.dumps(content).encode()
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            (put or _put)(url, encoded)
            return
        except OSError as error:
            if attempt == _ATTEMPTS:
                raise _told(error, content) from error
            logger.warning("CloudFormation could not be reached; trying again", exc_info=True)


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


def _told(error: OSError, content: Mapping[str, str]) -> NotAllowed | Unavailable:
    """What it means that the answer does not arrive: CloudFormation waits until it gives up."""
    who = f"answer for {content['LogicalResourceId']}"
    then = f"CloudFormation gives up after an hour; then destroy the stack again (the answer was {content['Status']})"
    if isinstance(error, urllib.error.HTTPError) and error.code < 500:
        return NotAllowed(f"{who}: its address refuses the answer, it may have expired: {error}. {then}")
    return Unavailable(f"{who}: its address cannot be reached: {error}. {then}")


def _put(url: str, encoded: bytes) -> None:
    # The URL is signed for an empty content type. A private authority is trusted as the AWS SDKs do.
    request = urllib.request.Request(url, data=encoded, method="PUT", headers={"Content-Type": ""})
    trust = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None)
    with urllib.request.urlopen(request, timeout=10, context=trust):
        pass
