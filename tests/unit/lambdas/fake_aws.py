"""Fakes of what the tasks call: S3 as a dict, and Personalize as a small state machine whose statuses a test sets.

Every call's parameters are checked against botocore's model, so a misspelt member fails here and not on AWS.
"""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from lambdas.aws import Clients

ACCOUNT = "arn:aws:personalize:eu-west-1:123456789012"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SINCE = NOW.isoformat()
BEFORE = NOW - timedelta(hours=1)
_MODELS: dict[str, Any] = {}


def refused(code: str, message: str = "refused", operation: str = "Call", *, status: int = 400) -> ClientError:
    told = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(told, operation)  # type: ignore[arg-type]


def check(service: str, operation: str, parameters: dict[str, Any]) -> None:
    if service not in _MODELS:
        _MODELS[service] = botocore.session.get_session().get_service_model(service)
    shape = _MODELS[service].operation_model(operation).input_shape
    report = ParamValidator().validate(parameters, shape)
    assert not report.has_errors(), report.generate_report()


class FakeS3:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise refused("NoSuchKey", f"{Key} does not exist", "GetObject")
        return {"Body": io.BytesIO(self.objects[Key]), "ContentLength": len(self.objects[Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        self.objects[Key] = Body

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        keys = lambda prefix: [{"Key": key} for key in sorted(self.objects) if key.startswith(prefix)]  # noqa: E731
        return SimpleNamespace(paginate=lambda Bucket, Prefix: [{"Contents": keys(Prefix)}, {}])


class FakePersonalize:
    """Resources by ARN; `calls` are the changes that were asked for."""

    lists: ClassVar[dict[str, tuple[str, str, str]]] = {
        "list_dataset_import_jobs": ("ListDatasetImportJobs", "datasetImportJobs", "datasetArn"),
        "list_solution_versions": ("ListSolutionVersions", "solutionVersions", "solutionArn"),
    }

    def __init__(self, endpoint: str = "http://localhost:4566") -> None:
        self.meta = SimpleNamespace(endpoint_url=endpoint)
        self.resources: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.errors: dict[str, ClientError] = {}
        self.hidden: set[str] = set()
        """ARNs that lists do not show (yet)."""
        self.clock = NOW + timedelta(minutes=1)
        self.dataset_created = BEFORE - timedelta(days=1)

    def add(self, arn: str, status: str = "ACTIVE", *, at: datetime = BEFORE, **members: Any) -> str:
        self.resources[arn] = {"status": status, "creationDateTime": at, "lastUpdatedDateTime": at, **members}
        return arn

    def _found(self, arn: str) -> dict[str, Any]:
        if arn not in self.resources:
            raise refused("ResourceNotFoundException", f"{arn} does not exist")
        return self.resources[arn]

    def __getattr__(self, method: str) -> Any:
        operation = "".join(part.capitalize() for part in method.split("_")).replace("Hpo", "HPO")

        def call(**parameters: Any) -> Any:
            check("personalize", operation, parameters)
            verb, _, rest = method.partition("_")
            if verb != "describe":
                self.calls.append((method, parameters))
            if method in self.errors:
                raise self.errors[method]
            return getattr(self, f"_{verb}")(rest, parameters)

        return call

    def _describe(self, kind: str, parameters: dict[str, Any]) -> dict[str, Any]:
        (arn,) = parameters.values()
        if kind == "dataset":
            return {"dataset": {"creationDateTime": self.dataset_created}}
        key = re.sub(r"_(\w)", lambda found: found.group(1).upper(), kind)
        return {key: {f"{key}Arn": arn, **self._found(arn)}}

    def _create(self, kind: str, parameters: dict[str, Any]) -> dict[str, Any]:
        key = re.sub(r"_(\w)", lambda found: found.group(1).upper(), kind)
        name = parameters.get("name") or parameters["jobName"]
        if kind == "solution_version":
            arn = f"{parameters['solutionArn']}/{len(self.resources):08x}"
            taken = any(row.get("name") == name for row in self.resources.values() if "solutionArn" in row)
        else:
            arn = f"{ACCOUNT}:{kind.replace('_', '-')}/{name}"
            taken = arn in self.resources
        if taken:
            raise refused("ResourceAlreadyExistsException")
        self.add(arn, "CREATE PENDING", at=self.clock, **parameters)
        return {f"{key}Arn": arn}

    def _delete(self, kind: str, parameters: dict[str, Any]) -> None:
        (arn,) = parameters.values()
        self._found(arn)["status"] = "DELETE PENDING"

    def _update(self, kind: str, parameters: dict[str, Any]) -> None:
        self._found(parameters["campaignArn"])["latestCampaignUpdate"] = {
            "status": "CREATE PENDING",
            "solutionVersionArn": parameters["solutionVersionArn"],
            "lastUpdatedDateTime": self.clock,
        }

    def get_paginator(self, method: str) -> Any:
        operation, member, parent = self.lists[method]

        def pages(**parameters: Any) -> list[dict[str, Any]]:
            check("personalize", operation, parameters)
            arn_member = member[:-1] + "Arn"
            entries = [
                {arn_member: arn, **{key: value for key, value in row.items() if key != "name"}}
                for arn, row in self.resources.items()
                if row.get(parent) == parameters[parent] and arn not in self.hidden
            ]
            return [{member: entries[:1]}, {member: entries[1:]}]

        return SimpleNamespace(paginate=pages)


def clients(**services: Any) -> Clients:
    """Clients over fakes: as `Clients` names them; and seconds_left."""
    seconds_left = services.pop("seconds_left", lambda: 900.0)
    names = {"runtime": "personalize-runtime", "events": "personalize-events", "bus": "events", "watch": "cloudwatch"}
    known = {names.get(name, name): fake for name, fake in services.items()}
    return Clients(known.__getitem__, seconds_left=seconds_left)
