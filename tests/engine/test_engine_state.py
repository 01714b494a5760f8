"""State: restarts, kill -9 at any moment, the copy of a paused engine, and who may start."""

from __future__ import annotations

import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from engine_server import SMALL, Bench, EngineProcess, settled, wait_for

Start = Callable[..., EngineProcess]


def start_training(bench: Bench) -> str:
    """A training that takes a while, seen to be under way."""
    solution = bench.solution(bench.filled_group(), "aws-hrnn", solutionConfig=SMALL)
    arn: str = bench.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    wait_for(lambda: any(row["arn"] == arn and row["total"] > 1 for row in bench.engine.http("GET", "/progress")))
    return arn


def test_a_restart_changes_nothing(start_engine: Start, s3: Any) -> None:
    engine = start_engine()
    bench = Bench(engine, s3)
    group = bench.filled_group()
    tracker = bench.personalize.create_event_tracker(name="t", datasetGroupArn=group)
    settled(bench.personalize, "event_tracker", tracker["eventTrackerArn"])
    campaign = bench.served(group, "aws-sims")
    answer = bench.items(campaign, itemId="i3")
    before = bench.personalize.describe_campaign(campaignArn=campaign)["campaign"]
    assert engine.kill(signal.SIGTERM) == 0
    bench = Bench(engine.start(), s3)
    assert bench.personalize.describe_campaign(campaignArn=campaign)["campaign"] == before
    assert bench.items(campaign, itemId="i3") == answer


def test_what_was_answered_survives_kill_9(start_engine: Start, s3: Any) -> None:
    engine = start_engine()
    bench = Bench(engine, s3)
    group = bench.group()
    made = bench.personalize.create_event_tracker(name="t", datasetGroupArn=group)
    settled(bench.personalize, "event_tracker", made["eventTrackerArn"])
    event = {"eventType": "a", "itemId": "i", "sentAt": datetime(2024, 1, 1, tzinfo=UTC)}
    answered = 0
    stop = threading.Timer(0.5, engine.kill)
    stop.start()
    try:
        while True:
            bench.events.put_events(
                trackingId=made["trackingId"], sessionId="s", userId="u", eventList=[event | {"eventId": str(answered)}]
            )
            answered += 1
    except Exception:
        stop.join()
    engine.start()
    with sqlite3.connect(engine.folder / "engine.sqlite3") as database:
        kept = {row[0] for row in database.execute("SELECT event_id FROM events")}
    database.close()
    assert answered > 0
    assert {str(n) for n in range(answered)} <= kept
    bench = Bench(engine, s3)
    assert bench.personalize.describe_dataset_group(datasetGroupArn=group)["datasetGroup"]["status"] == "ACTIVE"


def test_a_training_that_was_cut_off_is_run_again(start_engine: Start, s3: Any) -> None:
    engine = start_engine()
    version = start_training(Bench(engine, s3))
    assert engine.process is not None
    workers = psutil.Process(engine.process.pid).children()
    assert workers
    engine.kill()
    wait_for(lambda: not any(worker.is_running() and worker.status() != "zombie" for worker in workers), seconds=5)
    bench = Bench(engine.start(), s3)
    found = bench.personalize.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
    assert found["status"] in {"CREATE PENDING", "CREATE IN_PROGRESS"}
    assert settled(bench.personalize, "solution_version", version, seconds=60)["status"] == "ACTIVE"
    assert bench.items(bench.campaign(version), userId="u1")


def test_a_trainer_that_was_killed_is_run_again_but_not_for_ever(start_engine: Start, s3: Any) -> None:
    engine = start_engine()
    bench = Bench(engine, s3)
    version = start_training(bench)
    assert engine.process is not None
    (worker,) = psutil.Process(engine.process.pid).children()
    worker.kill()
    (again,) = wait_for(lambda: [w for w in psutil.Process(engine.process.pid).children() if w != worker], seconds=5)
    assert settled(bench.personalize, "solution_version", version)["status"] == "ACTIVE"

    version = start_training(bench)
    again.kill()
    wait_for(lambda: not again.is_running(), seconds=5)
    (last,) = wait_for(lambda: psutil.Process(engine.process.pid).children(), seconds=5)
    last.kill()
    failed = settled(bench.personalize, "solution_version", version)
    assert failed["status"] == "CREATE FAILED"
    assert "signal 9" in failed["failureReason"]
    assert bench.served(bench.filled_group(), "aws-popularity-count")


def test_a_worker_that_died_while_it_had_nothing_to_do_fails_no_job(start_engine: Start, s3: Any) -> None:
    engine = start_engine()
    bench = Bench(engine, s3)
    group = bench.filled_group()
    assert engine.process is not None
    (worker,) = psutil.Process(engine.process.pid).children()
    worker.kill()
    wait_for(lambda: worker.status() == psutil.STATUS_ZOMBIE, seconds=5)
    assert bench.version(bench.solution(group, "aws-popularity-count"))["status"] == "ACTIVE"


def test_a_polite_end_of_the_whole_group_is_for_the_engine_alone(start_engine: Start, s3: Any) -> None:
    """Service managers send SIGTERM to every process: a worker that went first would fail its training."""
    engine = start_engine()
    bench = Bench(engine, s3)
    version = start_training(bench)
    assert engine.process is not None
    (worker,) = psutil.Process(engine.process.pid).children()
    worker.terminate()
    assert settled(bench.personalize, "solution_version", version)["status"] == "ACTIVE"


def test_on_many_cores_workers_are_started_when_they_are_needed(start_engine: Start) -> None:
    engine = start_engine(options=("--cores", "16"))
    assert engine.process is not None
    assert len(psutil.Process(engine.process.pid).children()) <= 2


def test_paused_it_can_be_copied(start_engine: Start, s3: Any, tmp_path: Path) -> None:
    engine = start_engine()
    bench = Bench(engine, s3)
    campaign = bench.served(bench.filled_group(), "aws-popularity-count")
    answer = bench.items(campaign, userId="u1")
    assert engine.http("POST", "/pause") == {"status": "paused"}
    assert engine.http("GET", "/health") == {"status": "paused"}
    assert bench.items(campaign, userId="u1") == answer, "what only reads goes on"
    with pytest.raises(ClientError) as refused:
        bench.personalize.create_dataset_group(name="while-paused")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    shutil.copytree(engine.folder, tmp_path / "copy")
    assert engine.http("POST", "/resume") == {"status": "ok"}
    bench.personalize.create_dataset_group(name="after")
    copy = Bench(start_engine(tmp_path / "copy"), s3)
    assert copy.items(campaign, userId="u1") == answer
    assert "after" not in {row["name"] for row in copy.personalize.list_dataset_groups()["datasetGroups"]}


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "personalize_engine", "serve", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_a_folder_or_a_port_in_use_is_refused_on_one_line(engine: EngineProcess, tmp_path: Path) -> None:
    folder = run("--port", "0", "--data-dir", str(engine.folder))
    assert (folder.returncode, folder.stderr.count("\n")) == (2, 1)
    assert "is in use by another engine" in folder.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = run("--port", str(taken.getsockname()[1]), "--data-dir", str(tmp_path))
    assert (port.returncode, port.stderr.count("\n")) == (2, 1)
    assert "choose another --port" in port.stderr
    beyond = run("--port", "99999", "--data-dir", str(tmp_path))
    assert (beyond.returncode, beyond.stderr.count("\n")) == (2, 1)
    assert "choose another --port" in beyond.stderr
    (tmp_path / "engine.sqlite3").write_text("no database at all, but long enough to be looked at" * 20)
    broken = run("--port", "0", "--data-dir", str(tmp_path))
    assert (broken.returncode, broken.stderr.count("\n")) == (2, 1)


def test_a_training_does_not_block_requests(start_engine: Start, s3: Any) -> None:
    bench = Bench(start_engine(), s3)
    start_training(bench)
    began = time.monotonic()
    for _ in range(20):
        bench.group()
    assert time.monotonic() - began < 10
