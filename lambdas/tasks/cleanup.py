"""Removes what a pipeline made in a dataset group, so that CloudFormation can delete the rest.

CloudFormation owns the group, its datasets, event tracker and filters; it refuses to delete them while solutions
exist. One call is one pass: it stops and deletes what can be stopped and deleted now, and says what is left. The
clean-up machine calls again until nothing is. What belongs to the group is found by the group's ARN, never by name.
Executions that work on the group are stopped first, or they would go on making what is deleted here.

Calls: personalize:ListSolutions, personalize:ListSolutionVersions, personalize:ListCampaigns, personalize:ListFilters,
personalize:ListEventTrackers, personalize:ListDatasets, personalize:ListDatasetImportJobs, and where columns are added
personalize:DescribeDataset;
personalize:StopSolutionVersionCreation, personalize:DeleteSolution, personalize:DeleteCampaign,
personalize:DeleteFilter, personalize:DeleteEventTracker; states:ListExecutions,
states:DescribeStateMachineForExecution, states:StopExecution (the main machine).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from botocore.exceptions import ClientError

from contract.plan import DONE, PENDING
from lambdas.aws import Clients, error_code
from lambdas.errors import TaskError
from lambdas.task import task

PATIENCE = timedelta(minutes=55)
"""CloudFormation waits one hour for an answer: a refusal that says why must come before that."""
_STOPPABLE = frozenset({"CREATE PENDING", "CREATE IN_PROGRESS"})
_BUSY = _STOPPABLE | {"CREATE STOPPING"}
_IN_GROUP = (
    ("list_filters", "Filters", "delete_filter", "filterArn"),
    ("list_event_trackers", "eventTrackers", "delete_event_tracker", "eventTrackerArn"),
)
"""List call, member of its answer, delete call, member that holds the ARN."""


class CleanUpTookTooLong(TaskError):
    """Something could not be stopped or deleted in time."""


@dataclass(frozen=True, kw_only=True)
class CleanUp:
    """Event: the group to clean, and since when that is being tried."""

    subject: str
    """ARN of the dataset group."""
    machine: str
    """ARN of the main machine."""
    keep: list[str] = field(default_factory=list)
    """ARNs in it that CloudFormation deletes itself."""
    growing: bool = False
    """Whether runs replace schemas of its datasets."""
    started_at: str
    """ISO 8601."""


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    status: Literal["PENDING", "DONE"]
    left: list[str]
    """ARNs that are still there, being stopped or deleted."""


def clean_up(wanted: CleanUp, aws: Clients) -> Cleaned:
    """One pass over the group; raises CleanUpTookTooLong if it is still not clean after `PATIENCE`."""
    left = [*_stop_runs(wanted, aws.states), *_pass(wanted, aws.personalize)]
    if not left:
        return Cleaned(status=DONE, left=[])
    if datetime.now(UTC) - datetime.fromisoformat(wanted.started_at) > PATIENCE:
        minutes = int(PATIENCE.total_seconds() // 60)
        raise CleanUpTookTooLong(f"still there after {minutes} minutes: {', '.join(left)}. Destroy the stack again")
    return Cleaned(status=PENDING, left=left)


handler = task(CleanUp, clean_up)


def _stop_runs(wanted: CleanUp, states: Any) -> Iterator[str]:
    """Stops the executions whose definition names the group, and with them the trainings that they follow."""
    running = {"stateMachineArn": wanted.machine, "statusFilter": "RUNNING"}
    for page in states.get_paginator("list_executions").paginate(**running):
        for execution in page["executions"]:
            arn = execution["executionArn"]
            if wanted.subject in states.describe_state_machine_for_execution(executionArn=arn)["definition"]:
                states.stop_execution(executionArn=arn, error="CleanedUp", cause="its dataset group is being deleted")
                yield arn


def _pass(wanted: CleanUp, personalize: Any) -> Iterator[str]:
    """Does what can be done now; gives what is not gone yet."""
    group = {"datasetGroupArn": wanted.subject}
    for solution in _listed(personalize, "list_solutions", "solutions", **group):
        yield from _remove_solution(solution, personalize)
    for dataset in _listed(personalize, "list_datasets", "datasets", **group):
        of_dataset = {"datasetArn": dataset["datasetArn"]}
        if wanted.growing and _is_updated(personalize, **of_dataset):
            yield dataset["datasetArn"]
        for job in _listed(personalize, "list_dataset_import_jobs", "datasetImportJobs", **of_dataset):
            if job["status"] in _BUSY:  # there is no call that stops it
                yield job["datasetImportJobArn"]
    for listing, member, delete, arn in _IN_GROUP:
        for entry in _listed(personalize, listing, member, **group):
            if entry[arn] not in wanted.keep:
                _delete(getattr(personalize, delete), entry, arn)
                yield entry[arn]


def _remove_solution(solution: dict[str, Any], personalize: Any) -> Iterator[str]:
    """Versions in training are stopped, campaigns deleted; when neither is left, the solution itself is deleted."""
    arn = solution["solutionArn"]
    inside = []
    for version in _listed(personalize, "list_solution_versions", "solutionVersions", solutionArn=arn):
        if version["status"] in _STOPPABLE:
            _unless_it_changed(personalize.stop_solution_version_creation, version, "solutionVersionArn")
        if version["status"] in _BUSY:
            inside.append(version["solutionVersionArn"])
    for campaign in _listed(personalize, "list_campaigns", "campaigns", solutionArn=arn):
        _delete(personalize.delete_campaign, campaign, "campaignArn")
        inside.append(campaign["campaignArn"])
    if not inside:
        _delete(personalize.delete_solution, solution, "solutionArn")
    yield from inside
    yield arn


def _is_updated(personalize: Any, **of_dataset: str) -> bool:
    """Whether its schema is being replaced: it cannot be deleted until that is over."""
    try:
        update = personalize.describe_dataset(**of_dataset)["dataset"].get("latestDatasetUpdate") or {}
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return False
    return update.get("status") in _BUSY


def _listed(personalize: Any, operation: str, member: str, **of: str) -> Iterator[dict[str, Any]]:
    """All entries of a list; none if what they would be in is gone."""
    try:
        for page in personalize.get_paginator(operation).paginate(**of):
            yield from page[member]
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise


def _delete(call: Callable[..., Any], entry: dict[str, Any], member: str) -> None:
    """Ask for the deletion, unless it is under way or the resource is still being made."""
    if not entry["status"].startswith("DELETE") and entry["status"] not in _BUSY:
        _unless_it_changed(call, entry, member)


def _unless_it_changed(call: Callable[..., Any], entry: dict[str, Any], member: str) -> None:
    """Between the list and the call the resource may have gone, or become busy: the next pass sees to it."""
    try:
        call(**{member: entry[member]})
    except ClientError as error:
        if error_code(error) not in {"ResourceNotFoundException", "ResourceInUseException"}:
            raise
