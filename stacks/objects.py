"""Words for what a role may do with the objects of a bucket, and with the key that encrypts them if there is one."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.encryption import use_of
from stacks.permissions import allow


def reads(bucket: s3.Bucket, *patterns: str) -> list[iam.PolicyStatement]:
    """Of keys with wildcards."""
    return [
        allow(["s3:GetObject"], *(bucket.arn_for_objects(pattern) for pattern in patterns)),
        *use_of(bucket.encryption_key, "Decrypt"),
    ]


def lists(bucket: s3.Bucket) -> iam.PolicyStatement:
    """For who lists, or acts on a missing object: who may not list is told "denied" where one is merely missing."""
    return allow(["s3:ListBucket"], bucket.bucket_arn)


def writes(bucket: s3.Bucket, *patterns: str) -> list[iam.PolicyStatement]:
    """Of keys with wildcards."""
    return [
        allow(["s3:PutObject"], *(bucket.arn_for_objects(pattern) for pattern in patterns)),
        *use_of(bucket.encryption_key, "Decrypt", "GenerateDataKey"),
    ]
