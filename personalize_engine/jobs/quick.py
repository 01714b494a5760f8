"""Jobs of milliseconds, in threads of the engine: resources that are only a row, campaigns, updates."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from personalize_engine.jobs.registry import (
    ACTIVE,
    CREATE_FAILED,
    CREATE_IN_PROGRESS,
    CREATE_PENDING,
    Ending,
    Job,
    Result,
    Work,
    nothing_to_do,
    register,
)
from personalize_engine.store.transaction import Transaction

CREATE = "create"
CAMPAIGN = "campaign"
LATEST_UPDATE = {
    "campaign": "latestCampaignUpdate",
    "solution": "latestSolutionUpdate",
    "dataset": "latestDatasetUpdate",
}
"""Kind of resource to the member under which its newest update appears, with a status of its own."""


def update_kind(of: str) -> str:
    """The job that carries out an update of such a resource."""
    return f"update-{of}"


def new_update(shown: dict[str, Any], *, applied: dict[str, Any]) -> dict[str, Any]:
    """An update as it is stored: `shown` to the caller, `applied` to the resource once it is ACTIVE."""
    now = time.time()
    return {**shown, "status": CREATE_PENDING, "creationDateTime": now, "lastUpdatedDateTime": now, "_applied": applied}


def _load_campaign(work: Work, arn: str) -> Result:
    assert work.loader is not None, "campaigns are made in the engine's own process"
    work.loader.warm(work.resource(arn).body["solutionVersionArn"])
    return {}


def _load_updated_campaign(work: Work, arn: str) -> Result:
    assert work.loader is not None, "campaigns are made in the engine's own process"
    work.loader.warm(work.resource(arn).body[LATEST_UPDATE["campaign"]]["solutionVersionArn"])
    return {}


def _update_job(of: str, work: Callable[[Work, str], Result] = nothing_to_do) -> Job:
    member = LATEST_UPDATE[of]

    def change(transaction: Transaction, arn: str, **changes: str) -> dict[str, Any]:
        found = transaction.get(arn)
        assert found is not None, "a resource is not deleted while it is updated"
        update = {**found.body[member], **changes, "lastUpdatedDateTime": time.time()}
        transaction.set_members(arn, **{member: update})
        return update

    def begin(transaction: Transaction, arn: str) -> None:
        change(transaction, arn, status=CREATE_IN_PROGRESS)

    def finish(end: Ending, arn: str) -> None:
        applied = change(end.transaction, arn, status=ACTIVE)["_applied"]
        end.transaction.set_members(arn, **applied)
        if "solutionVersionArn" in applied:
            end.transaction.set_parent(arn, applied["solutionVersionArn"].rpartition("/")[0])

    def fail(transaction: Transaction, arn: str, reason: str) -> None:
        change(transaction, arn, status=CREATE_FAILED, failureReason=reason)

    return Job(kind=update_kind(of), work=work, begin=begin, finish=finish, fail=fail)


register(Job(kind=CREATE))
register(Job(kind=CAMPAIGN, work=_load_campaign))
register(_update_job("campaign", _load_updated_campaign))
register(_update_job("solution"))
register(_update_job("dataset"))
