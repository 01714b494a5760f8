"""Options that concern all resources of a stack alike: what is kept, what bounds the roles, tags."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

_UNTAGGED = [
    f"AWS::Personalize::{kind}" for kind in ("Schema", "DatasetGroup", "Dataset", "EventTracker", "Filter", "Solution")
]
"""Tags of these types are fixed at creation: a changed tag would replace the dataset group."""
_KEPT = (
    *("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::Logs::LogGroup", "AWS::KMS::Key"),
    *("AWS::Personalize::DatasetGroup", "AWS::Personalize::Schema", "AWS::Personalize::Dataset"),
    *("AWS::Personalize::EventTracker", "AWS::Personalize::Filter"),
)
CLEAN_UP = "Custom::CleanUp"


def tag(stack: cdk.Stack, tags: Mapping[str, str]) -> None:
    """Every resource whose tags can change."""
    for key, value in tags.items():
        cdk.Tags.of(stack).add(key, value, exclude_resource_types=_UNTAGGED)


def retain(stack: cdk.Stack, *, roles: list[iam.Role]) -> None:
    """Keep what holds data, and `roles`, which it needs, when the stack goes.

    The custom resources are kept as well, that is, they are not told to clean: were they left out of the template,
    CloudFormation would delete them in the very deploy that switches this on, and all data with them. The tag is there
    so that this deploy changes more than policies: CloudFormation does not carry out an update of these alone.
    """
    kept = [child.node.path for role in roles for child in role.node.find_all()]
    for found in stack.node.find_all():
        if isinstance(found, cdk.CfnResource) and (
            found.cfn_resource_type in {*_KEPT, CLEAN_UP} or found.node.path in kept
        ):
            found.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    tag(stack, {"retain": "true"})


def bound(stack: cdk.Stack, policy_arn: str) -> None:
    """Let that managed policy bound every role of the stack."""
    policy = iam.ManagedPolicy.from_managed_policy_arn(stack, "PermissionsBoundary", policy_arn)
    iam.PermissionsBoundary.of(stack).apply(policy)
