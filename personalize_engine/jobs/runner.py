"""Takes jobs from the store to where they are done, and their results back: what turns CREATE PENDING into ACTIVE.

Long jobs go to worker processes, at most `cores` at once; quick ones to threads. Only the engine's process writes to
the store. A job is a row until its result is in the same transaction as the resource's status, so a crash at any
moment leaves either the job to be run again or its result; a cancelled job has no row, and its result is dropped.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from personalize_engine.errors import JobFailed, JobStopped, WorkerDied
from personalize_engine.jobs import all_jobs  # noqa: F401
from personalize_engine.jobs.importing import remove_replaced
from personalize_engine.jobs.process import WorkerProcess
from personalize_engine.jobs.registry import JOBS, Ending, Loader, Result, Work
from personalize_engine.models.hrnn_sizing import Effort
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.database import Store
from personalize_engine.store.transaction import JobRow

LOG = logging.getLogger(__name__)
QUICK_THREADS = 2
AHEAD = 2
"""Worker processes that are started before there is a job for them; each takes some 100 MB."""
PATIENCE = 2.0
"""Seconds that `stop` waits for threads; one that waits at the store's shut door is left to the end of the process."""
INTERNAL = "An internal error occurred while the job was run; the engine's log has the details."


class JobRunner:
    """Thread-safe. `start` once, `wake` after every transaction that enqueued something."""

    def __init__(
        self,
        store: Store,
        artifacts: Artifacts,
        loader: Loader,
        *,
        region: str,
        cores: int,
        effort: Effort = "thorough",
    ) -> None:
        self._store, self._artifacts, self._loader, self._region = store, artifacts, loader, region
        self._lock = threading.Lock()
        self._taken: set[int] = set()
        self._stopping = False
        self._quick: queue.SimpleQueue[JobRow | None] = queue.SimpleQueue()
        self._long: queue.SimpleQueue[JobRow | None] = queue.SimpleQueue()
        cores = max(1, cores)
        self._processes = [WorkerProcess(store.folder, region=region, cores=cores, effort=effort) for _ in range(cores)]
        self._threads = [
            threading.Thread(target=self._serve, args=(self._quick, self._run_here), daemon=True)
            for _ in range(QUICK_THREADS)
        ]
        for process in self._processes:
            run = self._run_in(process)
            self._threads.append(threading.Thread(target=self._serve, args=(self._long, run), daemon=True))

    def start(self) -> None:
        """Takes up what a crash left undone, then whatever waits."""
        self._artifacts.clear_aside()
        with self._store.write(patience=None) as transaction:
            transaction.requeue_jobs()
        remove_replaced(self._store, self._artifacts)
        for process in self._processes[:AHEAD]:
            process.start()
        for thread in self._threads:
            thread.start()
        self.wake()

    def wake(self) -> None:
        """Hands every waiting job to a queue."""
        with self._lock, self._store.read() as transaction:
            waiting = [job for job in transaction.waiting_jobs() if job.id not in self._taken]
            self._taken.update(job.id for job in waiting)
        for job in waiting:
            (self._long if JOBS[job.kind].in_process else self._quick).put(job)

    def cancel(self, job: int) -> None:
        """Ends the work on a job whose row has been removed; its result would be dropped anyway."""
        for process in self._processes:
            process.cancel(job)

    def stop(self) -> None:
        """Ends everything at once: what is not done is run again at the next start."""
        self._stopping = True
        for _ in self._threads:
            self._quick.put(None)
            self._long.put(None)
        for process in self._processes:
            process.stop()
        deadline = time.monotonic() + PATIENCE
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=max(0.0, deadline - time.monotonic()))

    # --------------------------------------------------------------------------------------------------- one job
    def _serve(self, waiting: queue.SimpleQueue[JobRow | None], run: Callable[[JobRow], Result]) -> None:
        while (row := waiting.get()) is not None and not self._stopping:
            try:
                self._one(row, run)
            except Exception:
                LOG.exception("job %s (%s) of %s could not be ended", row.id, row.kind, row.arn)
            finally:
                with self._lock:
                    self._taken.discard(row.id)

    def _one(self, row: JobRow, run: Callable[[JobRow], Result]) -> None:
        job = JOBS[row.kind]
        with self._store.write(patience=None) as transaction:
            if row.id not in transaction.jobs_of(row.arn):
                return
            transaction.start_job(row.id)
            job.begin(transaction, row.arn)
        result: Result = {}
        reason: str | None = None
        try:
            result = run(row)
        except JobFailed as failure:
            reason = str(failure)
        except JobStopped:
            self._artifacts.discard(row.id)
            return
        except Exception:
            LOG.exception("job %s (%s) of %s failed", row.id, row.kind, row.arn)
            reason = INTERNAL
        if self._stopping:
            return
        try:
            self._end(row, result, reason)
        except Exception:
            LOG.exception("job %s (%s) of %s was done, but its result could not be kept", row.id, row.kind, row.arn)
            self._end(row, {}, INTERNAL)

    def _end(self, row: JobRow, result: Result, reason: str | None) -> None:
        """The job's row goes, with what it brought or the reason why it failed, in one transaction."""
        job, obsolete = JOBS[row.kind], []
        with self._store.write(patience=None) as transaction:
            if not transaction.end_job(row.id):
                self._artifacts.discard(row.id)
            elif reason is not None:
                self._artifacts.discard(row.id)
                job.fail(transaction, row.arn, reason)
            else:
                if job.in_process:
                    self._artifacts.keep(row.id, row.arn)
                end = Ending(transaction=transaction, artifacts=self._artifacts, loader=self._loader, result=result)
                job.finish(end, row.arn)
                obsolete = end.obsolete
        self.wake()  # for the jobs that the ending of this one brought
        if obsolete:
            with self._store.write(patience=None):  # not while the folder is copied
                for arn in obsolete:
                    self._artifacts.remove(arn)

    def _run_here(self, row: JobRow) -> Result:
        work = Work(
            store=self._store,
            artifacts=self._artifacts,
            aside=Path(os.devnull),
            region=self._region,
            progress=lambda *, done, total, message: None,
            loader=self._loader,
        )
        return JOBS[row.kind].work(work, row.arn)

    def _run_in(self, process: WorkerProcess) -> Callable[[JobRow], Result]:
        def run(row: JobRow) -> Result:
            def progress(*, done: int, total: int, message: str) -> None:
                with self._store.write(patience=None) as transaction:
                    transaction.set_progress(row.id, done=done, total=total, message=message)

            try:
                return process.run(row, progress)
            except WorkerDied:
                LOG.warning("job %s (%s) of %s is run once more", row.id, row.kind, row.arn)
                return process.run(row, progress)

        return run
