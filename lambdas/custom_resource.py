"""What functions behind custom resources have in common: whatever happens is answered, or CloudFormation waits an hour.

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

Request = dict[str, Any]
Answer = Callable[[str, dict[str, str]], None]
SUCCESS, FAILED = "SUCCESS", "FAILED"
MEMBERS = ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")
"""Of the request, repeated in the answer."""
_MAX_REASON = 1000
"""The whole answer may have 4096 bytes."""
_ATTEMPTS = 3

logger = Logger(service="custom-resource")


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


def accept(request: Request, *, physical_id: str | None = None, answer: Answer = send) -> None:
    """Tells CloudFormation that all is well; `physical_id`: what the resource stands for from now on, if it is new."""
    known = request if physical_id is None else {**request, "PhysicalResourceId": physical_id}
    answer(request["ResponseURL"], body(known, failure=None))


def handled(request: Request, act: Callable[[Request], str], *, failing: str) -> dict[str, str]:
    """What `act` says was done. An exception is answered as `FAILED`: `failing`, what it was, and what to do."""
    logger.info(request["RequestType"], extra={"resource": request.get("PhysicalResourceId")})
    try:
        done = act(request)
    except Exception as error:
        logger.exception("the request failed")
        known = {"PhysicalResourceId": request["LogicalResourceId"], **request}
        send(request["ResponseURL"], body(known, failure=f"{failing}: {error}. Destroy the stack again"))
        done = "failed"
    return {"done": done}


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
