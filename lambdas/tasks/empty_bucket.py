"""Empties a bucket, so that CloudFormation can delete it.

First nobody may put objects into it any more: access logs arrive for hours after the requests that they tell of, and
would refill it. One call deletes as much as fits into its time; the clean-up machine calls again until it is empty.

Calls: s3:ListBucket, s3:GetBucketPolicy, s3:PutBucketPolicy (bucket), s3:DeleteObject (objects).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from contract.plan import DONE, PENDING
from lambdas.aws import Clients, error_code
from lambdas.errors import TaskError
from lambdas.task import task

RESERVE = 20.0
"""Seconds of the invocation that are kept for returning."""
SEAL = "SealedByCleanUp"


class NotDeleted(TaskError):
    """S3 refused to delete an object."""


@dataclass(frozen=True, kw_only=True)
class EmptyBucket:
    """Event."""

    subject: str
    """The bucket's name."""


@dataclass(frozen=True, kw_only=True)
class Emptied:
    status: Literal["PENDING", "DONE"]
    deleted: int
    """Objects deleted by this call."""


def empty_bucket(wanted: EmptyBucket, aws: Clients) -> Emptied:
    """Seals the bucket and deletes its objects; DONE when it is empty or gone."""
    bucket, deleted = wanted.subject, 0
    try:
        _seal(bucket, aws.s3)
        while aws.seconds_left() > RESERVE:
            found = aws.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
            if not found:
                return Emptied(status=DONE, deleted=deleted)
            keys = [{"Key": entry["Key"]} for entry in found]
            refused = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True}).get("Errors")
            if refused:
                raise NotDeleted(f"s3://{bucket}/{refused[0]['Key']}: {refused[0]['Message']}")
            deleted += len(keys)
    except ClientError as error:
        if error_code(error) != "NoSuchBucket":
            raise
        return Emptied(status=DONE, deleted=deleted)
    return Emptied(status=PENDING, deleted=deleted)


handler = task(EmptyBucket, empty_bucket)


def _seal(bucket: str, s3: Any) -> None:
    """Adds one statement to the bucket's policy: nobody puts objects."""
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error_code(error) != "NoSuchBucketPolicy":
            raise
        policy = {"Version": "2012-10-17", "Statement": []}
    if any(statement.get("Sid") == SEAL for statement in policy["Statement"]):
        return
    arn_of_objects = f"arn:{_partition(s3)}:s3:::{bucket}/*"
    policy["Statement"].append(
        {"Sid": SEAL, "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": arn_of_objects}
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def _partition(s3: Any) -> str:
    return str(s3.meta.partition)
