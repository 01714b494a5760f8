"""Small stacks for the tests here: templates, a function that does as it is told, and a client that waits."""

from __future__ import annotations

import json
import time
from typing import Any

from local_cloud.services import LocalCloud

FUNCTION = """
import json, os, time, urllib.request
import boto3

class ResourceFailed(Exception):
    pass

def handler(event, context):
    do = event.get("do")
    if do == "raise":
        raise ResourceFailed("because")
    if do == "sleep":
        time.sleep(10)
    if do == "die":
        os.kill(os.getpid(), 9)
    if do == "personalize":
        client = boto3.client(event.get("service", "personalize"))
        try:
            answer = getattr(client, event["method"])(**event["arguments"])
        except client.exceptions.ClientError as error:
            return {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        return {"code": "ok", "status": status, "endpoint": client.meta.endpoint_url}
    if event.get("ResponseURL"):
        body = {"Status": "SUCCESS", "PhysicalResourceId": "made", "Reason": "", "StackId": event["StackId"],
                "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"], "Data": {"A": "b"}}
        request = urllib.request.Request(event["ResponseURL"], data=json.dumps(body).encode(), method="PUT")
        urllib.request.urlopen(request)
    who = boto3.client("sts").get_caller_identity()["Arn"]
    sees = [name for name in os.environ if name.startswith("PERSONALIZE_")]
    return {"who": who, "code": os.path.realpath(__file__), "event": event, "sees": sees}
"""


class Stacks:
    """Deploys templates and waits."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.client = cloud.client("cloudformation")
        self.made: list[str] = []

    def deploy(self, name: str, resources: dict[str, Any], *, outputs: dict[str, Any] | None = None) -> dict[str, str]:
        """Create or update; the outputs. RuntimeError with the failed resources' reasons."""
        template = json.dumps(
            {"Resources": resources, "Outputs": {k: {"Value": v} for k, v in (outputs or {}).items()}}
        )
        call = self.client.update_stack if name in self.made else self.client.create_stack
        call(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
        if name not in self.made:
            self.made.append(name)
        stack = self._settled(name)
        if stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise RuntimeError(self.reasons(name))
        return {row["OutputKey"]: row["OutputValue"] for row in stack.get("Outputs", [])}

    def delete(self, name: str) -> None:
        """RuntimeError with the reasons if the deletion fails."""
        self.client.delete_stack(StackName=name)
        try:
            stack = self._settled(name)
        except self.client.exceptions.ClientError:
            self.made.remove(name)
            return
        if stack["StackStatus"] != "DELETE_COMPLETE":
            raise RuntimeError(self.reasons(name))
        self.made.remove(name)

    def reasons(self, name: str) -> str:
        events = self.client.describe_stack_events(StackName=name)["StackEvents"]
        return "\n".join(e["ResourceStatusReason"] for e in events if e.get("ResourceStatusReason"))

    def _settled(self, name: str) -> dict[str, Any]:
        for _ in range(400):
            stack = self.client.describe_stacks(StackName=name)["Stacks"][0]
            if not stack["StackStatus"].endswith("IN_PROGRESS"):
                return dict(stack)
            time.sleep(0.05)
        raise AssertionError(f"{name} does not settle")


def role(service: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """A role that a service may assume, with these permissions."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}],
    }
    policy = {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)}}
    properties = {"AssumeRolePolicyDocument": trust, **({"Policies": [policy]} if statements else {})}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def allow(actions: str | list[str], resources: Any, **condition: Any) -> dict[str, Any]:
    made = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return made | ({"Condition": condition["condition"]} if condition else {})
