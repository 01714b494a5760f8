"""Personalize's three services behind MiniStack's gateway.

Symptom without it: MiniStack has no Personalize; a call signed for it ends in its S3 fallback.
Seams: `app.SERVICE_HANDLERS` and `router.SERVICE_PATTERNS` gain an entry. The service stays out of
`iam_actions.SERVICE_TO_IAM_NAMESPACE`: MiniStack then only authenticates (signature, session), and the handler here
asks `iam_evaluator.enforce` itself, since one Personalize call is authorized on several resources and on PassRole.
What is allowed goes on to the engine, which validates and answers.
Tests: tests/cloud/test_cloud_calls.py.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses, router

from local_cloud.plugin import actions
from local_cloud.plugin.seams import expect

SERVICE = "personalize"
PASSED_ON = ("content-type", "x-amz-target", "authorization", "x-amz-date", "x-amz-security-token", "user-agent")
ENGINE_TIMEOUT = 60.0
"""Seconds: no call of the service takes long, trainings run behind it."""

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, Mapping[str, str], bytes, Mapping[str, Any]], Awaitable[Answer]]


def install(engine_url: str) -> None:
    """Register the handler; `engine_url` is where allowed calls go."""
    expect(isinstance(getattr(app, "SERVICE_HANDLERS", None), dict), "ministack.app.SERVICE_HANDLERS", "is no dict")
    expect(SERVICE not in app.SERVICE_HANDLERS, "ministack.app.SERVICE_HANDLERS", "has Personalize by itself now")
    app.SERVICE_HANDLERS[SERVICE] = handler(engine_url)
    router.SERVICE_PATTERNS[SERVICE] = {"target_prefixes": ["AmazonPersonalize"], "host_patterns": []}


def handler(engine_url: str) -> Handler:
    """MiniStack's service handler for Personalize."""

    async def handle(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Answer:
        lower = {name.lower(): value for name, value in headers.items()}
        target = lower.get("x-amz-target", "")
        name = actions.operation(method, path, target)
        if name is None:
            return _error(lower, 403, "AccessDeniedException", f"Personalize has no operation {target or path}")
        request = _members(body)
        if request is None:
            return _error(lower, 400, "SerializationException", "The request's body is not a JSON object")
        if denied := _denied(name, request, lower, query):
            return _error(lower, *denied)
        kept = {key: value for key, value in lower.items() if key in PASSED_ON}
        return await asyncio.to_thread(_send, engine_url, method, path, kept, body)

    return handle


def _members(body: bytes) -> dict[str, Any] | None:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return None
    return request if isinstance(request, dict) else None


def _denied(
    name: str, request: Mapping[str, Any], headers: Mapping[str, str], query: Mapping[str, Any]
) -> tuple[int, str, str] | None:
    """Status, code and message of the first check that does not hold."""
    account, region = responses.get_account_id(), router.extract_region(headers)
    key = router.extract_access_key_id(headers, query)
    for check in actions.checks(name, request, account=account, region=region):
        result = iam_evaluator.enforce(
            key, check.action, SERVICE, region, resource_arn=check.resource, service_context=dict(check.context)
        )
        if isinstance(result, iam_evaluator.AuthError):
            return 400, result.code, result.message
        if result is not None:
            explicit = result.decision == "Deny"
            message = iam_actions.identity_denial_message(check.action, result.principal_arn, check.resource, explicit)
            return 400, "AccessDeniedException", message
    return None


def _error(headers: Mapping[str, str], status: int, code: str, message: str) -> Answer:
    """An error in the form of both protocols: json-1.1 reads the body, rest-json the header."""
    kind = "application/x-amz-json-1.1" if "x-amz-target" in headers else "application/json"
    if "x-amz-target" not in headers and status == 400 and code == "AccessDeniedException":
        status = 403
    answer = {"Content-Type": kind, "x-amzn-ErrorType": code, "x-amzn-RequestId": str(uuid.uuid4())}
    return status, answer, json.dumps({"__type": code, "message": message}).encode()


def _send(engine_url: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    place = urlsplit(engine_url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=ENGINE_TIMEOUT)
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        response = connection.getresponse()
        kept = {
            name: value
            for name, value in response.getheaders()
            if name.lower() == "content-type" or name.lower().startswith("x-amzn-")
        }
        return response.status, kept, response.read()
    except OSError as error:
        return _error(headers, 500, "InternalServerError", f"The engine at {engine_url} does not answer: {error}")
    finally:
        connection.close()
