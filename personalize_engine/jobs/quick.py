"""Jobs of milliseconds, in threads of the engine: resources that are only a row, campaigns, updates."""

from __future__ import annotations

from collections.abc import Callable

from personalize_engine.jobs.following import follow
from personalize_engine.jobs.registry import (
    ACTIVE,
    CREATE_FAILED,
    CREATE_IN_PROGRESS,
    Ending,
    Job,
    Result,
    Work,
    created_finish,
    nothing_to_do,
    register,
)
from personalize_engine.jobs.updates import LATEST_UPDATE, change_update, update_kind
from personalize_engine.store.transaction import Resource, Transaction

CREATE = "create"
CAMPAIGN = "campaign"


def _load_campaign(work: Work, arn: str) -> Result:
    assert work.loader is not None, "campaigns are made in the engine's own process"
    work.loader.warm(work.resource(arn).body["solutionVersionArn"])
    return {}


def _finish_campaign(end: Ending, arn: str) -> None:
    created_finish(end, arn)
    follow(end.transaction, _solution_of(end.transaction, arn))


def _load_updated_campaign(work: Work, arn: str) -> Result:
    assert work.loader is not None, "campaigns are made in the engine's own process"
    work.loader.warm(work.resource(arn).body[LATEST_UPDATE["campaign"]]["solutionVersionArn"])
    return {}


def _finish_updated_campaign(end: Ending, arn: str) -> None:
    _finish_update(end, arn)
    solution = _solution_of(end.transaction, arn)
    end.transaction.set_parent(arn, solution)
    follow(end.transaction, solution)


def _solution_of(transaction: Transaction, arn: str) -> str:
    """Of the version that a campaign serves."""
    served: str = _found(transaction, arn).body["solutionVersionArn"]
    return served.rpartition("/")[0]


def _finish_update(end: Ending, arn: str) -> None:
    update = change_update(end.transaction, _found(end.transaction, arn), status=ACTIVE)
    end.transaction.set_members(arn, **update["_applied"])


def _begin_update(transaction: Transaction, arn: str) -> None:
    change_update(transaction, _found(transaction, arn), status=CREATE_IN_PROGRESS)


def _fail_update(transaction: Transaction, arn: str, reason: str) -> None:
    change_update(transaction, _found(transaction, arn), status=CREATE_FAILED, failureReason=reason)


def _found(transaction: Transaction, arn: str) -> Resource:
    found = transaction.get(arn)
    assert found is not None, "a resource is not deleted while it is made or updated"
    return found


def _update_job(
    of: str,
    work: Callable[[Work, str], Result] = nothing_to_do,
    finish: Callable[[Ending, str], None] = _finish_update,
) -> Job:
    return Job(kind=update_kind(of), work=work, begin=_begin_update, finish=finish, fail=_fail_update)


register(Job(kind=CREATE))
register(Job(kind=CAMPAIGN, work=_load_campaign, finish=_finish_campaign))
register(_update_job("campaign", _load_updated_campaign, _finish_updated_campaign))
register(_update_job("solution"))
register(_update_job("dataset"))
