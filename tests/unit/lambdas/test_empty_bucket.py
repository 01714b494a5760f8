"""Emptying a bucket: sealed first, then emptied, however often and in however many slices."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from fake_aws import check, clients, refused

from lambdas.tasks.empty_bucket import SEAL, EmptyBucket, NotDeleted, empty_bucket

OWN = {"Sid": "TLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}


class Bucket:
    """One bucket named `b`, two objects per page."""

    def __init__(self, keys: int, policy: dict[str, Any] | None = None) -> None:
        self.meta = SimpleNamespace(partition="aws-cn")
        self.keys = [f"k{number}" for number in range(keys)]
        self.policy = policy
        self.exists = True
        self.refuse: str | None = None
        self.order: list[str] = []

    def _called(self, operation: str, parameters: dict[str, Any]) -> None:
        check("s3", operation, parameters)
        self.order.append(operation)
        if not self.exists:
            raise refused("NoSuchBucket")

    def get_bucket_policy(self, **parameters: Any) -> dict[str, str]:
        self._called("GetBucketPolicy", parameters)
        if self.policy is None:
            raise refused("NoSuchBucketPolicy")
        return {"Policy": json.dumps(self.policy)}

    def put_bucket_policy(self, **parameters: Any) -> None:
        self._called("PutBucketPolicy", parameters)
        self.policy = json.loads(parameters["Policy"])

    def list_objects_v2(self, **parameters: Any) -> dict[str, Any]:
        self._called("ListObjectsV2", parameters)
        return {"Contents": [{"Key": key} for key in self.keys[:2]]} if self.keys else {}

    def delete_objects(self, **parameters: Any) -> dict[str, Any]:
        self._called("DeleteObjects", parameters)
        if self.refuse:
            return {"Errors": [{"Key": self.refuse, "Code": "AccessDenied", "Message": "Access Denied"}]}
        gone = {entry["Key"] for entry in parameters["Delete"]["Objects"]}
        self.keys = [key for key in self.keys if key not in gone]
        return {}


def _seconds(*left: float) -> Callable[[], float]:
    remaining = list(left)
    return lambda: remaining.pop(0) if len(remaining) > 1 else remaining[0]


def test_sealed_then_emptied() -> None:
    bucket = Bucket(5, {"Version": "2012-10-17", "Statement": [OWN]})
    done = empty_bucket(EmptyBucket(subject="b"), clients(s3=bucket))
    assert (done.status, done.deleted, bucket.keys) == ("DONE", 5, [])
    assert bucket.order[:2] == ["GetBucketPolicy", "PutBucketPolicy"]
    assert bucket.policy is not None
    kept, seal = bucket.policy["Statement"]
    assert kept == OWN
    assert seal == {
        "Sid": SEAL,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws-cn:s3:::b/*",
    }


def test_a_bucket_without_a_policy_is_sealed_and_once_is_enough() -> None:
    bucket = Bucket(0)
    for _ in range(2):
        assert empty_bucket(EmptyBucket(subject="b"), clients(s3=bucket)).status == "DONE"
    assert bucket.order.count("PutBucketPolicy") == 1


def test_slices() -> None:
    bucket = Bucket(5)
    first = empty_bucket(EmptyBucket(subject="b"), clients(s3=bucket, seconds_left=_seconds(60, 50, 5)))
    assert (first.status, first.deleted) == ("PENDING", 4)
    assert empty_bucket(EmptyBucket(subject="b"), clients(s3=bucket)).deleted == 1


def test_a_bucket_that_is_gone_is_empty() -> None:
    bucket = Bucket(3)
    bucket.exists = False
    assert empty_bucket(EmptyBucket(subject="b"), clients(s3=bucket)).status == "DONE"


def test_a_refusal_names_the_object() -> None:
    bucket = Bucket(3)
    bucket.refuse = "k1"
    with pytest.raises(NotDeleted, match="s3://b/k1: Access Denied"):
        empty_bucket(EmptyBucket(subject="b"), clients(s3=bucket))
