"""Makes sure that a resource exists, and says whether it is ACTIVE yet: one function for all kinds of `lambdas.kinds`.

The state machines call it again until it is ACTIVE. It holds no state, so it can be cut off and repeated anywhere:

- A solution or a campaign is found by its name. One that failed before this run is deleted and made again.
- Import jobs and solution versions cannot be deleted alone, so their names carry an attempt number, and they are found
  by listing what their parent has. One that failed before this run is tried again under the next number.
- What failed *during* this run is not tried again: it raises ResourceFailed with the service's reason.
- A found import job counts only if it is younger than the dataset (a dataset that was made again is empty) and no
  later full import replaced its rows.
- A campaign that serves another solution version is updated.

Calls: personalize:CreateDatasetImportJob, personalize:DescribeDatasetImportJob, personalize:ListDatasetImportJobs,
personalize:DescribeDataset, iam:PassRole (the role that Personalize reads the bucket with); personalize:CreateSolution,
personalize:DescribeSolution, personalize:DeleteSolution; personalize:CreateSolutionVersion,
personalize:DescribeSolutionVersion, personalize:ListSolutionVersions; personalize:CreateCampaign,
personalize:DescribeCampaign, personalize:UpdateCampaign, personalize:DeleteCampaign.
With the option `operations` also events:PutEvents (lambdas.status_events).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from contract import naming
from contract.plan import ACTIVE, PENDING, Ensure, Ensured
from lambdas.aws import Clients, error_code, error_message
from lambdas.errors import BadInput, ResourceFailed
from lambdas.kinds import CREATING, DELETING, FAILED, KINDS, Row, arn_of, describe
from lambdas.status_events import announce
from lambdas.task import task

MAX_ATTEMPTS = 99
_REFUSED = frozenset({"InvalidInputException", "ResourceNotFoundException"})


def ensure(wanted: Ensure, aws: Clients) -> Ensured:
    """Finds the resource or makes it. PENDING: ask again later; ResourceFailed: it failed during this run."""
    if wanted.parent is None:
        raise BadInput(f"{_called(wanted)} was asked for without the ARN of what it is made in")
    row = KINDS[wanted.kind]
    look = _ensure_attempt if row.listing else _ensure_named
    try:
        ensured = look(wanted, wanted.parent, row=row, aws=aws)
    except ResourceFailed as error:
        _announce(wanted, "", "CREATE FAILED", aws=aws, reason=str(error))
        raise
    if ensured.status == ACTIVE and ensured.new:
        _announce(wanted, ensured.arn, ACTIVE, aws=aws)
    return ensured


handler = task(Ensure, ensure)


def _ensure_named(wanted: Ensure, parent: str, *, row: Row, aws: Clients) -> Ensured:
    """Solutions and campaigns: the ARN follows from the name, and what failed can be deleted."""
    arn = arn_of(wanted.name, row=row, beside=parent)
    found = describe(arn, row=row, aws=aws)
    if found is None:
        return _create(wanted, parent, wanted.name, row=row, aws=aws) or _pending(arn)
    status = found["status"]
    if status in CREATING or status in DELETING:
        return _pending(arn)
    if status in FAILED:
        _raise_if_recent(wanted, found)
        _quietly_if_in_use(lambda: getattr(aws.personalize, str(row.delete))(**{row.arn: arn}))
        return _pending(arn)
    if status != ACTIVE:
        raise ResourceFailed(f"{_called(wanted)} has the unexpected status {status}")
    if wanted.kind == "campaign":
        return _follow(wanted, parent, found, aws=aws)
    return Ensured(arn=arn, status=ACTIVE, new=_is_new(wanted, found))


def _follow(wanted: Ensure, version_arn: str, campaign: dict[str, Any], *, aws: Clients) -> Ensured:
    """An ACTIVE campaign: updated if it serves another solution version.

    The throughput it was made with is left as it is now: who serves from it may have raised it.
    """
    arn = campaign["campaignArn"]
    update = campaign.get("latestCampaignUpdate") or {}
    status, updates_to = update.get("status"), update.get("solutionVersionArn")
    if status in CREATING:
        return _pending(arn)
    if campaign["solutionVersionArn"] == version_arn or (updates_to == version_arn and status == ACTIVE):
        new = _is_new(wanted, campaign)
        active_from = campaign["lastUpdatedDateTime"].isoformat() if new else None
        return Ensured(arn=arn, status=ACTIVE, new=new, active_from=active_from)
    if updates_to == version_arn and status in FAILED:
        _raise_if_recent(wanted, update)
    changed = {member: value for member, value in wanted.request.items() if member != "minProvisionedTPS"}
    _quietly_if_in_use(
        lambda: aws.personalize.update_campaign(campaignArn=arn, solutionVersionArn=version_arn, **changed)
    )
    _announce(wanted, arn, "UPDATE PENDING", aws=aws)
    return _pending(arn)


def _ensure_attempt(wanted: Ensure, parent: str, *, row: Row, aws: Clients) -> Ensured:
    """Import jobs and solution versions: found in the parent's list, tried again under the next attempt's name."""
    numbers = {naming.attempt(wanted.name, n): n for n in range(1, MAX_ATTEMPTS + 1)}
    listed = list(_listed(parent, row=row, aws=aws))
    attempts = {numbers[entry["name"]]: entry for entry in listed if entry["name"] in numbers}
    valid_from = _dataset_created(parent, aws=aws) if wanted.kind == "dataset-import-job" else None
    usable = {n: entry for n, entry in attempts.items() if _counts(entry, wanted, valid_from)}
    if usable and usable[max(usable)]["status"] in FAILED:
        _raise_if_recent(wanted, usable[max(usable)])
    if good := [n for n, entry in usable.items() if entry["status"] not in FAILED]:
        entry = usable[max(good)]  # also when a later attempt failed in an earlier run: it is paid for
        arn, status = entry[row.arn], entry["status"]
        if status in CREATING or status in DELETING:
            return _pending(arn)
        if status != ACTIVE:
            raise ResourceFailed(f"{_called(wanted)} has the unexpected status {status}")
        if not (wanted.kind == "dataset-import-job" and _replaced(wanted, entry, listed)):
            return _trained(wanted, entry) if wanted.kind == "solution-version" else _imported(wanted, entry)
    return _next_attempt(wanted, parent, max(attempts, default=0) + 1, row=row, valid_from=valid_from, aws=aws)


def _imported(wanted: Ensure, job: dict[str, Any]) -> Ensured:
    return Ensured(arn=job["datasetImportJobArn"], status=ACTIVE, new=_is_new(wanted, job))


def _trained(wanted: Ensure, version: dict[str, Any]) -> Ensured:
    seconds = (version["lastUpdatedDateTime"] - version["creationDateTime"]).total_seconds()
    tuned = version.get("tunedHPOParams", {}).get("algorithmHyperParameters", {})
    return Ensured(
        arn=version["solutionVersionArn"],
        status=ACTIVE,
        new=_is_new(wanted, version),
        seconds=round(seconds, 3),
        hours=version.get("trainingHours"),
        tuned=tuned,
    )


def _next_attempt(
    wanted: Ensure, parent: str, number: int, *, row: Row, valid_from: datetime | None, aws: Clients
) -> Ensured:
    while number <= MAX_ATTEMPTS:
        name = naming.attempt(wanted.name, number)
        if made := _create(wanted, parent, name, row=row, aws=aws):
            return made
        # The name is taken, though the list did not show it: by another run a moment ago, or for good.
        if row.resource is None:
            return _pending("")
        taken = describe(arn_of(name, row=row, beside=parent), row=row, aws=aws)
        if taken is None or (taken.get(row.parent) == parent and _counts(taken, wanted, valid_from)):
            return _pending(arn_of(name, row=row, beside=parent))
        number += 1
    raise ResourceFailed(f"{_called(wanted)}: {MAX_ATTEMPTS} attempts were made; change an input to get a new name")


def _counts(entry: dict[str, Any], wanted: Ensure, valid_from: datetime | None) -> bool:
    created: datetime = entry["creationDateTime"]
    if valid_from is not None and created < valid_from:
        return False
    return not wanted.afresh or created >= _since(wanted)


def _replaced(wanted: Ensure, entry: dict[str, Any], listed: list[dict[str, Any]]) -> bool:
    """Whether a later full import replaced the rows of this one. Raises if that happened during this run."""
    later = [
        other
        for other in listed
        if other["creationDateTime"] > entry["creationDateTime"]
        and other["status"] not in FAILED
        and other.get("importMode", "FULL") == "FULL"
    ]
    if any(other["creationDateTime"] >= _since(wanted) for other in later):
        raise ResourceFailed(
            f"{_called(wanted)}: another run imports other data into the same dataset; start again when it is over"
        )
    return bool(later)


def _create(wanted: Ensure, parent: str, name: str, *, row: Row, aws: Clients) -> Ensured | None:
    """PENDING with the new ARN; None if the name is taken."""
    request = {**wanted.request, row.name: name, row.parent: parent}
    try:
        answer = getattr(aws.personalize, row.create)(**request)
    except ClientError as error:
        code = error_code(error)
        if code == "ResourceAlreadyExistsException":
            return None
        if code == "ResourceInUseException":  # another job works on the parent: wait for it
            return _pending("")
        if code in _REFUSED:
            raise ResourceFailed(f"{_called(wanted)} was refused: {error_message(error)}") from None
        raise
    _announce(wanted, answer[row.arn], "CREATE PENDING", aws=aws)
    return _pending(answer[row.arn])


def _listed(parent: str, *, row: Row, aws: Clients) -> Iterator[dict[str, Any]]:
    """What was made in the parent, each with its `name`."""
    for page in aws.personalize.get_paginator(row.listing).paginate(**{row.parent: parent}):
        for entry in page[row.listed]:
            if row.listed_name:
                yield {**entry, "name": entry[row.listed_name]}
            elif described := describe(entry[row.arn], row=row, aws=aws):
                yield {**described, "name": described.get("name")}


def _dataset_created(arn: str, *, aws: Clients) -> datetime:
    created: datetime = aws.personalize.describe_dataset(datasetArn=arn)["dataset"]["creationDateTime"]
    return created


def _raise_if_recent(wanted: Ensure, found: dict[str, Any]) -> None:
    """A failure of this run is reported; an older one is made good by the caller."""
    if found["lastUpdatedDateTime"] >= _since(wanted):
        reason = found.get("failureReason") or f"status {found['status']}, no reason given"
        raise ResourceFailed(f"{_called(wanted)} failed: {reason}. Started again, the run makes it anew")


def _quietly_if_in_use(call: Any) -> None:
    """A resource that is being changed or deleted already refuses: the next look tells what became of it."""
    try:
        call()
    except ClientError as error:
        if error_code(error) not in {"ResourceInUseException", "ResourceNotFoundException"}:
            raise


def _is_new(wanted: Ensure, found: dict[str, Any]) -> bool:
    """Whether this run, and no earlier one, made it: then it is this run that is billed for it."""
    created: datetime = found["creationDateTime"]
    return created >= _since(wanted)


def _since(wanted: Ensure) -> datetime:
    return datetime.fromisoformat(wanted.since)


def _announce(wanted: Ensure, arn: str, status: str, *, aws: Clients, reason: str | None = None) -> None:
    announce(aws, run_id=wanted.run_id, kind=wanted.kind, name=wanted.name, arn=arn, status=status, reason=reason)


def _pending(arn: str) -> Ensured:
    return Ensured(arn=arn, status=PENDING)


def _called(wanted: Ensure) -> str:
    return f"{wanted.kind} {wanted.name}"
