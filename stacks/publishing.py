"""Lets services of AWS publish to the notification topic: a topic with a policy of its own lets nobody in by itself."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns


def let_publish(topic: sns.Topic, service: str, *, source: str) -> None:
    """`service` on behalf of this account's resources whose ARNs match `source`."""
    ours = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(topic).account}, "ArnLike": {"aws:SourceArn": source}}
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(service)],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions=ours,
        )
    )
