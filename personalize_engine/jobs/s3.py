"""The files of an import: an object or a prefix in S3, read as the role that the caller passed to the service.

With PERSONALIZE_ROLE_CREDENTIALS_URL set the engine asks that address for the role's credentials (POST, JSON:
{"roleArn", "dataLocation", "action"}) and gets {"AccessKeyId", "SecretAccessKey", "SessionToken"}, or HTTP 403 with
{"message"}: whoever runs the engine beside a cloud answers there whether the role may be assumed. Without it the usual
AWS settings of the engine's own environment apply, and the role is not looked at.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from personalize_engine.errors import JobFailed

CREDENTIALS_URL = "PERSONALIZE_ROLE_CREDENTIALS_URL"
ACTION = "s3:GetObject"


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A file of an import on the local disk."""

    key: str
    """In the bucket: for messages."""
    path: Path


def fetch(location: str, role_arn: str | None, *, into: Path, region: str) -> list[Fetched]:
    """Downloads what `location` (s3://bucket/key or s3://bucket/prefix) names, by key; JobFailed if it can't."""
    scheme, _, place = location.partition("://")
    bucket, _, key = place.partition("/")  # by hand: a key may hold what is a query or a fragment elsewhere
    if scheme != "s3" or not bucket:
        raise JobFailed(f"The data location {location} is not an S3 location (s3://bucket/key).")
    client = _client(role_arn, location, region)
    try:
        keys = _keys(client, bucket, key)
        if not keys:
            raise JobFailed(f"There is no data at {location}.")
        found = []
        for number, name in enumerate(keys):
            path = into / f"{number:05d}.csv"
            client.download_file(bucket, name, str(path))
            found.append(Fetched(key=name, path=path))
    except ClientError as error:
        raise JobFailed(_reason(error, location)) from None
    except BotoCoreError as error:
        raise JobFailed(f"Reading {location} failed: {error}") from None
    return found


def prepare(region: str) -> None:
    """Does what would make the first fetch slow."""
    _session(region).client("s3", aws_access_key_id="none", aws_secret_access_key="none")


def _keys(client: Any, bucket: str, key: str) -> list[str]:
    if key and not key.endswith("/"):
        try:
            client.head_object(Bucket=bucket, Key=key)
            return [key]
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchKey", "NotFound"}:
                raise
    prefix = key if not key or key.endswith("/") else f"{key}/"
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []) if entry["Size"])


@cache
def _session(region: str) -> Any:
    """Kept: reading the service model anew would take longer than a small import."""
    return boto3.session.Session(region_name=region)


def _client(role_arn: str | None, location: str, region: str) -> Any:
    config = Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 4})
    session = _session(region)
    url = os.environ.get(CREDENTIALS_URL)
    if not url:
        return session.client("s3", config=config)
    role = _role_credentials(url, role_arn, location)
    return session.client(
        "s3",
        config=config,
        aws_access_key_id=role["AccessKeyId"],
        aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
    )


def _role_credentials(url: str, role_arn: str | None, location: str) -> dict[str, str]:
    body = json.dumps({"roleArn": role_arn, "dataLocation": location, "action": ACTION}).encode()
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            credentials: dict[str, str] = json.load(answer)
            return credentials
    except urllib.error.HTTPError as error:
        with error:
            try:
                said = json.load(error)["message"]
            except (ValueError, KeyError, TypeError):
                said = f"HTTP {error.code}"
        if error.code == 403:
            raise JobFailed(_denied(location, said)) from None
        raise JobFailed(f"The credentials of {role_arn} could not be had: {said}") from None
    except OSError as error:
        # Without the address: it may hold a secret, and anyone who may describe the job reads its reason.
        raise JobFailed(f"The credentials of {role_arn} could not be had: {CREDENTIALS_URL}: {error}") from None


_NEEDS = {"HeadObject": "s3:GetObject", "GetObject": "s3:GetObject", "ListObjectsV2": "s3:ListBucket"}


def _reason(error: ClientError, location: str) -> str:
    code, said = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code in {"403", "AccessDenied", "Forbidden"}:
        # The answer to a HEAD has no body that could say so.
        needed = _NEEDS.get(error.operation_name, "") if "not authorized" not in said else ""
        return _denied(location, f"The role is not authorized to perform: {needed}" if needed else said)
    if code in {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}:
        return f"There is no data at {location}: {said or code}"
    return f"Reading {location} failed: {code}: {said}"


def _denied(location: str, said: str) -> str:
    return f"Insufficient privileges for accessing data in Amazon S3: {location}. {said}".rstrip()
