"""Who may not list a bucket is not told that an object is missing, only that listing is denied.

Symptom without it: MiniStack answers NoSuchKey to everybody who may read; on AWS a GET or HEAD of a missing key needs
s3:ListBucket on the bucket to be told so (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html). A task
that acts on a missing object, as the first state does before data are published, would work here and fail there.
Seam: `iam_actions.s3_additional_checks`, what a request needs beside its own action, has one row more.
Tests: tests/cloud/test_cloud_calls.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import s3

from local_cloud.plugin.seams import expect, wrap

Checks = list[tuple[str, str]]


def install() -> None:
    """Add the row."""
    expect(hasattr(s3, "_buckets"), "ministack.services.s3._buckets", "is gone")
    wrap(iam_actions, "s3_additional_checks", "method, path, headers, body, query_params", _also_listing)


def _also_listing(needed: Callable[..., Checks]) -> Callable[..., Checks]:
    def checks(method: str, path: str, headers: Any, body: bytes, query: Mapping[str, Any]) -> Checks:
        found = needed(method, path, headers, body, query)
        bucket, _, key = path.lstrip("/").partition("/")
        stored = s3._buckets.get(bucket)
        if key and stored is not None and _reads(method, query) and key not in stored["objects"]:
            return [*found, ("s3:ListBucket", f"arn:aws:s3:::{bucket}")]
        return found

    return checks


def _reads(method: str, query: Mapping[str, Any]) -> bool:
    """Whether it asks for an object itself: a sub-resource (`?acl`, `?tagging`) has other rules."""
    return method in {"GET", "HEAD"} and not set(query) - {"x-id"}
