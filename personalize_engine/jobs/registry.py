"""Kinds of jobs: what is done, where, and what it means for the resource's status.

A job may run twice: when a crash cut it off it is run again from the start. So `work` writes only into a folder of its
own, and all that lasts is done by `finish`, inside the one transaction that also makes the resource ACTIVE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from personalize_engine.jobs.cores import Cores
from personalize_engine.models.base import Progress
from personalize_engine.models.hrnn_sizing import Effort
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.database import Store
from personalize_engine.store.transaction import Resource, Transaction

CREATE_PENDING, CREATE_IN_PROGRESS = "CREATE PENDING", "CREATE IN_PROGRESS"
ACTIVE, CREATE_FAILED = "ACTIVE", "CREATE FAILED"
CREATE_STOPPING, CREATE_STOPPED = "CREATE STOPPING", "CREATE STOPPED"
DELETE_PENDING, DELETE_IN_PROGRESS = "DELETE PENDING", "DELETE IN_PROGRESS"
BEING_CREATED = (CREATE_PENDING, CREATE_IN_PROGRESS, CREATE_STOPPING)


class Loader(Protocol):
    """Holds trained versions in memory."""

    def warm(self, version_arn: str) -> None:
        """Loads a version, so that the first request need not wait for it."""

    def forget(self, version_arn: str) -> None:
        """Drops a version."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a job has to work with."""

    store: Store
    """To read from only."""
    artifacts: Artifacts
    aside: Path
    """An empty folder: it becomes the resource's files. (Jobs that run in a thread have none to write.)"""
    region: str
    progress: Progress
    loader: Loader | None = None
    """None in a worker process."""
    cores: Cores | None = None
    """None in a thread of the engine."""
    effort: Effort = "thorough"
    """How long trainings of networks take."""

    def resource(self, arn: str) -> Resource:
        """The resource; KeyError if it is gone."""
        with self.store.read() as transaction:
            found = transaction.get(arn)
        if found is None:
            raise KeyError(arn)
        return found


Result = Mapping[str, Any]
"""Plain JSON values."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What `finish` has to work with."""

    transaction: Transaction
    artifacts: Artifacts
    loader: Loader
    result: Result
    obsolete: list[str] = field(default_factory=list)
    """ARNs that `finish` adds: their files are removed once the transaction is durable, never before."""


def nothing_to_do(work: Work, arn: str) -> Result:
    """For resources that are only a row."""
    return {}


def created_begin(transaction: Transaction, arn: str) -> None:
    """CREATE IN_PROGRESS."""
    transaction.set_status(arn, CREATE_IN_PROGRESS)


def created_finish(end: Ending, arn: str) -> None:
    """ACTIVE."""
    end.transaction.set_status(arn, ACTIVE)


def created_fail(transaction: Transaction, arn: str, reason: str) -> None:
    """CREATE FAILED."""
    transaction.set_status(arn, CREATE_FAILED, reason)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A row of the table of jobs."""

    kind: str
    work: Callable[[Work, str], Result] = nothing_to_do
    """JobFailed ends it with that reason."""
    in_process: bool = False
    """In a worker process of its own (minutes of computing), not in a thread of the engine (milliseconds)."""
    begin: Callable[[Transaction, str], None] = created_begin
    finish: Callable[[Ending, str], None] = created_finish
    fail: Callable[[Transaction, str, str], None] = created_fail


JOBS: dict[str, Job] = {}
"""By kind; filled by `jobs.all_jobs`."""


def register(job: Job) -> Job:
    """Adds a row to the table."""
    JOBS[job.kind] = job
    return job
