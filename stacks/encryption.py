"""`kms_key`: one customer key for the data bucket, the dataset group, the topic and the logs.

Whoever works with the experiment's data needs the key as well as the data, so it is the one switch that takes all of
it away. A service that encrypts on its own behalf must be named in the key's policy: permissions of our roles alone
would let a deploy succeed and its notifications vanish. The key of somebody else is used as it is: its policy must say
what `_allow_services` says (docs/options.md shows it).
"""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from experiments.options import NEW_KEY
from stacks.permissions import PERSONALIZE, allow

_BY_PERSONALIZE = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:ListGrants"]
"""Of the service and of its role, in the key's policy (Personalize developer guide)."""
_BY_ITS_ROLE = [action for action in _BY_PERSONALIZE if action != "kms:CreateGrant"]
"""In the role's own policy."""
_BY_LOGS = ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
_BY_PUBLISHERS = ["kms:Decrypt", "kms:GenerateDataKey*"]
PUBLISHERS = ("cloudwatch.amazonaws.com", "budgets.amazonaws.com")
"""Services that publish to the topic."""


class Encryption(Construct):
    """The key: of our own, rotated each year, or one that exists. `owner`: whose data it encrypts, for people."""

    def __init__(self, scope: Construct, construct_id: str, *, given: str, owner: str) -> None:
        super().__init__(scope, construct_id)
        self.given = given
        self.key: kms.IKey
        if given == NEW_KEY:
            self.key = kms.Key(
                self,
                "Key",
                description=f"Data of {owner} in Amazon Personalize",
                enable_key_rotation=True,
                removal_policy=cdk.RemovalPolicy.DESTROY,
            )
            self._allow_services(self.key)
        else:
            self.key = kms.Key.from_key_arn(self, "Key", given)

    def let_personalize_use_it(self, role: iam.Role) -> None:
        """The role gets a policy of its own: inline, role and key would each need the other first."""
        if isinstance(self.key, kms.Key):
            self._add(role, _BY_PERSONALIZE)
        iam.Policy(role, "UseTheKey", roles=[role], statements=[allow(_BY_ITS_ROLE, self.key.key_arn)])

    def encrypt_logs(self, scope: Construct) -> None:
        """Every log group in the scope."""
        for found in scope.node.find_all():
            if isinstance(found, logs.CfnLogGroup):
                found.kms_key_id = self.key.key_arn

    def _allow_services(self, key: kms.Key) -> None:
        stack = cdk.Stack.of(self)
        groups = stack.format_arn(
            service="logs", resource="log-group", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        self._add(iam.ServicePrincipal(PERSONALIZE), _BY_PERSONALIZE)
        self._add(
            iam.ServicePrincipal(f"logs.{stack.region}.{stack.url_suffix}"),
            _BY_LOGS,
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )
        for publisher in PUBLISHERS:
            ours = {"StringEquals": {"aws:SourceAccount": stack.account}}
            self._add(iam.ServicePrincipal(publisher), _BY_PUBLISHERS, ours)

    def _add(self, principal: iam.IPrincipal, actions: list[str], conditions: Any = None) -> None:
        self.key.add_to_resource_policy(
            iam.PolicyStatement(principals=[principal], actions=actions, resources=["*"], conditions=conditions)
        )


def use_of(key: kms.IKey | None, *actions: str) -> list[iam.PolicyStatement]:
    """What a role needs besides its permission on encrypted data; nothing where there is no key."""
    return [allow([f"kms:{action}" for action in actions], key.key_arn)] if key else []
