"""What the operations on resources share: creating, describing, listing, deleting."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contract.naming import digest
from personalize_engine.errors import (
    ALREADY_EXISTS,
    IN_USE,
    INVALID_NEXT_TOKEN,
    LIMIT_EXCEEDED,
    NOT_FOUND,
    TOO_MANY_TAGS,
    ServiceError,
    invalid_input,
)
from personalize_engine.jobs import deleting
from personalize_engine.jobs.registry import ACTIVE, CREATE_PENDING, DELETE_PENDING
from personalize_engine.operations.registry import Context, Request
from personalize_engine.store.transaction import DELETING, NameTaken, Resource, Transaction

PAGE = 100
"""Resources on a page when the caller names no maxResults."""
MAX_TAGS = 50
LIMITS = {
    "schema": 500,
    "dataset-group": 500,
    "solution": 10,
    "campaign": 20,
    "filter": 10,
    "event-tracker": 1,
    "pending imports": 5,
    "pending versions": 20,
}
"""Default quotas: schemas and dataset groups per account, the others per dataset group."""


def find(transaction: Transaction, arn: str, kind: str) -> Resource:
    """The resource of that kind; ResourceNotFoundException otherwise."""
    found = transaction.get(arn)
    if found is None or found.kind != kind:
        raise ServiceError(NOT_FOUND, f"Resource not found: there is no {kind.replace('-', ' ')} {arn}")
    return found


def find_active(transaction: Transaction, arn: str, kind: str) -> Resource:
    """The resource, which must be ACTIVE: ResourceInUseException while it is made or deleted, else invalid."""
    found = find(transaction, arn, kind)
    if found.status == ACTIVE:
        return found
    if found.status.endswith(("PENDING", "IN_PROGRESS", "STOPPING")):
        raise ServiceError(IN_USE, f"{arn} is in status {found.status}; it must be {ACTIVE}")
    raise invalid_input(f"{arn} is in status {found.status}; it must be {ACTIVE}")


def add(
    transaction: Transaction,
    arn: str,
    kind: str,
    *,
    name: str | None,
    body: Mapping[str, Any],
    parent: str | None = None,
    scope: str = "",
    job: str | None = None,
) -> None:
    """A new resource with its job; without a job it is ACTIVE at once."""
    status = ACTIVE if job is None else CREATE_PENDING
    kept = {key: value for key, value in body.items() if value is not None}
    try:
        transaction.add(arn, kind, name=name, body=kept, status=status, parent=parent, scope=scope)
    except NameTaken:
        raise ServiceError(ALREADY_EXISTS, f"Another resource with Arn {arn} or name {name} already exists.") from None
    if job is not None:
        transaction.enqueue(job, arn)


def create(
    transaction: Transaction,
    arn: str,
    kind: str,
    *,
    name: str | None,
    body: Mapping[str, Any],
    job: str,
    tags: list[dict[str, str]] | None,
    parent: str | None = None,
    scope: str = "",
) -> None:
    """A new resource of a kind that can be tagged."""
    add(transaction, arn, kind, name=name, body=body, parent=parent, scope=scope, job=job)
    set_tags(transaction, arn, tags or [])


def check_limit(transaction: Transaction, kind: str, what: str, *, parent: str | None = None) -> None:
    """LimitExceededException if there are as many as the quota `what` allows."""
    if transaction.count(kind, parent=parent) >= LIMITS[what]:
        where = f" in {parent}" if parent else ""
        raise ServiceError(LIMIT_EXCEEDED, f"There are {LIMITS[what]} {what.replace('-', ' ')}s{where}: the limit.")


def set_tags(transaction: Transaction, arn: str, tags: list[dict[str, str]]) -> None:
    """Adds tags; too many are refused."""
    added = {tag["tagKey"]: tag["tagValue"] for tag in tags}
    if len({*transaction.tags(arn), *added}) > MAX_TAGS:
        raise ServiceError(TOO_MANY_TAGS, f"A resource may have {MAX_TAGS} tags.")
    transaction.tag(arn, added)


def delete(transaction: Transaction, found: Resource) -> None:
    """Begins the deletion: DELETE PENDING, gone once the job is done. ResourceInUseException if not settled."""
    settle(found, "deleted")
    transaction.set_status(found.arn, DELETE_PENDING)
    transaction.enqueue(deleting.KIND, found.arn)


def settle(found: Resource, what: str) -> None:
    """ResourceInUseException while the resource is being made, updated or deleted."""
    latest = [value for key, value in found.body.items() if key.startswith("latest") and isinstance(value, dict)]
    for status in (found.status, *(update["status"] for update in latest)):
        if status in DELETING or status.endswith(("PENDING", "IN_PROGRESS", "STOPPING")):
            raise ServiceError(IN_USE, f"{found.arn} is in status {status}: it cannot be {what} now")


def refuse_while_used(found: Resource, users: Iterable[Resource]) -> None:
    """ResourceInUseException naming what uses the resource."""
    names = [user.arn for user in users]
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise ServiceError(IN_USE, f"{found.arn} is used by {names[0]}{more}")


def members(found: Resource, *, name: str = "name") -> dict[str, Any]:
    """A resource as the API shows it; its ARN is for the caller to add under its own name."""
    shown = {**found.body, "status": found.status}
    shown |= {"creationDateTime": found.created, "lastUpdatedDateTime": found.updated}
    if found.name is not None:
        shown[name] = found.name
    if found.failure_reason is not None:
        shown["failureReason"] = found.failure_reason
    return shown


def listing(
    context: Context,
    request: Request,
    kind: str,
    *,
    parents: Callable[[Transaction], list[str]] | None = None,
) -> tuple[list[Resource], dict[str, str]]:
    """A page of resources in the order of creation, and {"nextToken": …} if there are more."""
    after, limit = read_token(request), request.get("maxResults", PAGE)
    with context.store.read() as transaction:
        among = parents(transaction) if parents else None
        found = transaction.page(kind, parents=among, after=after, limit=limit + 1)
    more = write_token(request, found[limit - 1].seq) if len(found) > limit else {}
    return found[:limit], more


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
