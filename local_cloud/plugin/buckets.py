"""A bucket that still has objects is not deleted with its stack.

Symptom without it: MiniStack drops a bucket with everything in it; on AWS the deletion fails with BucketNotEmpty, and
a stack that forgot to empty its buckets stays behind. A clean-up that does not work would pass here and fail there.
Seam: the delete handler of AWS::S3::Bucket is wrapped.
Tests: tests/cloud/test_cloud_resources.py.
"""

from __future__ import annotations

from typing import Any

from ministack.services import s3
from ministack.services.cloudformation import provisioners

from local_cloud.plugin.seams import expect

TYPE = "AWS::S3::Bucket"


def install() -> None:
    """Wrap the delete handler."""
    row = provisioners._RESOURCE_HANDLERS.get(TYPE, {})
    expect(callable(row.get("delete")), f"ministack's handlers of {TYPE}", "have no delete")
    expect(callable(getattr(s3, "_bucket_has_versions", None)), "ministack.services.s3._bucket_has_versions", "is gone")
    delete = row["delete"]

    def refusing(name: str, properties: dict[str, Any]) -> None:
        bucket = s3._buckets.get(name)
        if bucket is not None and (bucket["objects"] or s3._bucket_has_versions(name)):
            raise ValueError(
                f"The bucket {name} you tried to delete is not empty (Service: S3, Status Code: 409, BucketNotEmpty)"
            )
        delete(name, properties)

    provisioners._RESOURCE_HANDLERS[TYPE] = {**row, "delete": refusing}
