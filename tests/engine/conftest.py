"""One engine and one S3 for the whole session; tests that restart theirs start one of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from engine_server import BUCKET, SMALL, Bench, EngineProcess, settled, wait_for

KEYS: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """A MiniStack of its own, without IAM: these tests want its S3 only."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "LOG_LEVEL": "ERROR"}
    process = subprocess.Popen(
        [sys.executable, "-c", "from ministack.app import main; main()"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: _answers(port), every=0.1)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def s3(s3_url: str) -> Any:
    client = boto3.session.Session().client("s3", endpoint_url=s3_url, **KEYS)
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture(scope="session")
def engine_environment(s3_url: str, s3: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
        "AWS_ENDPOINT_URL_S3": s3_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory, engine_environment: dict[str, str]) -> Iterator[EngineProcess]:
    process = EngineProcess(tmp_path_factory.mktemp("engine"), engine_environment).start()
    yield process
    process.kill()


@pytest.fixture(scope="session")
def bench(engine: EngineProcess, s3: Any) -> Bench:
    return Bench(engine, s3)


@pytest.fixture(scope="session")
def filled_group(bench: Bench) -> str:
    """Imported interactions; tests send events of users of their own to it."""
    return bench.filled_group()


@pytest.fixture(scope="session")
def tracking_id(bench: Bench, filled_group: str) -> str:
    made = bench.personalize.create_event_tracker(name=bench.name(), datasetGroupArn=filled_group)
    settled(bench.personalize, "event_tracker", made["eventTrackerArn"])
    return str(made["trackingId"])


@pytest.fixture(scope="session")
def popularity(bench: Bench, filled_group: str) -> str:
    return bench.served(filled_group, "aws-popularity-count")


@pytest.fixture(scope="session")
def sims(bench: Bench, filled_group: str) -> str:
    return bench.served(filled_group, "aws-sims")


@pytest.fixture(scope="session")
def hrnn(bench: Bench, filled_group: str) -> str:
    return bench.served(filled_group, "aws-hrnn", solutionConfig=SMALL)


@pytest.fixture
def start_engine(tmp_path: Path, engine_environment: dict[str, str]) -> Iterator[Callable[..., EngineProcess]]:
    """Starts engines of the test's own (folder, options); they are killed at its end."""
    started: list[EngineProcess] = []

    def start(
        folder: Path | None = None, options: tuple[str, ...] = ("--cores", "1"), **environment: str
    ) -> EngineProcess:
        process = EngineProcess(folder or tmp_path / "data", {**engine_environment, **environment}, options).start()
        started.append(process)
        return process

    yield start
    for process in started:
        if process.process is not None:
            process.kill()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
