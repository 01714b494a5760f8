"""The clean-up: everything of one dataset group goes, in an order that the service allows, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from fake_aws import ACCOUNT, check, clients, refused

from lambdas.tasks.cleanup import CleanUp, CleanUpTookTooLong, clean_up

GROUP = f"{ACCOUNT}:dataset-group/exp-123456-group-00000000"
NEIGHBOUR = f"{ACCOUNT}:dataset-group/exp-more-654321-group-00000000"
TRACKER = f"{ACCOUNT}:event-tracker/0a1b2c3d"
DATASET = f"{ACCOUNT}:dataset/exp-123456-group-00000000/INTERACTIONS"
SOLUTION = f"{ACCOUNT}:solution/exp-123456-hrnn-11111111"
VERSION = f"{SOLUTION}/aaaaaaaa"
CAMPAIGN = f"{ACCOUNT}:campaign/exp-123456-hrnn-22222222"

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:exp-123456-main"

wanted = CleanUp(subject=GROUP, machine=MACHINE, keep=[TRACKER], started_at=datetime.now(UTC).isoformat())

_KINDS = {  # kind: (list's member, ARN's member, parent's member)
    "solution": ("solutions", "solutionArn", "datasetGroupArn"),
    "solution_version": ("solutionVersions", "solutionVersionArn", "solutionArn"),
    "campaign": ("campaigns", "campaignArn", "solutionArn"),
    "filter": ("Filters", "filterArn", "datasetGroupArn"),
    "event_tracker": ("eventTrackers", "eventTrackerArn", "datasetGroupArn"),
    "dataset": ("datasets", "datasetArn", "datasetGroupArn"),
    "dataset_import_job": ("datasetImportJobs", "datasetImportJobArn", "datasetArn"),
}


class Service:
    """Resources that go through their statuses by one step per `tick`, with the service's rules for deleting."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, str]] = {}
        self.calls: list[str] = []
        self.updating = 0
        """How often a dataset will be seen while its schema is replaced."""

    def describe_dataset(self, **parameters: str) -> dict[str, Any]:
        check("personalize", "DescribeDataset", parameters)
        self.updating -= 1
        status = "CREATE IN_PROGRESS" if self.updating >= 0 else "ACTIVE"
        return {"dataset": {"latestDatasetUpdate": {"status": status}}}

    def add(self, kind: str, arn: str, parent: str, status: str = "ACTIVE") -> None:
        self.resources[arn] = {"kind": kind, "parent": parent, "status": status}

    def tick(self) -> None:
        following = {"CREATE STOPPING": "CREATE STOPPED", "CREATE IN_PROGRESS": "ACTIVE", "DELETE PENDING": None}
        for arn, row in list(self.resources.items()):
            status = following.get(row["status"], row["status"])
            if status is None:
                del self.resources[arn]
            else:
                row["status"] = status

    def get_paginator(self, operation: str) -> Any:
        kind = operation.removeprefix("list_").removesuffix("s")
        member, arn_member, parent_member = _KINDS[kind]

        def paginate(**parameters: str) -> list[dict[str, Any]]:
            check("personalize", _camel(operation), parameters)
            found = [
                {arn_member: arn, "status": row["status"]}
                for arn, row in self.resources.items()
                if row["kind"] == kind and row["parent"] == parameters[parent_member]
            ]
            return [{member: found[:1]}, {member: found[1:]}]

        return SimpleNamespace(paginate=paginate)

    def stop_solution_version_creation(self, **parameters: str) -> None:
        check("personalize", "StopSolutionVersionCreation", parameters)
        self.calls.append(f"stop {parameters['solutionVersionArn']}")
        self.resources[parameters["solutionVersionArn"]]["status"] = "CREATE STOPPING"

    def delete_solution(self, **parameters: str) -> None:
        busy = {"CREATE PENDING", "CREATE IN_PROGRESS", "CREATE STOPPING"}
        for row in self.resources.values():
            if row["parent"] == parameters["solutionArn"] and (row["kind"] == "campaign" or row["status"] in busy):
                raise refused("ResourceInUseException")
        self._delete("DeleteSolution", parameters)

    def delete_campaign(self, **parameters: str) -> None:
        self._delete("DeleteCampaign", parameters)

    def delete_filter(self, **parameters: str) -> None:
        self._delete("DeleteFilter", parameters)

    def delete_event_tracker(self, **parameters: str) -> None:
        self._delete("DeleteEventTracker", parameters)

    def _delete(self, operation: str, parameters: dict[str, str]) -> None:
        check("personalize", operation, parameters)
        (arn,) = parameters.values()
        self.calls.append(f"delete {arn}")
        if self.resources[arn]["status"] not in {"ACTIVE", "CREATE FAILED"}:
            raise refused("ResourceInUseException")
        self.resources[arn]["status"] = "DELETE PENDING"


class Runs:
    """Executions of the main machine: name to its definition."""

    def __init__(self, **definitions: str) -> None:
        self.running = {f"{MACHINE.replace('stateMachine', 'execution')}:{k}": v for k, v in definitions.items()}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_executions"

        def paginate(**parameters: str) -> list[dict[str, Any]]:
            check("stepfunctions", "ListExecutions", parameters)
            assert parameters == {"stateMachineArn": MACHINE, "statusFilter": "RUNNING"}
            return [{"executions": [{"executionArn": arn}]} for arn in list(self.running)]

        return SimpleNamespace(paginate=paginate)

    def describe_state_machine_for_execution(self, **parameters: str) -> dict[str, str]:
        check("stepfunctions", "DescribeStateMachineForExecution", parameters)
        return {"definition": self.running[parameters["executionArn"]]}

    def stop_execution(self, **parameters: str) -> None:
        check("stepfunctions", "StopExecution", parameters)
        del self.running[parameters["executionArn"]]


def _camel(operation: str) -> str:
    return "".join(part.capitalize() for part in operation.split("_"))


def _until_done(service: Service, event: CleanUp = wanted) -> int:
    for passes in range(1, 20):
        if clean_up(event, clients(personalize=service, stepfunctions=Runs())).status == "DONE":
            return passes
        service.tick()
    raise AssertionError(f"never done; left: {service.resources}")


def _populated() -> Service:
    service = Service()
    service.add("solution", SOLUTION, GROUP)
    service.add("solution_version", VERSION, SOLUTION)
    service.add("campaign", CAMPAIGN, SOLUTION)
    service.add("dataset", DATASET, GROUP)
    service.add("event_tracker", TRACKER, GROUP)
    return service


def test_campaigns_go_before_solutions_and_what_cloudformation_owns_stays() -> None:
    service = _populated()
    _until_done(service)
    assert service.calls == [f"delete {CAMPAIGN}", f"delete {SOLUTION}"]
    assert set(service.resources) == {VERSION, DATASET, TRACKER}  # a version goes with its solution


def test_a_training_is_stopped_before_its_solution_is_deleted() -> None:
    service = Service()
    service.add("solution", SOLUTION, GROUP)
    service.add("solution_version", VERSION, SOLUTION, "CREATE PENDING")
    assert clean_up(wanted, clients(personalize=service, stepfunctions=Runs())).left == [VERSION, SOLUTION]
    assert service.calls == [f"stop {VERSION}"]
    _until_done(service)
    assert service.calls == [f"stop {VERSION}", f"delete {SOLUTION}"]


def test_a_campaign_that_is_being_made_is_waited_for() -> None:
    service = _populated()
    service.resources[CAMPAIGN]["status"] = "CREATE IN_PROGRESS"
    assert clean_up(wanted, clients(personalize=service, stepfunctions=Runs())).status == "PENDING"
    assert service.calls == []
    _until_done(service)
    assert SOLUTION not in service.resources


def test_a_running_import_is_waited_for() -> None:
    service = Service()
    service.add("dataset", DATASET, GROUP)
    service.add("dataset_import_job", f"{ACCOUNT}:dataset-import-job/j", DATASET, "CREATE IN_PROGRESS")
    assert clean_up(wanted, clients(personalize=service, stepfunctions=Runs())).left == [
        f"{ACCOUNT}:dataset-import-job/j"
    ]
    assert _until_done(service) == 2
    assert service.calls == []


def test_a_schema_that_is_being_replaced_is_waited_for() -> None:
    service = Service()
    service.add("dataset", DATASET, GROUP)
    service.updating = 2
    assert _until_done(service, replace(wanted, growing=True)) == 3
    assert service.calls == []


def test_filters_and_trackers_made_at_run_time_go() -> None:
    service = _populated()
    service.add("filter", f"{ACCOUNT}:filter/exp-123456-by-hand", GROUP, "CREATE FAILED")
    service.add("event_tracker", f"{ACCOUNT}:event-tracker/other", GROUP)
    _until_done(service)
    assert f"delete {ACCOUNT}:filter/exp-123456-by-hand" in service.calls
    assert f"delete {ACCOUNT}:event-tracker/other" in service.calls
    assert TRACKER in service.resources


def test_only_the_group_in_the_event_is_cleaned() -> None:
    service = _populated()
    other = {
        f"{ACCOUNT}:solution/exp-more-654321-hrnn-1": ("solution", NEIGHBOUR, "ACTIVE"),
        f"{ACCOUNT}:solution/exp-more-654321-hrnn-1/v": (
            "solution_version",
            f"{ACCOUNT}:solution/exp-more-654321-hrnn-1",
            "CREATE PENDING",
        ),
        f"{ACCOUNT}:filter/exp-more": ("filter", NEIGHBOUR, "ACTIVE"),
    }
    for arn, (kind, parent, status) in other.items():
        service.add(kind, arn, parent, status)
    _until_done(service)
    assert {arn: row["status"] for arn, row in service.resources.items() if arn in other} == {
        arn: status for arn, (_, _, status) in other.items()
    }


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "ResourceInUseException"])
def test_what_changed_since_the_list_is_left_to_the_next_pass(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = _populated()

    def changed(**_: str) -> None:
        raise refused(code)

    monkeypatch.setattr(service, "delete_campaign", changed)
    assert clean_up(wanted, clients(personalize=service, stepfunctions=Runs())).left == [CAMPAIGN, SOLUTION]


def test_another_refusal_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    service = _populated()

    def denied(**_: str) -> None:
        raise refused("AccessDeniedException", "no permission")

    monkeypatch.setattr(service, "delete_campaign", denied)
    with pytest.raises(Exception, match="no permission"):
        clean_up(wanted, clients(personalize=service, stepfunctions=Runs()))


def test_a_group_that_does_not_exist_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()

    def gone(operation: str) -> Any:
        def paginate(**_: str) -> Any:
            raise refused("ResourceNotFoundException")

        return SimpleNamespace(paginate=paginate)

    monkeypatch.setattr(service, "get_paginator", gone)
    assert clean_up(wanted, clients(personalize=service, stepfunctions=Runs())).status == "DONE"


def test_patience_ends_before_cloudformation_s() -> None:
    service = _populated()
    service.resources[CAMPAIGN]["status"] = "CREATE IN_PROGRESS"
    late = replace(wanted, started_at=(datetime.now(UTC) - timedelta(minutes=56)).isoformat().replace("+00:00", "Z"))
    with pytest.raises(CleanUpTookTooLong, match=f"after 55 minutes: {CAMPAIGN}, {SOLUTION}"):
        clean_up(late, clients(personalize=service, stepfunctions=Runs()))


def test_executions_that_work_on_the_group_are_stopped() -> None:
    runs = Runs(ours=f'{{"dataset_group_arn":"{GROUP}"}}', of_the_new_group='{"dataset_group_arn":"another"}')
    first = clean_up(wanted, clients(personalize=Service(), stepfunctions=runs))
    assert [arn.rsplit(":")[-1] for arn in first.left] == ["ours"]
    assert [arn.rsplit(":")[-1] for arn in runs.running] == ["of_the_new_group"]
    assert clean_up(wanted, clients(personalize=Service(), stepfunctions=runs)).status == "DONE"
