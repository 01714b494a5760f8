"""What must hold when something goes wrong between two steps: a full disk, a crash, a deletion that came first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from contract.recipes import DatasetKind
from personalize_engine.errors import IN_USE, ServiceError
from personalize_engine.jobs.importing import remove_replaced
from personalize_engine.jobs.registry import ACTIVE, CREATE_FAILED, JOBS, Ending, Job
from personalize_engine.jobs.runner import JobRunner
from personalize_engine.operations.campaigns import create_campaign
from personalize_engine.operations.registry import Context
from personalize_engine.operations.schemas import delete_schema
from personalize_engine.serving.datasets import TABLE
from personalize_engine.serving.imported import open_file, write_table
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.database import Store
from personalize_engine.store.events import Event, add_events, last_event, newest_events, training_events
from personalize_engine.store.transaction import JobRow, Transaction

GROUP = "arn:aws:personalize:us-east-1:000000000000:dataset-group/g"
DATASET, OLD, NEW = f"{GROUP}/dataset", f"{GROUP}/import-1", f"{GROUP}/import-2"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    made = Artifacts(tmp_path)
    made.clear_aside()
    return made


@pytest.fixture
def runner(store: Store, artifacts: Artifacts) -> JobRunner:
    return JobRunner(store, artifacts, SimpleNamespace(), region="us-east-1", cores=1)


def add(transaction: Transaction, arn: str, kind: str, *, status: str = ACTIVE, **more: Any) -> None:
    transaction.add(arn, kind, name=arn, body=more.pop("body", {}), status=status, **more)


def context_of(store: Store) -> Context:
    """For operations alone: no job is run."""
    nothing: Any = SimpleNamespace(wake=lambda: None)
    return Context(
        account="000000000000", region="us-east-1", store=store, jobs=nothing, trained=nothing, records=nothing
    )


def imported_twice(store: Store, artifacts: Artifacts) -> JobRow:
    """A dataset that holds the first import's rows, and the job of the second, done but for its end."""
    with store.write() as transaction:
        add(transaction, DATASET, "dataset", body={"_layers": [[OLD, 1.0]]})
        for arn in (OLD, NEW):
            add(
                transaction,
                arn,
                "dataset-import-job",
                parent=DATASET,
                body={"datasetArn": DATASET, "importMode": "FULL"},
            )
        transaction.enqueue("dataset-import-job", NEW)
        (row,) = transaction.waiting_jobs()
    artifacts.path(OLD).mkdir()
    return row


def test_a_commit_that_fails_does_not_shut_the_store(store: Store) -> None:
    def unsound() -> None:
        with store.write() as transaction:
            transaction.sql("PRAGMA defer_foreign_keys = ON")  # so that it is the commit that fails, as on a full disk
            transaction.tag("nothing", {"key": "value"})

    with pytest.raises(sqlite3.IntegrityError):
        unsound()
    with store.write() as transaction:
        add(transaction, GROUP, "dataset-group")
    with store.read() as transaction:
        assert transaction.get(GROUP) is not None
        assert transaction.tags("nothing") == {}


def test_a_table_is_removed_only_when_the_next_one_is_durable(
    store: Store, artifacts: Artifacts, runner: JobRunner
) -> None:
    row = imported_twice(store, artifacts)

    def cut_off() -> None:
        with store.write() as transaction:
            loader: Any = SimpleNamespace()
            end = Ending(transaction=transaction, artifacts=artifacts, loader=loader, result={"rows": 1})
            JOBS[row.kind].finish(end, NEW)
            raise OSError("crash")

    with pytest.raises(OSError, match="crash"):
        cut_off()
    assert artifacts.path(OLD).exists(), "the dataset still holds it"
    artifacts.aside(row.id)
    runner._one(row, lambda job: {"rows": 1})
    assert not artifacts.path(OLD).exists()
    assert artifacts.path(NEW).exists()


def test_a_table_that_a_crash_kept_from_being_removed_goes_at_the_next_start(
    store: Store, artifacts: Artifacts
) -> None:
    imported_twice(store, artifacts)
    artifacts.path(NEW).mkdir()
    with store.write() as transaction:
        transaction.set_members(DATASET, _layers=[[NEW, 2.0]])
    remove_replaced(store, artifacts)
    assert not artifacts.path(OLD).exists()
    assert artifacts.path(NEW).exists()


def test_a_table_that_is_being_read_can_be_replaced(artifacts: Artifacts) -> None:
    rows = pa.table({"ITEM_ID": ["b", "a"], "YEAR": [1, 2]})
    artifacts.path(OLD).mkdir()
    write_table(rows, artifacts.path(OLD) / TABLE, DatasetKind.ITEMS)
    reading = open_file(artifacts.path(OLD) / TABLE)
    artifacts.remove(OLD)
    assert reading.to_pylist() == [{"ITEM_ID": "a", "YEAR": 2}, {"ITEM_ID": "b", "YEAR": 1}]


def test_a_job_whose_result_cannot_be_kept_fails(
    store: Store, artifacts: Artifacts, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(end: Ending, arn: str) -> None:
        raise OSError("no space left on device")

    monkeypatch.setitem(JOBS, "create", Job(kind="create", finish=full))
    with store.write() as transaction:
        add(transaction, GROUP, "dataset-group", status="CREATE PENDING")
        transaction.enqueue("create", GROUP)
        (row,) = transaction.waiting_jobs()
    runner._one(row, lambda job: {})
    with store.read() as transaction:
        found = transaction.get(GROUP)
        assert found is not None
        assert found.status == CREATE_FAILED
        assert transaction.jobs_of(GROUP) == []


def test_no_campaign_is_made_in_a_solution_that_is_being_deleted(store: Store) -> None:
    solution, version = f"{GROUP}/solution", f"{GROUP}/solution/1a2b3c4d"
    with store.write() as transaction:
        add(transaction, solution, "solution", status="DELETE PENDING", parent=GROUP)
        add(transaction, version, "solution-version", parent=solution)
    with pytest.raises(ServiceError) as refused:
        create_campaign(context_of(store), {"name": "late", "solutionVersionArn": version})
    assert refused.value.code == IN_USE


def test_a_schema_that_a_dataset_is_being_updated_to_is_not_deleted(store: Store) -> None:
    with store.write() as transaction:
        add(transaction, "new", "schema")
        update = {"schemaArn": "new", "status": "CREATE PENDING"}
        add(transaction, DATASET, "dataset", body={"schemaArn": "old", "latestDatasetUpdate": update})
    with pytest.raises(ServiceError) as refused:
        delete_schema(context_of(store), {"schemaArn": "new"})
    assert refused.value.code == IN_USE


def test_what_an_anonymous_visitor_did_before_a_training_is_not_lost_with_it(store: Store) -> None:
    """A training leaves anonymous events out: it has not seen them, whenever it was."""
    first = Event(session_id="visit", user_id=None, item_id="a", at=5, event_type="view", event_id="1")
    second = Event(session_id="visit", user_id="u", item_id="b", at=5, event_type="view")
    with store.write() as transaction:
        add(transaction, GROUP, "dataset-group")
        add_events(transaction, GROUP, [first])
        assert list(training_events(transaction, GROUP)) == []
        until = last_event(transaction, GROUP)
        assert newest_events(transaction, GROUP, "visit", after=until, limit=9) == [first]
        add_events(transaction, GROUP, [second, second])
        joined = [replace(first, user_id="u"), second, second]
        assert newest_events(transaction, GROUP, "u", after=until, limit=9) == joined
        assert newest_events(transaction, GROUP, "visit", after=until, limit=9) == []
        assert list(training_events(transaction, GROUP)) == [joined]
        until = last_event(transaction, GROUP)
        assert newest_events(transaction, GROUP, "u", after=until, limit=9) == []
