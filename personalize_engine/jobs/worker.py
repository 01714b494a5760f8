"""A worker process: waits for jobs on its standard input and does them, one after the other.

It may start before it is needed, and imports what jobs need, so that a job begins at once. It never outlives the
engine (jobs.channel); the next engine runs the job again that was cut off. Cancelling a job is killing its worker.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from pathlib import Path
from typing import IO, Any

from personalize_engine.errors import JobFailed
from personalize_engine.jobs import all_jobs  # noqa: F401
from personalize_engine.jobs.channel import READY, send, serve
from personalize_engine.jobs.cores import Cores
from personalize_engine.jobs.registry import JOBS, Work
from personalize_engine.models.hrnn_sizing import Effort
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.database import Store

NICENESS = 5
"""Requests come first."""
COMPILED = {
    "JAX_COMPILATION_CACHE_DIR": str(
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "personalize_engine" / "xla"
    ),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2",
}
"""Compiling a network takes longer than training it on small data: the result is kept for the next run."""
SAY_EVERY = 0.2
"""Seconds between two lines of progress; the first and the last of a stage are always said."""


def main(data_dir: Path, *, region: str, cores: int, effort: Effort) -> None:
    """Runs until the input ends. `cores`: how many all jobs of the engine may use together."""
    for name, value in COMPILED.items():
        os.environ.setdefault(name, value)
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to a whole group they are for the engine: it ends its workers
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    waiting, channel = serve()
    _import_ahead(region)
    send(channel, READY)
    worker = _Worker(data_dir, region=region, cores=cores, effort=effort, channel=channel)
    while True:
        send(channel, worker.do(waiting.get()))


def _import_ahead(region: str) -> None:
    import boto3
    import pyarrow.parquet

    from personalize_engine.jobs import gathering, s3, service_metrics, tables

    del boto3, pyarrow, gathering, service_metrics, tables
    s3.prepare(region)


class _Worker:
    def __init__(self, data_dir: Path, *, region: str, cores: int, effort: Effort, channel: IO[str]) -> None:
        self._store, self._artifacts = Store.open_read_only(data_dir), Artifacts(data_dir)
        self._region, self._effort, self._channel = region, effort, channel
        self._cores = Cores(data_dir / "cores", cores)

    def do(self, message: dict[str, Any]) -> dict[str, Any]:
        """Does a job; what there is to say of it."""
        last = 0.0

        def progress(*, done: int, total: int, message: str) -> None:
            nonlocal last
            if done in {0, total} or time.monotonic() - last >= SAY_EVERY:
                last = time.monotonic()
                send(self._channel, {"progress": {"done": done, "total": total, "message": message}})

        try:
            work = Work(
                store=self._store,
                artifacts=self._artifacts,
                aside=self._artifacts.aside(message["job"]),
                region=self._region,
                progress=progress,
                cores=self._cores,
                effort=self._effort,
            )
            with self._cores.own():
                result = JOBS[message["kind"]].work(work, message["arn"])
            self._artifacts.sync(work.aside)
            return {"done": result}
        except JobFailed as error:
            return {"failed": str(error)}
        except Exception:
            return {"crashed": traceback.format_exc()}
