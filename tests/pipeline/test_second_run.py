"""One deployed stack, several executions: what a second run does, and what a wrong input does.

Only the popularity recipe is asked for, so that the machine and not the training is what takes the time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contract import layout
from local_cloud import cdk, services
from local_cloud.leftovers import leftovers
from local_cloud.processes import Processes
from local_cloud.services import LocalCloud

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENT = "quickstart"
QUICK = {"recipes": ["aws-popularity-count"], "users": 40}


@dataclass
class Deployed:
    """The quickstart's stack in a local cloud of its own."""

    cloud: LocalCloud
    outputs: dict[str, str]
    runs: int = 0

    def publish(self) -> None:
        command = [sys.executable, "-m", "data_prep", EXPERIMENT, "--stack"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=self.cloud.environment())

    def execute(self, given: Any) -> dict[str, Any]:
        """DescribeExecution of a run that is over; `name` is its run id."""
        states = self.cloud.client("stepfunctions")
        self.runs += 1
        arn = states.start_execution(
            stateMachineArn=self.outputs["StateMachineArn"], name=f"run-{self.runs}", input=json.dumps(given)
        )["executionArn"]
        for _ in range(600):
            described: dict[str, Any] = states.describe_execution(executionArn=arn)
            if described["status"] != "RUNNING":
                return described
            time.sleep(0.2)
        raise AssertionError("the run does not end")

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


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    work = tmp_path_factory.mktemp("second-run")
    with Processes() as processes:
        command_line = cdk.LocalCdk(processes, work, EXPERIMENT)
        synth = command_line.start_synth()
        cloud = services.start(processes, work, ROOT)
        processes.finish(command_line.start_bootstrap(cloud))
        processes.finish(synth)
        yield Deployed(cloud, command_line.deploy(cloud))
        command_line.destroy(cloud)
        assert leftovers(cloud) == []


def test_without_data_the_first_state_says_how_to_put_it_there(deployed: Deployed) -> None:
    ended = deployed.execute({})
    assert ended["status"] == "FAILED"
    assert ended["error"] == "DataMissing"
    assert "python -m data_prep quickstart --stack" in ended["cause"]


def test_a_run_that_may_cost_too_much_ends_before_anything_is_made(deployed: Deployed) -> None:
    deployed.publish()
    ended = deployed.execute({"max_cost": 0.01, **QUICK})
    assert (ended["status"], ended["error"]) == ("FAILED", "TooExpensive")
    for part in ("max_cost allows $0.01", "estimate: $", "raise max_cost in experiments/quickstart.yaml"):
        assert part in ended["cause"]
    assert not any(deployed.made().values())


def test_a_second_run_finds_what_the_first_made_and_new_campaigns_go_again(deployed: Deployed) -> None:
    deployed.publish()
    first = deployed.execute(QUICK)
    assert first["status"] == "SUCCEEDED", first.get("cause")
    made = deployed.made()
    assert {kind: len(arns) for kind, arns in made.items()} == {
        "solutions": 1,
        "versions": 1,
        "jobs": 2,
        "campaigns": 0,
    }
    second = deployed.execute({"Comment": "the console may put this here", **QUICK})
    assert second["status"] == "SUCCEEDED", second.get("cause")
    assert deployed.made() == made
    s3, bucket = deployed.cloud.client("s3"), deployed.outputs["DataBucketName"]
    reports = [
        json.loads(s3.get_object(Bucket=bucket, Key=layout.report(name, "json"))["Body"].read())
        for name in (first["name"], second["name"])
    ]
    assert (
        reports[0]["recipes"]["aws-popularity-count"]["metrics"]
        == (reports[1]["recipes"]["aws-popularity-count"]["metrics"])
    )
    billed = [{line["meter"]: line["actual"] for line in report["costs"]["lines"]} for report in reports]
    for meter in ("ingestion", "training-hours"):
        assert billed[0][meter][0] > 0
        assert billed[1][meter] == [0, 0], "what is found is not billed again"
    for report, meters in zip(reports, billed, strict=True):
        assert meters["requests-sent"] == [QUICK["users"], QUICK["users"]]
        assert 0 < meters["campaign-tps-hours"][0] < 0.1
        low, high = report["costs"]["estimated_dollars"]
        assert 0 < low < high


def test_told_to_train_afresh_it_makes_another_version_of_the_same_solution(deployed: Deployed) -> None:
    before = deployed.made()
    ended = deployed.execute({**QUICK, "train_afresh": True})
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    after = deployed.made()
    assert after["solutions"] == before["solutions"]
    assert len(after["versions"]) == len(before["versions"]) + 1
    assert after["jobs"] == before["jobs"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "the input must be a JSON object"),
        ("aws-hrnn", "the input must be a JSON object"),
        ({"recipe": "aws-hrnn"}, "unknown option 'recipe'; allowed: recipes, mode, train_afresh, users"),
        ({"recipes": ["aws-hrn"]}, "'aws-hrn' is not in this experiment"),
        ({"mode": "trial"}, "allowed: experiment, serve"),
        ({"users": 0}, "at least 1 user"),
    ],
)
def test_a_wrong_input_is_refused_before_anything_is_made(deployed: Deployed, given: Any, told: str) -> None:
    before = deployed.made()
    ended = deployed.execute(given)
    assert (ended["status"], ended["error"]) == ("FAILED", "BadInput")
    assert told in ended["cause"]
    assert deployed.made() == before
