"""The CloudFormation types of Personalize that the stacks declare, made by calls to the engine.

Symptom without it: MiniStack refuses a template with a type it does not know.
Seams: `provisioners._RESOURCE_HANDLERS` gains a row per type; `stacks._runs_on_worker_thread` says that they block,
since a create waits until the resource is ACTIVE and a delete until it is gone, as on AWS. Nearly every property is
create-only: without an update handler a changed property makes a new resource and deletes the old one in the clean-up
phase. A Dataset is deleted first (`replacementStrategy: delete_then_create`), since its ARN stays the same.
Tests: tests/cloud/test_cloud_resources.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from ministack.services.cloudformation import provisioners, stacks

from local_cloud.plugin.seams import expect, wrap

PREFIX = "AWS::Personalize::"
LIMIT = 300.0
"""Seconds for a create or a delete."""
POLL = 0.05

Client = Any
Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """One type: its operations' word, its properties, and what GetAtt gives."""

    word: str
    """In operation names: CreateDatasetGroup, DescribeDatasetGroup, …"""
    properties: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    """Members of the description that GetAtt gives besides the ARN."""
    replace_by_deleting_first: bool = False

    @property
    def type(self) -> str:
        return PREFIX + self.word

    @property
    def arn(self) -> str:
        """Member that holds the ARN, in requests and answers."""
        return self.word[0].lower() + self.word[1:] + "Arn"

    @property
    def description(self) -> str:
        """Member of the Describe answer."""
        return self.word[0].lower() + self.word[1:]

    @property
    def operation(self) -> str:
        """In boto3's method names: dataset_group."""
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in self.word).lstrip("_")


KINDS = (
    Kind("Schema", ("Name", "Schema", "Domain")),
    Kind("DatasetGroup", ("Name", "RoleArn", "KmsKeyArn", "Domain", "Tags")),
    Kind(
        "Dataset",
        ("Name", "DatasetGroupArn", "DatasetType", "SchemaArn", "Tags"),
        replace_by_deleting_first=True,
    ),
    Kind("EventTracker", ("Name", "DatasetGroupArn", "Tags"), ("TrackingId",)),
    Kind("Filter", ("Name", "DatasetGroupArn", "FilterExpression", "Tags"), ("Status",)),
)


class ResourceFailed(Exception):
    """The resource could not be made or deleted; the message is the service's."""


def install(engine_url: str) -> None:
    """Register the types."""
    handlers = provisioners._RESOURCE_HANDLERS
    expect(isinstance(handlers, dict), "provisioners._RESOURCE_HANDLERS", "is no dict")
    known = [name for name in handlers if name.startswith(PREFIX)]
    expect(not known, "provisioners._RESOURCE_HANDLERS", f"has {', '.join(known)} by itself now")
    engine = _client(engine_url)
    for kind in KINDS:
        handlers[kind.type] = _handlers(kind, engine)
    wrap(stacks, "_runs_on_worker_thread", "resource_type", _blocking)


def _blocking(runs: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda resource_type: resource_type.startswith(PREFIX) or runs(resource_type)


def _client(engine_url: str) -> Client:
    return boto3.client(
        "personalize",
        endpoint_url=engine_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 2}),
    )


def _handlers(kind: Kind, engine: Client) -> dict[str, Callable[..., Any]]:
    def make(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
        return create(kind, engine, properties)

    def remove(arn: str, properties: Properties) -> None:
        delete(kind, engine, arn)

    def replace(arn: str, old: Properties, new: Properties, stack: str) -> tuple[str, dict[str, str]]:
        delete(kind, engine, arn)
        return create(kind, engine, new)

    made: dict[str, Callable[..., Any]] = {"create": make, "delete": remove}
    return {**made, "update": replace} if kind.replace_by_deleting_first else made


def create(kind: Kind, engine: Client, properties: Properties) -> tuple[str, dict[str, str]]:
    """Make the resource and wait until it is ACTIVE: its ARN, and the attributes for GetAtt."""
    if unknown := sorted(set(properties) - set(kind.properties)):
        raise ResourceFailed(f"{kind.type}: the local cloud does not support the property {unknown[0]}")
    request = {name[0].lower() + name[1:]: value for name, value in properties.items() if name != "Tags"}
    if properties.get("Tags"):
        request["tags"] = [{"tagKey": tag["Key"], "tagValue": tag["Value"]} for tag in properties["Tags"]]
    arn = str(_call(kind, f"create_{kind.operation}", engine, request)[kind.arn])
    described = _until(kind, engine, arn, gone=False)
    attributes = {name: str(described[name[0].lower() + name[1:]]) for name in kind.attributes}
    return arn, {kind.word + "Arn": arn, **attributes}


def delete(kind: Kind, engine: Client, arn: str) -> None:
    """Delete the resource and wait until it is gone; one that is gone already is no error."""
    described = _describe(kind, engine, arn)
    if described is None:
        return
    if not str(described.get("status", "")).startswith("DELETE"):
        _call(kind, f"delete_{kind.operation}", engine, {kind.arn: arn})
    _until(kind, engine, arn, gone=True)


def _until(kind: Kind, engine: Client, arn: str, *, gone: bool) -> Mapping[str, Any]:
    limit = time.monotonic() + LIMIT
    while time.monotonic() < limit:
        described = _describe(kind, engine, arn)
        if described is None:
            if gone:
                return {}
            raise ResourceFailed(f"{kind.type}: {arn} vanished while it was made")
        status = str(described.get("status", "ACTIVE"))  # a schema has none
        if "FAILED" in status:
            raise ResourceFailed(f"{kind.type}: {arn} is {status}: {described.get('failureReason', 'no reason given')}")
        if status == "ACTIVE" and not gone:
            return described
        time.sleep(POLL)
    raise ResourceFailed(f"{kind.type}: {arn} did not {'go' if gone else 'become ACTIVE'} within {LIMIT:.0f} s")


def _describe(kind: Kind, engine: Client, arn: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = _call(kind, f"describe_{kind.operation}", engine, {kind.arn: arn})[kind.description]
    except ResourceFailed as failed:
        cause = failed.__cause__
        if isinstance(cause, ClientError) and cause.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return found


def _call(kind: Kind, method: str, engine: Client, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """One call; an error becomes CloudFormation's wording of a failed handler."""
    try:
        answer: Mapping[str, Any] = getattr(engine, method)(**request)
    except ClientError as error:
        told, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise ResourceFailed(
            f'Resource handler returned message: "{told.get("Message", "")}"'
            f" (Service: Personalize, Status Code: {status}, HandlerErrorCode: {told['Code']})"
        ) from error
    except BotoCoreError as error:
        raise ResourceFailed(f"{kind.type}: {method}: {error}") from error
    return answer
