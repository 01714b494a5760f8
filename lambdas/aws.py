"""The edge to AWS: clients with retries, small helpers for what lies in S3, and whether this is a real account.

Tasks get a `Clients` and call nothing else of AWS; tests give them one with fakes.
"""

from __future__ import annotations

import csv
import functools
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

THREADS = 8
"""Calls in flight at once while a campaign is asked."""
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 8}, max_pool_connections=2 * THREADS)
_BUFFER = 1 << 20
_AMAZONS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws")
"""How the host names of AWS's endpoints end, in every partition that has Personalize; the last are dual-stack."""
_THROTTLING = frozenset(
    {
        "LimitExceededException",  # in Personalize: too many requests per second, or too many jobs pending
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "Forbidden", "UnauthorizedOperation", "403"})
_FAULT = 500
"""HTTP statuses from here on: the service's own fault."""


def _unlimited() -> float:
    return float("inf")


class NoSuchObject(KeyError):
    """There is no such object in the bucket."""


class Clients:
    """What a task may talk to. Each client is made when it is first used: most tasks need one or two."""

    def __init__(self, client: Callable[[str], Any], *, seconds_left: Callable[[], float] = _unlimited) -> None:
        """`client` gives the boto3 client (or a test's fake) of a service name; `seconds_left`: of the invocation."""
        self._client = client
        self.seconds_left = seconds_left

    @property
    def personalize(self) -> Any:
        return self._client("personalize")

    @property
    def runtime(self) -> Any:
        return self._client("personalize-runtime")

    @property
    def events(self) -> Any:
        return self._client("personalize-events")

    @property
    def s3(self) -> Any:
        return self._client("s3")

    @property
    def states(self) -> Any:
        """Step Functions."""
        return self._client("stepfunctions")

    @property
    def bus(self) -> Any:
        """EventBridge, where others may hear of what happens."""
        return self._client("events")

    @property
    def watch(self) -> Any:
        """CloudWatch."""
        return self._client("cloudwatch")

    @property
    def is_local(self) -> bool:
        """Whether Personalize is the local engine: its endpoint is not one of AWS's."""
        host = urlsplit(self.personalize.meta.endpoint_url).hostname or ""
        return not host.endswith(_AMAZONS)

    def read(self, bucket: str, key: str) -> bytes:
        """An object's bytes. NoSuchObject if it is missing."""
        body: bytes = self._open(bucket, key).read()
        return body

    def read_json(self, bucket: str, key: str) -> Any:
        """A JSON object's value; NoSuchObject if it is missing."""
        return json.loads(self.read(bucket, key))

    def size(self, bucket: str, key: str) -> int:
        """An object's bytes, counted. NoSuchObject if it is missing.

        Opened, not read: the answer to HeadObject has no body, so a denial would not say what is missing.
        """
        opened = self._get(bucket, key)
        opened["Body"].close()
        size: int = opened["ContentLength"]
        return size

    def write_json(self, bucket: str, key: str, value: Any) -> None:
        """Writes compact JSON with its content type."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        self.write(bucket, key, text.encode(), content_type="application/json")

    def write(self, bucket: str, key: str, body: bytes, *, content_type: str) -> None:
        """Puts an object; under equal names the newest wins."""
        self.s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)

    def read_csv(self, bucket: str, key: str) -> Iterator[dict[str, str]]:
        """Rows of a CSV file with a header, read as a stream. NoSuchObject if it is missing."""
        return csv.DictReader(self._lines(bucket, key))

    def read_columns(self, bucket: str, key: str, columns: Iterable[str]) -> Iterator[list[str]]:
        """The named columns of a CSV file, in that order; much faster than `read_csv`. KeyError names a missing one."""
        rows = csv.reader(self._lines(bucket, key))
        header = next(rows, [])
        places = []
        for column in columns:
            if column not in header:
                raise KeyError(f"s3://{bucket}/{key} has no column {column}; it has {', '.join(header) or 'no header'}")
            places.append(header.index(column))
        return ([row[place] for place in places] for row in rows)

    def write_json_lines(self, bucket: str, key: str, values: Iterable[Any]) -> None:
        """One compact JSON value per line."""
        text = "".join(json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n" for value in values)
        self.write(bucket, key, text.encode(), content_type="application/jsonl")

    def read_json_lines(self, bucket: str, prefix: str) -> Iterator[Any]:
        """Every line of every object below the prefix, objects in the order of their keys."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield from map(json.loads, self.read(bucket, entry["Key"]).splitlines())

    def _lines(self, bucket: str, key: str) -> io.TextIOWrapper:
        raw = _Raw(self._open(bucket, key))
        return io.TextIOWrapper(io.BufferedReader(raw, _BUFFER), encoding="utf-8", newline="")

    def _open(self, bucket: str, key: str) -> Any:
        return self._get(bucket, key)["Body"]

    def _get(self, bucket: str, key: str) -> Any:
        try:
            return self.s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error_code(error) in {"NoSuchKey", "404"}:
                raise NoSuchObject(f"s3://{bucket}/{key}") from None
            raise


class _Raw(io.RawIOBase):
    """botocore's streaming body as the raw stream that a text wrapper wants."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@functools.cache
def client(service: str) -> Any:
    """A boto3 client, made once per function instance; region, credentials, endpoints come from the environment."""
    return boto3.client(service, config=_CONFIG)  # type: ignore[call-overload]


def error_code(error: ClientError) -> str:
    """The service's name for the error, e.g. ResourceNotFoundException."""
    return str(error.response.get("Error", {}).get("Code", ""))


def error_message(error: ClientError) -> str:
    """The service's own words."""
    return str(error.response.get("Error", {}).get("Message") or error)


def is_throttling(error: ClientError) -> bool:
    """Whether the same call may succeed when it is made later."""
    return error_code(error) in _THROTTLING


def is_denied(error: ClientError) -> bool:
    """Whether the caller may not make the call."""
    return error_code(error) in _DENIED


def is_fault(error: ClientError) -> bool:
    """Whether the service failed by itself, so that the same call may succeed when it is made later."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0) >= _FAULT
