"""Takes one grant away from a deployed stack, and gives it back."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deployed_stack import EXPERIMENT, Deployed

from tools.permissions import BUCKET, OTHER, TRUST, Grant, Place, grants, listed

Document = dict[str, Any]
NOBODY = "nobody.amazonaws.com"
"""A trust policy without statements is refused, so it names a service that does not exist."""


class Stack:
    """The grants of a deployed stack, by what the template calls them."""

    def __init__(self, deployed: Deployed) -> None:
        template = json.loads((deployed.command_line.assembly / f"{EXPERIMENT}.template.json").read_text())
        self.grants: dict[Grant, Place] = grants(template)
        self._buckets = {
            key: row["Properties"]["Bucket"]["Ref"]
            for key, row in template["Resources"].items()
            if row["Type"] == "AWS::S3::BucketPolicy"
        }
        rows = deployed.cloud.client("cloudformation").get_paginator("list_stack_resources")
        self.physical: dict[str, str] = {
            row["LogicalResourceId"]: row["PhysicalResourceId"]
            for page in rows.paginate(StackName=EXPERIMENT)
            for row in page["StackResourceSummaries"]
        }
        self._iam, self._s3 = deployed.cloud.client("iam"), deployed.cloud.client("s3")

    def asked(self, grant: Grant) -> tuple[str, str, str]:
        """Role (of a resource's own policy: nobody), action and resource of a question that the grant answers."""
        place = self.grants[grant]
        if place.document == OTHER:  # that nothing asks here
            return "", grant.action, self.physical[place.logical_id]
        statement = self._read(place)["Statement"][place.statement]
        role = "" if grant.principal else self.physical[place.logical_id]
        if place.document == TRUST:
            return role, grant.action, f"*:role/{self.physical[place.logical_id]}"
        return role, grant.action, listed(statement["Resource"])[place.resource]

    @contextmanager
    def without(self, grant: Grant) -> Iterator[None]:
        """The stack without that grant."""
        place = self.grants[grant]
        whole = self._read(place)
        self._write(place, shrunk(whole, place, grant.action))
        try:
            yield
        finally:
            self._write(place, whole)

    def _bucket(self, place: Place) -> str:
        return self.physical[self._buckets[place.logical_id]]

    def _read(self, place: Place) -> Document:
        if place.document == BUCKET:
            return json.loads(self._s3.get_bucket_policy(Bucket=self._bucket(place))["Policy"])
        role = self.physical[place.logical_id]
        if place.document == TRUST:
            return self._iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        return self._iam.get_role_policy(RoleName=role, PolicyName=place.document)["PolicyDocument"]

    def _write(self, place: Place, document: Document) -> None:
        text = json.dumps(document)
        if place.document == BUCKET:
            self._s3.put_bucket_policy(Bucket=self._bucket(place), Policy=text)
            return
        role = self.physical[place.logical_id]
        if place.document == TRUST:
            self._iam.update_assume_role_policy(RoleName=role, PolicyDocument=text)
        elif document["Statement"]:
            self._iam.put_role_policy(RoleName=role, PolicyName=place.document, PolicyDocument=text)
        else:
            self._iam.delete_role_policy(RoleName=role, PolicyName=place.document)


def shrunk(document: Document, place: Place, action: str) -> Document:
    """The document without that action on that resource, all else as it was."""
    changed = copy.deepcopy(document)
    statement = changed["Statement"][place.statement]
    if place.document == TRUST:
        statement["Principal"] = {"Service": NOBODY}
        return changed
    actions, resources = listed(statement["Action"]), listed(statement["Resource"])
    others = [name for name in actions if name != action]
    elsewhere = [resource for index, resource in enumerate(resources) if index != place.resource]
    parts = [{**statement, "Action": others, "Resource": resources}] if others else []
    parts += [{**statement, "Action": [action], "Resource": elsewhere}] if elsewhere else []
    changed["Statement"][place.statement : place.statement + 1] = parts
    return changed
