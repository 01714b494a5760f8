"""Hyperparameter optimisation through the API: asked for, followed, stopped, cut off."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from engine_server import Bench, EngineProcess, settled, wait_for

Start = Callable[..., EngineProcess]
TWO_CORES = ("--cores", "2")
RANGES = {"integerHyperParameterRanges": [{"name": "min_cointeraction_count", "minValue": 1, "maxValue": 4}]}


def hpo(*, jobs: int, parallel: int = 2, **more: Any) -> dict[str, Any]:
    """The members of CreateSolution."""
    resources = {"maxNumberOfTrainingJobs": str(jobs), "maxParallelTrainingJobs": str(parallel)}
    return {"performHPO": True, "solutionConfig": {"hpoConfig": {"hpoResourceConfig": resources, **more}}}


def trial_processes(engine: EngineProcess) -> list[psutil.Process]:
    assert engine.process is not None
    workers = psutil.Process(engine.process.pid).children()
    return [child for worker in workers for child in worker.children()]


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def start_tuning(bench: Bench) -> tuple[str, list[psutil.Process]]:
    """A tuning that takes long, seen to be under way: the version, and the processes of its trials."""
    solution = bench.solution(bench.filled_group(), "aws-hrnn", **hpo(jobs=40))
    arn: str = bench.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    return arn, wait_for(lambda: len(found := trial_processes(bench.engine)) == 2 and found)


def test_the_tuned_values_are_told_and_are_the_same_again(bench: Bench) -> None:
    filled_group = bench.filled_group()  # of its own: a group has ten solutions at most
    wanted = hpo(jobs=3, algorithmHyperParameterRanges=RANGES)
    solution = bench.solution(filled_group, "aws-sims", **wanted)
    described = bench.personalize.describe_solution(solutionArn=solution)["solution"]
    assert described["performHPO"]
    assert described["solutionConfig"]["hpoConfig"] == wanted["solutionConfig"]["hpoConfig"]
    version = bench.version(solution)
    assert version["status"] == "ACTIVE", version.get("failureReason")
    tuned = version["tunedHPOParams"]["algorithmHyperParameters"]
    assert list(tuned) == ["min_cointeraction_count"]
    assert 1 <= int(tuned["min_cointeraction_count"]) <= 4
    again = bench.version(bench.solution(filled_group, "aws-sims", **wanted))
    assert again["tunedHPOParams"] == version["tunedHPOParams"]
    campaign = bench.campaign(version["solutionVersionArn"])
    plain = {"algorithmHyperParameters": tuned}
    assert bench.items(campaign, itemId="i3") == bench.items(
        bench.served(filled_group, "aws-sims", solutionConfig=plain), itemId="i3"
    )


def test_without_tuning_there_are_no_tuned_values(bench: Bench, filled_group: str) -> None:
    assert "tunedHPOParams" not in bench.version(bench.solution(filled_group, "aws-sims"))


@pytest.mark.parametrize(
    ("recipe", "request_", "message"),
    [
        ("aws-popularity-count", {"performHPO": True}, "aws-popularity-count has no tunable hyperparameters"),
        ("aws-sims", hpo(jobs=41), "maxNumberOfTrainingJobs='41' is not allowed: it must be an integer in [1, 40]"),
        ("aws-sims", hpo(jobs=1, hpoObjective={"metricName": "loss"}), "metricName='loss' is not allowed"),
        (
            "aws-hrnn",
            {
                "performHPO": False,
                "solutionConfig": hpo(jobs=1, algorithmHyperParameterRanges=RANGES)["solutionConfig"],
            },
            "aws-hrnn has no hyperparameter min_cointeraction_count",
        ),
        ("aws-sims", {"solutionConfig": {"autoMLConfig": {}}}, "the service advises against AutoML"),
    ],
)
def test_what_cannot_be_tuned_is_refused(
    bench: Bench, filled_group: str, recipe: str, request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match="InvalidInputException") as refused:
        bench.solution(filled_group, recipe, **request_)
    assert message in refused.value.response["Error"]["Message"]


def test_progress_counts_trials_and_a_stop_ends_them_within_seconds(start_engine: Start, s3: Any) -> None:
    engine = start_engine(options=TWO_CORES)
    bench = Bench(engine, s3)
    version, trials = start_tuning(bench)
    rows = wait_for(lambda: [row for row in engine.http("GET", "/progress") if row["total"] > 1])
    assert rows[0]["message"].startswith("trial 1 of 40")
    began = time.monotonic()
    bench.personalize.stop_solution_version_creation(solutionVersionArn=version)
    wait_for(lambda: gone(trials), seconds=5)
    assert settled(bench.personalize, "solution_version", version)["status"] == "CREATE STOPPED"
    assert time.monotonic() - began < 5
    assert bench.version(bench.solution(bench.filled_group(), "aws-sims"))["status"] == "ACTIVE", "the cores are free"


def test_a_killed_engine_leaves_no_trial_behind_and_begins_anew(start_engine: Start, s3: Any) -> None:
    engine = start_engine(options=TWO_CORES)
    version, trials = start_tuning(Bench(engine, s3))
    engine.kill()
    wait_for(lambda: gone(trials), seconds=5)
    bench = Bench(engine.start(), s3)
    again = wait_for(lambda: trial_processes(engine))
    bench.personalize.stop_solution_version_creation(solutionVersionArn=version)
    wait_for(lambda: gone(again), seconds=5)


def test_another_job_need_not_wait_for_the_end_of_the_tuning(start_engine: Start, s3: Any) -> None:
    bench = Bench(start_engine(options=TWO_CORES), s3)
    solution = bench.solution(bench.filled_group(), "aws-popularity-count")
    version, _ = start_tuning(bench)
    assert bench.version(solution)["status"] == "ACTIVE"
    found = bench.personalize.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
    assert found["status"] == "CREATE IN_PROGRESS"
