"""Options that concern all resources of an experiment alike: what is kept, what bounds the roles, tags.

Each acts on a scope and what is below it: a stack may have resources of others beside the experiment.
"""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

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
ADDED_COLUMNS = "Custom::AddedColumns"


def tag(scope: Construct, tags: Mapping[str, str]) -> None:
    """Every resource whose tags can change."""
    for key, value in tags.items():
        cdk.Tags.of(scope).add(key, value, exclude_resource_types=_UNTAGGED)


def retain(scope: Construct, *, roles: list[iam.Role]) -> None:
    """Keep what holds data, and `roles`, which it needs, when the stack goes.

    The custom resources are kept as well, that is, they are not told to clean: were they left out of the template,
    CloudFormation would delete them in the very deploy that switches this on, and all data with them. The tag is there
    so that this deploy changes more than policies: CloudFormation does not carry out an update of these alone.
    """
    kept = [child.node.path for role in roles for child in role.node.find_all()]
    for found in scope.node.find_all():
        if isinstance(found, cdk.CfnResource) and (
            found.cfn_resource_type in {*_KEPT, CLEAN_UP, ADDED_COLUMNS} or found.node.path in kept
        ):
            found.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    tag(scope, {"retain": "true"})


def bound(scope: Construct, policy_arn: str) -> None:
    """Let that managed policy bound every role in the scope."""
    policy = iam.ManagedPolicy.from_managed_policy_arn(scope, "PermissionsBoundary", policy_arn)
    iam.PermissionsBoundary.of(scope).apply(policy)
