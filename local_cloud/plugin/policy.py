"""Questions to MiniStack's policy evaluator that it does not ask by itself.

MiniStack evaluates policies for requests that arrive over HTTP. What a service does *for* a role inside the process
(a state machine calling a function, Personalize reading a bucket) has to be asked here, with the same evaluator and
the same stored policies. `evaluate_trust_policy` lets any service principal match the account's root, so trust is
asked as a resource policy, which compares the service's own name.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import iam, sts


class Denied(Exception):
    """A policy does not allow it; the message is AWS's."""


def role(arn: str) -> Mapping[str, Any]:
    """The stored role; Denied if there is none."""
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    found = iam._roles.get_scoped(account, None, name)
    if found is None:
        raise Denied(f"The role {arn} does not exist")
    return dict(found)


def assume(arn: str, *, service: str, source_arn: str, session: str) -> str:
    """The ARN of the session that `service` gets with the role; Denied if its trust policy does not let it."""
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    trust = role(arn)["AssumeRolePolicyDocument"]
    document: dict[str, Any] = json.loads(trust) if isinstance(trust, str) else trust
    context = _context("sts:AssumeRole", arn, principal="", account=account, source_arn=source_arn)
    if iam_evaluator.evaluate_resource_policy(document, context, service=service).decision != "Allow":
        raise Denied(
            f"{service} is not authorized to assume the role {arn}: its trust policy does not allow the service"
            f" (or a condition on aws:SourceAccount or aws:SourceArn does not hold for {source_arn})"
        )
    return f"arn:aws:sts::{account}:assumed-role/{name}/{session}"


def allow(arn: str, *, session_arn: str, action: str, resource: str, service: str) -> None:
    """Denied unless the role's policies, together with the resource's own, allow the action."""
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    context = _context(action, resource, principal=session_arn, account=account)
    limits = tuple(iam_evaluator._permissions_boundary(iam._roles, name, account))
    result = iam_evaluator.evaluate(context, iam_evaluator._gather_role_policies(name, account), *limits)
    if (found := iam_evaluator._resource_policy(service, resource)) is not None:
        document, owner = found
        result = iam_evaluator.combine_resource_policy(result, context, document, owner, limits=limits)
    if result.decision != "Allow":
        explicit = result.decision == "Deny"
        raise Denied(iam_actions.identity_denial_message(action, session_arn, resource, explicit))


def allow_service(document: str | None, *, service: str, action: str, resource: str, source_arn: str) -> None:
    """Denied unless a resource's own policy lets an AWS service do this for `source_arn`."""
    account = source_arn.split(":")[4]
    context = _context(action, resource, principal="", account=account, source_arn=source_arn)
    if iam_evaluator.evaluate_resource_policy(document, context, service=service).decision != "Allow":
        raise Denied(f"the policy of the resource does not allow {service} to perform {action} on {resource}")


def credentials(session_arn: str) -> dict[str, str]:
    """Temporary credentials of a role's session, known to MiniStack from now on."""
    made = {
        "AccessKeyId": f"ASIA{secrets.token_hex(8).upper()}",
        "SecretAccessKey": secrets.token_hex(20),
        "SessionToken": secrets.token_hex(32),
    }
    _, name, session = session_arn.rsplit("/", 2)
    sts.register_session(
        made["AccessKeyId"],
        {
            "Arn": session_arn,
            "UserId": f"{name}:{session}",
            "SecretAccessKey": made["SecretAccessKey"],
            "SessionToken": made["SessionToken"],
        },
    )
    return made


def _context(action: str, resource: str, *, principal: str, account: str, source_arn: str | None = None) -> Any:
    """Keys are lower case: the evaluator looks them up so."""
    keys: dict[str, str | None] = {"aws:tagkeys": None}
    if source_arn is not None:
        keys |= {"aws:sourceaccount": account, "aws:sourcearn": source_arn}
    return iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region="us-east-1",
        secure_transport=True,
        service_context=keys,
    )
