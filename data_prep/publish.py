"""Puts prepared files where the pipeline reads them: a folder or a bucket, with the keys of `contract.layout`.

A version's files never change, and only the manifest, written last, makes a version count: whoever looks meanwhile
sees the one before.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from contract import layout
from contract.as_json import to_json
from contract.manifest import Manifest
from data_prep.errors import NoStack, StackError

if TYPE_CHECKING:  # what computes takes a while to import, and who looks up a stack needs none of it
    from data_prep.prepare import Prepared

BUCKET_OUTPUT = "DataBucketName"
"""Output of the experiment's stack."""

Sent = Callable[[int], None]
"""Told how many more bytes have been written."""


def to_folder(prepared: Prepared, out: Path, *, sent: Sent = lambda _: None) -> Path:
    """Publishes below the folder `out`; returns the manifest's path. The working folder should be on the same disk."""
    version = out / "data" / prepared.manifest.version
    aside = version.with_name(f".{version.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        for key, file in prepared.files.items():
            target = aside / Path(key).relative_to(f"data/{prepared.manifest.version}")
            target.parent.mkdir(parents=True, exist_ok=True)
            size = file.stat().st_size
            shutil.move(file, target)
            sent(size)
        if not version.exists():
            aside.rename(version)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    manifest = out / layout.MANIFEST
    written = manifest.with_name(f".manifest.{os.getpid()}.json")
    written.write_text(manifest_text(prepared.manifest), encoding="utf-8")
    written.replace(manifest)
    return manifest


def to_bucket(prepared: Prepared, bucket: str, *, sent: Sent = lambda _: None) -> str:
    """Publishes into an S3 bucket, streamed in parts; returns the manifest's address."""
    import boto3
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    s3 = boto3.client("s3", config=addressing())
    try:
        for key, file in prepared.files.items():
            s3.upload_file(str(file), bucket, key, Callback=sent)
        body = manifest_text(prepared.manifest).encode()
        s3.put_object(Bucket=bucket, Key=layout.MANIFEST, Body=body, ContentType="application/json")
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise StackError(f"the bucket {bucket} cannot be written: {error}") from None
    return f"s3://{bucket}/{layout.MANIFEST}"


def bucket_of(stack: str) -> str:
    """The data bucket of a deployed stack; StackError if there is none."""
    return outputs_of(stack, BUCKET_OUTPUT)[BUCKET_OUTPUT]


def outputs_of(stack: str, *needed: str) -> dict[str, str]:
    """The outputs of a deployed stack; StackError if it is not there or lacks one that is needed."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    deploy = f"deploy it first (`make deploy EXPERIMENT={stack}`, or `cdk deploy {stack}`)"
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        said = error.response["Error"]
        if said["Code"] == "ValidationError":
            raise NoStack(f"there is no stack {stack} in this account and region: {deploy}") from None
        raise StackError(f"the stack {stack} cannot be looked up: {said['Code']}: {said['Message']}") from None
    except BotoCoreError as error:
        raise StackError(
            f"the stack {stack} cannot be looked up: {str(error).rstrip('.')}. Check your AWS credentials and region"
        ) from None
    outputs = {entry["OutputKey"]: entry["OutputValue"] for entry in found.get("Outputs", [])}
    if missing := [name for name in needed if name not in outputs]:
        raise StackError(f"the stack {stack} ({found['StackStatus']}) has no output {missing[0]}: {deploy}")
    return outputs


def manifest_text(manifest: Manifest) -> str:
    """The manifest as it is stored."""
    return json.dumps(to_json(manifest), indent=2, ensure_ascii=False) + "\n"


def addressing() -> Any:
    """Elsewhere than on AWS a bucket's name does not resolve as a host name: it goes into the path."""
    from botocore.config import Config

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    host = urlsplit(endpoint).hostname or "" if endpoint else ""
    if not endpoint or host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return Config()
    return Config(s3={"addressing_style": "path"})
