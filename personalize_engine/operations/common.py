"""What the operations that change resources share: creating, quotas, tags, deleting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from personalize_engine.errors import (
    ALREADY_EXISTS,
    IN_USE,
    LIMIT_EXCEEDED,
    TOO_MANY_TAGS,
    ServiceError,
    invalid_input,
)
from personalize_engine.jobs import deleting
from personalize_engine.jobs.registry import ACTIVE, CREATE_PENDING, DELETE_PENDING
from personalize_engine.operations.registry import Request
from personalize_engine.operations.shown import Kind, find
from personalize_engine.store.transaction import DELETING, NameTaken, Resource, Transaction

MAX_TAGS = 50
LIMITS = {
    "schema": 500,
    "dataset-group": 500,
    "solution": 10,
    "campaign": 20,
    "filter": 10,
    "event-tracker": 1,
    "pending imports": 5,
    "pending deletions": 5,
    "pending versions": 20,
}
"""Default quotas: schemas and dataset groups per account, the others per dataset group."""


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
    kind: Kind,
    request: Request,
    *,
    body: Mapping[str, Any],
    parent: str | None = None,
    scope: str = "",
    job: str | None = None,
    pending: str = CREATE_PENDING,
) -> None:
    """The resource that the request names, with its job; without a job it is ACTIVE at once. None in `body`: absent."""
    status = ACTIVE if job is None else pending
    name = request.get(kind.name)
    kept = {key: value for key, value in body.items() if value is not None}
    try:
        transaction.add(arn, kind.kind, name=name, body=kept, status=status, parent=parent, scope=scope)
    except NameTaken:
        raise ServiceError(ALREADY_EXISTS, f"Another resource with Arn {arn} or name {name} already exists.") from None
    if job is not None:
        transaction.enqueue(job, arn)


def create(
    transaction: Transaction,
    arn: str,
    kind: Kind,
    request: Request,
    *,
    body: Mapping[str, Any],
    job: str,
    parent: str | None = None,
    scope: str = "",
    pending: str = CREATE_PENDING,
) -> None:
    """`add` for the kinds that can be tagged."""
    add(transaction, arn, kind, request, body=body, parent=parent, scope=scope, job=job, pending=pending)
    set_tags(transaction, arn, request.get("tags", []))


def check_limit(transaction: Transaction, kind: Kind, *, parent: str | None = None) -> None:
    """LimitExceededException if there are as many of the kind (in the parent) as its quota allows."""
    limit = LIMITS[kind.kind]
    if transaction.count(kind.kind, parent=parent) >= limit:
        where = f" in {parent}" if parent else ""
        raise ServiceError(LIMIT_EXCEEDED, f"There are {limit} {kind.kind.replace('-', ' ')}s{where}: the limit.")


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
