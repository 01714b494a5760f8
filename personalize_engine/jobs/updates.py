"""Updates of resources that stay as they were until the update is done: campaigns, solutions, datasets.

An update is shown as a member of the resource (`latestCampaignUpdate`, …) with a status of its own; `applied` becomes
part of the resource once the update is ACTIVE.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from personalize_engine.jobs.registry import ACTIVE, CREATE_FAILED, CREATE_PENDING
from personalize_engine.store.transaction import Resource, Transaction

LATEST_UPDATE = {
    "campaign": "latestCampaignUpdate",
    "solution": "latestSolutionUpdate",
    "dataset": "latestDatasetUpdate",
}
"""Kind of resource to the member under which its newest update appears."""


def update_kind(of: str) -> str:
    """The job that carries out an update of such a resource."""
    return f"update-{of}"


def begin_update(
    transaction: Transaction, found: Resource, *, shown: Mapping[str, Any], applied: Mapping[str, Any]
) -> None:
    """Adds an update to the resource, with the job that carries it out; the runner is yet to be woken."""
    now = time.time()
    update = {**shown, "status": CREATE_PENDING, "creationDateTime": now, "lastUpdatedDateTime": now}
    transaction.set_members(found.arn, **{LATEST_UPDATE[found.kind]: {**update, "_applied": dict(applied)}})
    transaction.enqueue(update_kind(found.kind), found.arn)


def change_update(transaction: Transaction, found: Resource, **changes: str) -> dict[str, Any]:
    """The newest update with some members changed; it is kept so, and returned."""
    member = LATEST_UPDATE[found.kind]
    update = {**found.body[member], **changes, "lastUpdatedDateTime": time.time()}
    transaction.set_members(found.arn, **{member: update})
    return update


def is_updating(found: Resource) -> bool:
    """Whether an update of the resource is under way."""
    update = found.body.get(LATEST_UPDATE[found.kind])
    return update is not None and update["status"] not in (ACTIVE, CREATE_FAILED)
