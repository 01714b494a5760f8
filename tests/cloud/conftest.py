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
from cloud_engine import FakeEngine
from cloud_stacks import FUNCTION, Stacks

from local_cloud import services
from local_cloud.processes import Processes
from local_cloud.services import LocalCloud

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.fixture
def stacks(cloud: LocalCloud) -> Iterator[Stacks]:
    made = Stacks(cloud)
    yield made
    for name in list(made.made):
        made.client.delete_stack(StackName=name)


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
