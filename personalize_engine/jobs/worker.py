"""A worker process: waits for jobs on its standard input and does them, one after the other.

It may start before it is needed, and imports what jobs need, so that a job begins at once. It never outlives the
engine: when its input ends, because the engine stopped or was killed, the process ends at once, in the middle of a
training if need be; the next engine runs that job again. Cancelling a job is killing its worker.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import IO, Any

from personalize_engine.errors import JobFailed
from personalize_engine.jobs import all_jobs  # noqa: F401
from personalize_engine.jobs.channel import READY, receive, send
from personalize_engine.jobs.registry import JOBS, Work
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


def main(data_dir: Path, *, region: str) -> None:
    """Runs until the input ends."""
    for name, value in COMPILED.items():
        os.environ.setdefault(name, value)
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to a whole group they are for the engine: it ends its workers
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is not for the channel
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(waiting,), daemon=True).start()
    _import_ahead(region)
    send(channel, READY)
    store, artifacts = Store.open_read_only(data_dir), Artifacts(data_dir)
    while True:
        send(channel, _do(waiting.get(), channel, store, artifacts, region))


def _listen(waiting: queue.SimpleQueue[dict[str, Any]]) -> None:
    while (message := receive(sys.stdin)) is not None:
        waiting.put(message)
    os._exit(0)


def _import_ahead(region: str) -> None:
    import boto3
    import pyarrow.parquet

    from personalize_engine.jobs import gathering, s3, service_metrics, tables

    del boto3, pyarrow, gathering, service_metrics, tables
    s3.prepare(region)


def _do(message: dict[str, Any], channel: IO[str], store: Store, artifacts: Artifacts, region: str) -> dict[str, Any]:
    last = 0.0

    def progress(*, done: int, total: int, message: str) -> None:
        nonlocal last
        if done in {0, total} or time.monotonic() - last >= SAY_EVERY:
            last = time.monotonic()
            send(channel, {"progress": {"done": done, "total": total, "message": message}})

    try:
        aside = artifacts.aside(message["job"])
        work = Work(store=store, artifacts=artifacts, aside=aside, region=region, progress=progress)
        return {"done": JOBS[message["kind"]].work(work, message["arn"])}
    except JobFailed as error:
        return {"failed": str(error)}
    except Exception:
        return {"crashed": traceback.format_exc()}
