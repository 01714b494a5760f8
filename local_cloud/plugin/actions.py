"""What a request to Personalize has to be allowed: each of its operation's resources, its tags, the role it passes.

Which resources an operation has is AWS's reference and its overlay (authorization.py); AWS wants the action allowed on
each of them. Two checks are no rows of the reference:
- a call that makes something with tags needs TagResource as well (aws-solutions/maintaining-personalized-experiences-
  with-machine-learning grants it beside each Create action, and so do CloudFormation's resource handlers);
- a call with a `roleArn` needs iam:PassRole on that role
  (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.plugin import authorization

PREFIX = "personalize"

RESOURCES = authorization.resources()
"""By operation; authorization.py says what an entry is."""

PATHS = {
    "/action-recommendations": "GetActionRecommendations",
    "/personalize-ranking": "GetPersonalizedRanking",
    "/recommendations": "GetRecommendations",
    "/action-interactions": "PutActionInteractions",
    "/actions": "PutActions",
    "/events": "PutEvents",
    "/items": "PutItems",
    "/users": "PutUsers",
}
"""The two rest-json services: POST to one of these paths."""
TARGET = "AmazonPersonalize."
"""What X-Amz-Target begins with: the json-1.1 service."""


@dataclass(frozen=True)
class Check:
    """One question for the policy evaluator."""

    action: str
    resource: str
    context: Mapping[str, str]


def operation(method: str, path: str, target: str) -> str | None:
    """The operation that a request asks for; None if there is no such operation."""
    if target:
        name = target.removeprefix(TARGET)
        return name if target.startswith(TARGET) and name in RESOURCES and name not in PATHS.values() else None
    return PATHS.get(path.rstrip("/")) if method == "POST" else None


def checks(name: str, request: Mapping[str, Any], *, account: str, region: str) -> list[Check]:
    """All that has to be allowed for this operation with this request."""
    made = f"arn:aws:personalize:{region}:{account}:"
    resources = [found for entry in RESOURCES[name] if (found := _resource(entry, request, made))]
    asked = [Check(f"{PREFIX}:{name}", resource, {}) for resource in resources or authorization.ANY]
    if name.startswith("Create") and request.get("tags"):
        asked.append(Check(f"{PREFIX}:TagResource", asked[0].resource, {}))
    if role := request.get("roleArn"):
        asked.append(Check("iam:PassRole", str(role), {"iam:PassedToService": "personalize.amazonaws.com"}))
    return asked


def _resource(entry: str, request: Mapping[str, Any], made: str) -> str | None:
    """The ARN that an entry of the table stands for; None if the request does not name it."""
    if entry == "*":
        return entry
    if "/" not in entry:
        value = request.get(entry)
        return str(value) if value else None
    kind, *members = entry.split("/")
    values = [str(request.get(member[1:-1], "")) for member in members]
    if kind == "dataset":
        values = [values[0].rsplit("/", 1)[-1], values[1].upper()]
    return made + "/".join([kind, *values])
