"""An experiment's stack deployed to a local cloud of its own, for tests that need a whole one: run it, look into it.

Only the popularity recipe is asked for (`QUICK`), so that the machine and not the training is what takes the time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract import layout
from local_cloud import cdk, server, services
from local_cloud.processes import Child, Processes
from local_cloud.services import LocalCloud

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENT = "quickstart"
QUICK = {"recipes": ["aws-popularity-count"], "users": 40}
RUN_LIMIT = 120.0
"""Seconds."""
SYNTHESIZE = """
import json, sys
from pathlib import Path
import app as entry
entry.use_node_of_the_wheel()
import aws_cdk
from experiments.load import load
from stacks.application import compose
context = json.loads(Path("cdk.json").read_text())["context"]
app = aws_cdk.App(context=context, outdir=sys.argv[1])
compose(app, [load(Path(path)) for path in sys.argv[2:]]).synth()
"""


@dataclass
class Deployed:
    """The stack, the cloud it is in, and the command line that put it there."""

    cloud: LocalCloud
    command_line: cdk.LocalCdk
    outputs: dict[str, str] = field(default_factory=dict)
    runs: int = 0
    experiment: str = EXPERIMENT
    """Its name, or the path of its YAML file."""
    other_stack: bool = False
    """It is in a stack that is not its own, whose outputs are those of its app."""

    def deploy(self) -> None:
        self.outputs = self.command_line.deploy(self.cloud)

    def destroy(self) -> None:
        self.command_line.destroy(self.cloud)

    def publish(self) -> None:
        target = ["--bucket", self.outputs["DataBucketName"]] if self.other_stack else ["--stack"]
        command = [sys.executable, "-m", "data_prep", self.experiment, *target]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=self.cloud.environment())

    def publish_as(self, version: str, changed: Callable[[str, bytes], bytes] = lambda _, body: body) -> None:
        """What is published, once more under another version; `changed` gives a file's content by its key and old one.

        A version is as long as the one before.
        """
        s3, bucket = self.cloud.client("s3"), self.outputs["DataBucketName"]
        told, old = self._manifest(), self.published_version()
        for entry in s3.list_objects_v2(Bucket=bucket, Prefix=f"data/{old}/")["Contents"]:
            key = entry["Key"]
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            s3.put_object(Bucket=bucket, Key=key.replace(old, version), Body=changed(key, body))
        s3.put_object(Bucket=bucket, Key=layout.MANIFEST, Body=told.replace(old, version).encode())

    def published_version(self) -> str:
        return str(json.loads(self._manifest())["version"])

    def _manifest(self) -> str:
        body = self.cloud.client("s3").get_object(Bucket=self.outputs["DataBucketName"], Key=layout.MANIFEST)["Body"]
        return str(body.read().decode())

    def report(self, run_id: str) -> dict[str, Any]:
        """A run's report.json."""
        key = layout.report(run_id, "json")
        body = self.cloud.client("s3").get_object(Bucket=self.outputs["DataBucketName"], Key=key)["Body"]
        found: dict[str, Any] = json.loads(body.read())
        return found

    def version_served(self, campaign: str) -> str:
        """ARN of the solution version that the campaign serves, or is about to."""
        found = self.cloud.client("personalize").describe_campaign(campaignArn=campaign)["campaign"]
        return str((found.get("latestCampaignUpdate") or found)["solutionVersionArn"])

    def start(self, given: Any) -> str:
        """ARN of a new execution; its name, `run-N`, is the run id."""
        self.runs += 1
        started = self.cloud.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs["StateMachineArn"], name=f"run-{self.runs}", input=json.dumps(given)
        )
        return str(started["executionArn"])

    def ended(self, execution: str) -> dict[str, Any]:
        """DescribeExecution once it is over."""
        states = self.cloud.client("stepfunctions")
        limit = time.monotonic() + RUN_LIMIT
        while time.monotonic() < limit:
            described: dict[str, Any] = states.describe_execution(executionArn=execution)
            if described["status"] != "RUNNING":
                return described
            time.sleep(0.1)
        raise AssertionError("the run does not end")

    def execute(self, given: Any) -> dict[str, Any]:
        """DescribeExecution of a run that is over; `name` is its run id."""
        return self.ended(self.start(given))

    def made(self) -> dict[str, list[str]]:
        """ARNs of what runs make in Personalize."""
        personalize = self.cloud.client("personalize")
        solutions = [row["solutionArn"] for row in personalize.list_solutions()["solutions"]]
        versions = [
            row["solutionVersionArn"]
            for arn in solutions
            for row in personalize.list_solution_versions(solutionArn=arn)["solutionVersions"]
        ]
        jobs = [row["datasetImportJobArn"] for row in personalize.list_dataset_import_jobs()["datasetImportJobs"]]
        campaigns = [row["campaignArn"] for row in personalize.list_campaigns()["campaigns"]]
        return {"solutions": solutions, "versions": versions, "jobs": jobs, "campaigns": campaigns}


def start_synth_of(command_line: cdk.LocalCdk, files: Sequence[Path]) -> Child:
    """Synthesize the stacks of experiments that lie anywhere."""
    environment = {**services.base_environment(command_line.work), "CDK_CONTEXT_JSON": json.dumps({})}
    command = [sys.executable, "-c", SYNTHESIZE, str(command_line.assembly), *map(str, files)]
    log = command_line.work / "synth.log"
    return command_line.processes.start("Synthesizing the stacks", command, env=environment, log=log, cwd=ROOT)


@contextmanager
def deployed_stack(
    work: Path,
    *,
    gateway: str = server.MODULE,
    stack: str = EXPERIMENT,
    synthesize: Callable[[cdk.LocalCdk], Child] = cdk.LocalCdk.start_synth,
) -> Iterator[Deployed]:
    """A local cloud with the stack in it; whoever has it destroys the stack, the servers end with the context."""
    with Processes() as processes:
        command_line = cdk.LocalCdk(processes, work, stack)
        synth = synthesize(command_line)
        cloud = services.start(processes, work, ROOT, gateway=gateway)
        processes.finish(command_line.start_bootstrap(cloud))
        processes.finish(synth)
        found = Deployed(cloud, command_line)
        found.deploy()
        yield found
