"""Where an experiment's data lies, and the role with which Amazon Personalize reads it.

Two buckets: the data bucket (keys in contract.layout) and the bucket of its access logs. Both are emptied by our own
clean-up (stacks.teardown) and deleted with the stack. S3 cannot deliver access logs into a bucket with a customer key,
so only the data bucket ever has one.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.encryption import Encryption
from stacks.permissions import PERSONALIZE, allow

_LOGS_BY_POLICY = "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy"
"""CDK's feature flag: without it access logs need an ACL, which a bucket that its owner alone owns does not take."""


class Storage(Construct):
    """The data bucket, the log bucket and the service role."""

    def __init__(self, scope: Construct, construct_id: str, *, encryption: Encryption | None = None) -> None:
        super().__init__(scope, construct_id)
        self.node.set_context(_LOGS_BY_POLICY, True)  # whatever the app around it says
        self.logs = _bucket(
            self,
            "Logs",
            lifecycle_rules=[s3.LifecycleRule(id="forget-old-logs", expiration=cdk.Duration.days(90))],
        )
        self.data = _bucket(
            self,
            "Data",
            encryption_key=encryption.key if encryption else None,
            server_access_logs_bucket=self.logs,
            server_access_logs_prefix="data/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="drop-broken-uploads", abort_incomplete_multipart_upload_after=cdk.Duration.days(7)
                ),
                s3.LifecycleRule(id="forget-old-runs", prefix="runs/", expiration=cdk.Duration.days(90)),
            ],
        )
        readable = [
            (["s3:GetObject"], self.data.arn_for_objects("data/*")),
            (["s3:ListBucket"], self.data.bucket_arn),
        ]
        # The service needs both: its own statement on the bucket, and a role to assume.
        for actions, resource in readable:
            self.data.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(PERSONALIZE)], actions=actions, resources=[resource]
                )
            )
        reading = iam.PolicyDocument(statements=[allow(actions, resource) for actions, resource in readable])
        self.service_role = iam.Role(
            self,
            "ServiceRole",
            description="Amazon Personalize reads the experiment's data with it",
            assumed_by=iam.ServicePrincipal(PERSONALIZE, conditions=_only_for_us(self)),
            inline_policies=None if encryption else {"read-data": reading},
        )
        if encryption:
            # Not inline: the key's policy names the role, and the bucket needs the key.
            iam.Policy(self.service_role, "ReadData", roles=[self.service_role], document=reading)
            encryption.let_personalize_use_it(self.service_role)


def _bucket(
    scope: Construct,
    construct_id: str,
    *,
    lifecycle_rules: list[s3.LifecycleRule],
    encryption_key: kms.IKey | None = None,
    server_access_logs_bucket: s3.Bucket | None = None,
    server_access_logs_prefix: str | None = None,
) -> s3.Bucket:
    return s3.Bucket(
        scope,
        construct_id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        bucket_key_enabled=True if encryption_key else None,
        encryption=s3.BucketEncryption.KMS if encryption_key else s3.BucketEncryption.S3_MANAGED,
        encryption_key=encryption_key,
        enforce_ssl=True,
        lifecycle_rules=lifecycle_rules,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        removal_policy=cdk.RemovalPolicy.DESTROY,
        server_access_logs_bucket=server_access_logs_bucket,
        server_access_logs_prefix=server_access_logs_prefix,
    )


def _only_for_us(scope: Construct) -> dict[str, dict[str, str]]:
    """Conditions against the confused deputy: the service may assume the role on behalf of this account only."""
    stack = cdk.Stack.of(scope)
    return {
        "StringEquals": {"aws:SourceAccount": stack.account},
        "ArnLike": {
            "aws:SourceArn": stack.format_arn(
                service="personalize", resource="*", arn_format=cdk.ArnFormat.NO_RESOURCE_NAME
            )
        },
    }
