"""New columns: a schema is made once, put in place once, looked at until it is there, and deleted at the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from fake_aws import ACCOUNT, BEFORE, NOW, SINCE, check, refused

from contract.plan import AddColumns, Ensured, GrownSchema
from lambdas.aws import Clients
from lambdas.errors import ResourceFailed
from lambdas.tasks.add_columns import add_columns
from lambdas.tasks.delete_schemas import delete

GROUP = "exp-123456-group-00000000"
DATASET = f"{ACCOUNT}:dataset/{GROUP}/ITEMS"
FIRST = f"{ACCOUNT}:schema/exp-123456-items-schema-00000000"
NAME = f"{GROUP}-items-11111111"
GROWN = f"{ACCOUNT}:schema/{NAME}"
LATER = NOW + timedelta(minutes=1)
WANTED = AddColumns(dataset_arn=DATASET, schema=GrownSchema(name=NAME, text="{}"), since=SINCE, run_id="run")


class Service:
    """Personalize, as far as it is used."""

    def __init__(self, *schemas: str, **errors: Exception) -> None:
        self.schemas = {FIRST: "", **dict.fromkeys(schemas, "")}
        self.dataset: dict[str, Any] = {"datasetArn": DATASET, "schemaArn": FIRST, "status": "ACTIVE"}
        self.calls: list[str] = []
        self.errors: dict[str, Exception | None] = dict(errors)

    def updated(self, status: str, *, at: Any = LATER, schema: str = GROWN, reason: str = "") -> None:
        self.dataset["latestDatasetUpdate"] = {
            "schemaArn": schema,
            "status": status,
            "failureReason": reason,
            "creationDateTime": at,
            "lastUpdatedDateTime": at,
        }
        if status == "ACTIVE":
            self.dataset["schemaArn"] = schema

    def _called(self, operation: str, parameters: dict[str, Any]) -> None:
        check("personalize", operation, parameters)
        self.calls.append(operation)
        if error := self.errors.get(operation):
            raise error

    def describe_dataset(self, **parameters: str) -> dict[str, Any]:
        check("personalize", "DescribeDataset", parameters)
        return {"dataset": self.dataset}

    def create_schema(self, **parameters: str) -> None:
        self._called("CreateSchema", parameters)
        arn = f"{ACCOUNT}:schema/{parameters['name']}"
        if arn in self.schemas:
            raise refused("ResourceAlreadyExistsException")
        self.schemas[arn] = parameters["schema"]

    def update_dataset(self, **parameters: str) -> None:
        self._called("UpdateDataset", parameters)
        self.updated("CREATE PENDING", schema=parameters["schemaArn"])

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_schemas"
        rows = [{"schemaArn": arn, "name": arn.rpartition("/")[2]} for arn in self.schemas]
        return SimpleNamespace(paginate=lambda: [{"schemas": rows[:1]}, {"schemas": rows[1:]}])

    def delete_schema(self, **parameters: str) -> None:
        self._called("DeleteSchema", parameters)
        del self.schemas[parameters["schemaArn"]]


def add(service: Service, wanted: AddColumns = WANTED) -> Ensured:
    return add_columns(wanted, Clients(lambda _: service))


def test_one_run_from_the_first_look_to_the_last() -> None:
    service = Service()
    assert add(service) == Ensured(arn=DATASET, status="PENDING")
    assert add(service).status == "PENDING"
    service.updated("ACTIVE")
    assert add(service) == Ensured(arn=DATASET, status="ACTIVE", new=True)
    assert service.calls == ["CreateSchema", "UpdateDataset"]
    assert GROWN in service.schemas


def test_a_later_run_finds_it() -> None:
    service = Service(GROWN)
    service.updated("ACTIVE", at=BEFORE)
    assert add(service) == Ensured(arn=DATASET, status="ACTIVE")
    assert service.calls == []


def test_a_column_more_is_added_to_those_that_were() -> None:
    service = Service(GROWN)
    service.updated("ACTIVE", at=BEFORE)
    more = replace(WANTED, schema=GrownSchema(name=f"{GROUP}-items-22222222", text="{}"))
    assert add(service, more).status == "PENDING"
    assert service.calls == ["CreateSchema", "UpdateDataset"]


def test_cut_off_between_the_two_calls_it_goes_on() -> None:
    service = Service(GROWN)
    assert add(service).status == "PENDING"
    assert service.dataset["latestDatasetUpdate"]["schemaArn"] == GROWN


def test_while_an_import_works_on_the_dataset_it_waits() -> None:
    service = Service(UpdateDataset=refused("ResourceInUseException"))
    assert add(service).status == "PENDING"
    service.errors.clear()
    assert add(service).status == "PENDING"
    assert service.calls == ["CreateSchema", "UpdateDataset"] * 2


def test_while_another_update_is_under_way_it_waits() -> None:
    service = Service()
    service.updated("CREATE IN_PROGRESS", schema=FIRST)
    assert add(service).status == "PENDING"
    assert service.calls == []


def test_a_failure_of_this_run_is_reported_and_an_older_one_made_good() -> None:
    service = Service(GROWN)
    service.updated("CREATE FAILED", reason="no luck")
    with pytest.raises(ResourceFailed, match="adding columns failed: no luck"):
        add(service)
    service.updated("CREATE FAILED", at=BEFORE)
    assert add(service).status == "PENDING"
    assert service.calls == ["CreateSchema", "UpdateDataset"]


@pytest.mark.parametrize("operation", ["CreateSchema", "UpdateDataset"])
def test_what_the_service_refuses_is_told_with_what_to_do(operation: str) -> None:
    service = Service(**{operation: refused("InvalidInputException", "field YEAR must stay")})
    with pytest.raises(ResourceFailed, match="field YEAR must stay"):
        add(service)


def request(kind: str, **members: Any) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "RequestId": "1",
        "ResponseURL": "https://example.test/signed",
        "StackId": "stack",
        "LogicalResourceId": "AddedColumnsSchemas",
        "ResourceProperties": {"Subject": GROUP},
        **members,
    }


def answered(service: Service, asked: dict[str, Any], *, seconds: float = 100.0) -> dict[str, str]:
    answers: list[dict[str, str]] = []
    left = iter(range(int(seconds), -1000, -30))
    delete(
        asked,
        personalize=service,
        seconds_left=lambda: float(next(left)),
        answer=lambda url, content: answers.append(content),
        sleep=lambda seconds: service.errors.clear() if seconds == 3.0 and service.errors.pop("soon", None) else None,
    )
    (content,) = answers
    return content


def test_what_the_resource_stands_for_is_the_group() -> None:
    for kind in ("Create", "Update"):
        asked = request(kind, PhysicalResourceId="exp-123456-group-99999999")
        assert answered(Service(), asked)["PhysicalResourceId"] == GROUP


def test_the_schemas_of_the_deleted_group_are_deleted_and_no_others() -> None:
    other = f"{ACCOUNT}:schema/exp-123456-group-22222222-items-11111111"
    service = Service(GROWN, f"{GROWN[:-1]}2", other)
    assert answered(service, request("Delete", PhysicalResourceId=GROUP))["Status"] == "SUCCESS"
    assert set(service.schemas) == {FIRST, other}


def test_a_resource_that_was_never_made_has_nothing_to_delete() -> None:
    service = Service(GROWN)
    assert answered(service, request("Delete", PhysicalResourceId="exp-AddedColumns-1X2Y"))["Status"] == "SUCCESS"
    assert service.calls == []


@pytest.mark.parametrize("code", ["ResourceInUseException", "ThrottlingException", "InternalServerException"])
def test_what_may_pass_is_tried_again_until_the_time_is_over(code: str) -> None:
    error = refused(code, "not now", status=500 if code.startswith("Internal") else 400)
    soon = Service(GROWN, DeleteSchema=error, soon=ValueError())
    assert answered(soon, request("Delete", PhysicalResourceId=GROUP))["Status"] == "SUCCESS"
    assert GROWN not in soon.schemas
    with pytest.raises(type(error), match="not now"):
        answered(Service(GROWN, DeleteSchema=error), request("Delete", PhysicalResourceId=GROUP))


def test_a_denial_is_told_at_once() -> None:
    denied = refused("AccessDeniedException", "no permission")
    service = Service(GROWN, DeleteSchema=denied)
    with pytest.raises(type(denied), match="no permission"):
        answered(service, request("Delete", PhysicalResourceId=GROUP))
    assert service.calls == ["DeleteSchema"]


def test_a_schema_that_is_gone_meanwhile_is_no_failure() -> None:
    service = Service(GROWN, DeleteSchema=refused("ResourceNotFoundException"))
    assert answered(service, request("Delete", PhysicalResourceId=GROUP))["Status"] == "SUCCESS"
