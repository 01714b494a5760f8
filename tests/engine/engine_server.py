"""An engine in a process of its own, as its users start it, and what tests put into it."""

from __future__ import annotations

import io
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from contract.fields import SCHEMA_NAMESPACE

BUCKET = "engine-tests"
ROLE = "arn:aws:iam::000000000000:role/personalize"
SMALL = {"algorithmHyperParameters": {"hidden_dimension": "32"}}
"""The smallest network there is."""
FINAL = ("ACTIVE", "CREATE FAILED", "CREATE STOPPED")


@dataclass
class EngineProcess:
    """`python -m personalize_engine serve` on a free port."""

    folder: Path
    environment: dict[str, str]
    options: Sequence[str] = ()
    url: str = ""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> EngineProcess:
        command = [sys.executable, "-m", "personalize_engine", "serve", "--port", "0", "--data-dir", str(self.folder)]
        self.process = subprocess.Popen(
            [*command, *self.options], stdout=subprocess.PIPE, text=True, env={**os.environ, **self.environment}
        )
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 30)[0], "the engine did not start within 30 s"
        self.url = self.process.stdout.readline().split()[-1]
        return self

    def kill(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(timeout=10)
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None
        return code

    def client(self, service: str = "personalize", **settings: Any) -> Any:
        return boto3.session.Session().client(
            service,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1}, **settings),
        )

    def http(self, method: str, path: str) -> Any:
        with urllib.request.urlopen(urllib.request.Request(self.url + path, method=method), timeout=30) as answer:
            return json.load(answer)


def schema(kind: str, *fields: dict[str, Any]) -> str:
    required = {"Interactions": ["USER_ID", "ITEM_ID"], "Users": ["USER_ID"], "Items": ["ITEM_ID"]}[kind]
    columns: list[dict[str, Any]] = [{"name": name, "type": "string"} for name in required]
    if kind == "Interactions":
        columns.append({"name": "TIMESTAMP", "type": "long"})
    record = {"type": "record", "name": kind, "namespace": SCHEMA_NAMESPACE, "version": "1.0"}
    return json.dumps({**record, "fields": [*columns, *fields]})


def wait_for(what: Callable[[], Any], *, seconds: float = 90, every: float = 0.02) -> Any:
    """The first true value of `what`."""
    end = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(every)
    return value


def settled(personalize: Any, kind: str, arn: str, **more: Any) -> dict[str, Any]:
    """The resource's description once its status is a final one; `kind` as in the API: `solution_version`."""
    member = kind.split("_", maxsplit=1)[0] + "".join(part.title() for part in kind.split("_")[1:])

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = getattr(personalize, f"describe_{kind}")(**{f"{member}Arn": arn})[member]
        return found if found["status"] in FINAL else None

    return wait_for(look, **more)  # type: ignore[no-any-return]


def interactions_csv(*, users: int = 42, items: int = 40, each: int = 25, seed: int = 0) -> bytes:
    """Users of even number like items of even number, the others the others: what co-occurs can be told."""
    draw = random.Random(seed)
    out = io.StringIO("USER_ID,ITEM_ID,TIMESTAMP\n")
    out.seek(0, io.SEEK_END)
    for user in range(users):
        for step in range(each):
            item = 2 * int(items / 2 * draw.random() ** 2) + user % 2
            out.write(f"u{user},i{item},{1_700_000_000 + 3600 * step + user}\n")
    return out.getvalue().encode()


class Bench:
    """Makes resources through boto3, each under a fresh name unless told one."""

    def __init__(self, engine: EngineProcess, s3: Any) -> None:
        self.engine, self.s3 = engine, s3
        self.personalize = engine.client()
        self.runtime = engine.client("personalize-runtime")
        self.events = engine.client("personalize-events")
        self._made = 0

    def name(self, word: str = "test") -> str:
        self._made += 1
        return f"{word}-{os.getpid()}-{id(self) % 10_000}-{self._made}"

    def put(self, body: bytes, key: str | None = None) -> str:
        key = key or f"{self.name('data')}.csv"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def group(self) -> str:
        arn: str = self.personalize.create_dataset_group(name=self.name("group"))["datasetGroupArn"]
        assert settled(self.personalize, "dataset_group", arn)["status"] == "ACTIVE"
        return arn

    def dataset(self, group: str, kind: str = "Interactions", text: str | None = None) -> str:
        made = self.personalize.create_schema(name=self.name("schema"), schema=text or schema(kind))
        arn: str = self.personalize.create_dataset(
            name=self.name("dataset"), schemaArn=made["schemaArn"], datasetGroupArn=group, datasetType=kind
        )["datasetArn"]
        assert settled(self.personalize, "dataset", arn)["status"] == "ACTIVE"
        return arn

    def load(self, dataset: str, location: str, **more: Any) -> dict[str, Any]:
        arn = self.personalize.create_dataset_import_job(
            jobName=self.name("import"),
            datasetArn=dataset,
            dataSource={"dataLocation": location},
            **{"roleArn": ROLE, **more},
        )["datasetImportJobArn"]
        return settled(self.personalize, "dataset_import_job", arn)

    def filled_group(self, body: bytes | None = None) -> str:
        group = self.group()
        loaded = self.load(self.dataset(group), self.put(body or interactions_csv()))
        assert loaded["status"] == "ACTIVE", loaded.get("failureReason")
        return group

    def solution(self, group: str, recipe: str, **more: Any) -> str:
        arn: str = self.personalize.create_solution(
            name=self.name("solution"),
            datasetGroupArn=group,
            recipeArn=f"arn:aws:personalize:::recipe/{recipe}",
            performAutoTraining=False,
            **more,
        )["solutionArn"]
        assert settled(self.personalize, "solution", arn)["status"] == "ACTIVE"
        return arn

    def version(self, solution: str, *, seconds: float = 90) -> dict[str, Any]:
        arn = self.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
        return settled(self.personalize, "solution_version", arn, seconds=seconds)

    def campaign(self, version: str, **more: Any) -> str:
        arn: str = self.personalize.create_campaign(name=self.name("campaign"), solutionVersionArn=version, **more)[
            "campaignArn"
        ]
        assert settled(self.personalize, "campaign", arn)["status"] == "ACTIVE"
        return arn

    def served(self, group: str, recipe: str, **more: Any) -> str:
        version = self.version(self.solution(group, recipe, **more))
        assert version["status"] == "ACTIVE", version.get("failureReason")
        return self.campaign(version["solutionVersionArn"])

    def items(self, campaign: str, **request: Any) -> list[str]:
        answer = self.runtime.get_recommendations(campaignArn=campaign, **request)
        return [item["itemId"] for item in answer["itemList"]]
