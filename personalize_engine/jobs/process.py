"""The engine's end of a worker process: started ahead of its first job or for it, replaced when it was killed."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

from personalize_engine.errors import JobFailed, JobStopped, WorkerDied
from personalize_engine.jobs.channel import READY, receive, send
from personalize_engine.jobs.registry import Result
from personalize_engine.models.base import Progress
from personalize_engine.models.hrnn_sizing import Effort
from personalize_engine.store.transaction import JobRow

LOG = logging.getLogger(__name__)


class WorkerProcess:
    """Runs one job at a time; `cancel` and `stop` may come from other threads."""

    def __init__(self, folder: Path, *, region: str, cores: int, effort: Effort) -> None:
        self._command = [sys.executable, "-m", "personalize_engine", "work", "--data-dir", str(folder)]
        self._command += ["--region", region, "--cores", str(cores), "--effort", effort]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._job: int | None = None
        self._cancelled: set[int] = set()
        self._stopped = False

    def start(self) -> None:
        """Starts the process; it tells when it is ready, and jobs sent before wait for it."""
        with self._lock:
            if not self._stopped:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", bufsize=1
                )

    def run(self, row: JobRow, progress: Progress) -> Result:
        """The job's result; JobFailed with its reason, WorkerDied without a verdict, JobStopped if it was cancelled."""
        process = self._living()
        if process is None:
            raise JobStopped(row.arn)
        assert process.stdin is not None
        assert process.stdout is not None
        with self._lock:
            self._job = row.id
        try:
            send(process.stdin, {"job": row.id, "kind": row.kind, "arn": row.arn})
            while (message := receive(process.stdout)) is not None:
                if message == READY:
                    continue
                if "progress" in message:
                    progress(**message["progress"])
                elif "done" in message:
                    result: Result = message["done"]
                    return result
                elif "failed" in message:
                    raise JobFailed(message["failed"])
                else:
                    raise RuntimeError(message["crashed"])
        except BrokenPipeError:
            pass
        finally:
            with self._lock:
                self._job = None
        return self._ended(row, process)

    def cancel(self, job: int) -> None:
        """Kills the process if it is at this job."""
        with self._lock:
            if self._job == job and self._process is not None:
                self._cancelled.add(job)
                self._process.kill()
                self._process.wait()  # so that `_living` sees it, should the job just have been done

    def stop(self) -> None:
        """Kills the process for good."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                self._close(self._process)

    def _living(self) -> subprocess.Popen[str] | None:
        """The process; a new one if there is none yet or it ended while it had nothing to do. None once stopped."""
        if self._process is None or self._process.poll() is not None:
            if self._process is not None:
                self._close(self._process)
            self.start()
        return None if self._stopped else self._process

    def _ended(self, row: JobRow, process: subprocess.Popen[str]) -> Result:
        """The process is gone: a new one takes its place."""
        code = process.wait()
        if self._stopped:
            raise JobStopped(row.arn)
        self._close(process)
        self.start()
        if row.id in self._cancelled:
            self._cancelled.discard(row.id)
            raise JobStopped(row.arn)
        LOG.error("the worker process of job %s (%s) ended with code %s", row.id, row.arn, code)
        raise WorkerDied(
            f"The process that did the work ended unexpectedly ({f'signal {-code}' if code < 0 else f'code {code}'})."
            " It may have run out of memory."
        )

    @staticmethod
    def _close(process: subprocess.Popen[str]) -> None:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    LOG.debug("the pipe was broken already")
