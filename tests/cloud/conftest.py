"""One real MiniStack with the plug-in for all tests here, a stand-in for the engine, and small stacks."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cloud_engine import ACCOUNT, FakeEngine

from local_cloud import services
from local_cloud.processes import Processes
from local_cloud.services import LocalCloud

ROOT = Path(__file__).resolve().parents[2]
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
    return {"who": who, "code": os.path.realpath(__file__), "event": event}
"""


@pytest.fixture(scope="session")
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    yield fake
    fake.close()


@pytest.fixture(autouse=True)
def _fresh_engine(engine: FakeEngine) -> None:
    engine.clear()


@pytest.fixture(scope="session")
def cloud(engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    work = tmp_path_factory.mktemp("cloud")
    with Processes() as processes:
        yield services.start(processes, work, ROOT, engine_url=engine.url)


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


@pytest.fixture
def stacks(cloud: LocalCloud) -> Iterator[Stacks]:
    made = Stacks(cloud)
    yield made
    for name in list(made.made):
        made.client.delete_stack(StackName=name)


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


@pytest.fixture(scope="session")
def code(cloud: LocalCloud) -> dict[str, str]:
    """The functions' code, in a bucket."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="cloud-test-code")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", FUNCTION)
    s3.put_object(Bucket="cloud-test-code", Key="code.zip", Body=archive.getvalue())
    return {"S3Bucket": "cloud-test-code", "S3Key": "code.zip"}


@pytest.fixture
def function(code: dict[str, str]) -> Callable[..., dict[str, Any]]:
    def made(role_name: str, timeout: int = 5) -> dict[str, Any]:
        return {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": code,
                "Handler": "index.handler",
                "Runtime": "python3.14",
                "Role": {"Fn::GetAtt": [role_name, "Arn"]},
                "Timeout": timeout,
            },
        }

    return made


@pytest.fixture
def execute(cloud: LocalCloud) -> Callable[..., dict[str, Any]]:
    """Start an execution and wait for its end."""
    states = cloud.client("stepfunctions")

    def run(machine: str, value: Any = None) -> dict[str, Any]:
        arn = states.start_execution(stateMachineArn=machine, input=json.dumps(value or {}))["executionArn"]
        for _ in range(600):
            found = states.describe_execution(executionArn=arn)
            if found["status"] != "RUNNING":
                return dict(found)
            time.sleep(0.05)
        raise AssertionError("the execution does not end")

    return run


__all__ = ["ACCOUNT"]
