"""Kinds of resources as the API shows them: described one by one, listed page by page."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contract.naming import digest
from personalize_engine.errors import INVALID_NEXT_TOKEN, NOT_FOUND, ServiceError
from personalize_engine.operations.registry import Answer, Context, Request
from personalize_engine.store.transaction import Resource, Transaction

PAGE = 100
"""Resources on a page when the caller names no maxResults."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How the API names one kind of resource."""

    kind: str
    """In the store."""
    member: str
    """Of a Describe answer; with "Arn" behind it, the member of every request and answer that names one."""
    plural: str
    """Of a List answer."""
    within: str | None = None
    """Member of a List request that names the parent."""
    name: str = "name"

    @property
    def arn(self) -> str:
        """`campaignArn`."""
        return f"{self.member}Arn"


def find(transaction: Transaction, arn: str, kind: str) -> Resource:
    """The resource of that kind; ResourceNotFoundException otherwise."""
    found = transaction.get(arn)
    if found is None or found.kind != kind:
        raise ServiceError(NOT_FOUND, f"Resource not found: there is no {kind.replace('-', ' ')} {arn}")
    return found


def show(kind: Kind, found: Resource) -> dict[str, Any]:
    """A resource as the API shows it."""
    shown = {**found.body, kind.arn: found.arn, "status": found.status}
    shown |= {"creationDateTime": found.created, "lastUpdatedDateTime": found.updated}
    if found.name is not None:
        shown[kind.name] = found.name
    if found.failure_reason is not None:
        shown["failureReason"] = found.failure_reason
    return shown


def describe(context: Context, request: Request, kind: Kind) -> Answer:
    """The answer of a Describe operation."""
    with context.store.read() as transaction:
        found = find(transaction, request[kind.arn], kind.kind)
    return {kind.member: show(kind, found)}


def list_page(
    context: Context, request: Request, kind: Kind, *, check_parent: Callable[[Transaction, str], object] | None = None
) -> Answer:
    """The answer of a List operation, in the order of creation: of a parent, which may be checked, or of all."""
    after, limit = read_token(request), request.get("maxResults", PAGE)
    parent = request.get(kind.within) if kind.within else None
    with context.store.read() as transaction:
        if parent is not None and check_parent is not None:
            check_parent(transaction, parent)
        parents = None if parent is None else [parent]
        found = transaction.page(kind.kind, parents=parents, after=after, limit=limit + 1)
    more = write_token(request, found[limit - 1].seq) if len(found) > limit else {}
    return {kind.plural: [show(kind, row) for row in found[:limit]], **more}


def write_token(request: Request, position: int) -> dict[str, str]:
    """A token that only the same query may use."""
    text = json.dumps([_query(request), position])
    return {"nextToken": base64.urlsafe_b64encode(text.encode()).decode()}


def read_token(request: Request) -> int:
    """The position that the request's token stands for, 0 without one; InvalidNextTokenException."""
    token = request.get("nextToken")
    if token is None:
        return 0
    try:
        query, position = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError, binascii.Error):
        raise ServiceError(INVALID_NEXT_TOKEN, "The nextToken is not one of this service.") from None
    if query != _query(request) or not isinstance(position, int):
        raise ServiceError(INVALID_NEXT_TOKEN, "The nextToken belongs to another request.")
    return position


def _query(request: Request) -> str:
    return digest({key: value for key, value in request.items() if key not in {"nextToken", "maxResults"}}, length=16)
