"""Runs trials side by side: processes of `jobs.trial`, as many at once as there are idle cores."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from personalize_engine.jobs.channel import GO_ON, READY, receive, send
from personalize_engine.jobs.cores import EVERY, Cores, Loan

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""A trial has one core: more threads would only wait for each other."""

Say = Callable[[int, float], None]
"""Position of a trial, and how much of it is done, in [0, 1]. Called by several threads."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a trial ended: with a value, or with the reason why there is none."""

    value: float | None = None
    reason: str | None = None


class Trials:
    """`width` processes for the trials of one folder (`trial.Task`); to be used as a context: its end kills them."""

    def __init__(self, folder: Path, *, width: int, cores: Cores) -> None:
        self._cores = cores
        self._own = threading.Lock()
        self._processes = [_TrialProcess(folder) for _ in range(width)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.close()

    def run(self, wanted: Sequence[Mapping[str, str]], say: Say) -> list[Outcome]:
        """An outcome for each of `wanted`, on the caller's own core and on borrowed ones."""
        todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for position in range(len(wanted)):
            todo.put(position)
        outcomes: dict[int, Outcome] = {}

        def serve(process: _TrialProcess) -> None:
            seat = _Seat(self._own, self._cores)
            while not todo.empty():
                with seat as taken:
                    if taken and (position := _next(todo)) is not None:
                        outcomes[position] = process.run(wanted[position], partial(step, seat, position))
                        say(position, 1.0)
                if not taken:
                    time.sleep(EVERY)

        def step(seat: _Seat, position: int, share: float) -> None:
            say(position, share)
            seat.give_way()

        with ThreadPoolExecutor(max_workers=len(self._processes)) as threads:
            running = [threads.submit(serve, process) for process in self._processes]
            done, others = wait(running, return_when=FIRST_EXCEPTION)
            if others:  # an error need not wait for what the others are at
                for process in self._processes:
                    process.kill()
            for future in done:
                future.result()
        return [outcomes[position] for position in range(len(wanted))]


class _Seat:
    """Where one trial at a time may run: on the job's own core or on a borrowed one, whichever is free."""

    def __init__(self, own: threading.Lock, cores: Cores) -> None:
        self._own, self._cores = own, cores
        self._has_own = False
        self._loan: Loan | None = None

    def __enter__(self) -> bool:
        """Whether there is a core."""
        self._has_own = self._own.acquire(blocking=False)
        if not self._has_own:
            self._loan = self._cores.borrow()
        return self._has_own or self._loan is not None

    def __exit__(self, *error: object) -> None:
        if self._has_own:
            self._has_own = False
            self._own.release()
        if self._loan is not None:
            self._loan.end()
            self._loan = None

    def give_way(self) -> None:
        """To be called now and then: a job that waits gets a borrowed core, and the call lasts until one is free."""
        if self._loan is not None and self._cores.wanted():
            self.__exit__()
            while not self.__enter__():
                time.sleep(EVERY)


class _TrialProcess:
    """Started for its first trial, and anew after one that it did not survive."""

    def __init__(self, folder: Path) -> None:
        self._command = [sys.executable, "-m", "personalize_engine.jobs.trial", str(folder)]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._killed = False

    def run(self, hyperparameters: Mapping[str, str], step: Callable[[float], None]) -> Outcome:
        """`step` is told how much is done, and the trial waits for it. RuntimeError for what should not happen."""
        process = self._living()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            send(process.stdin, {"trial": dict(hyperparameters)})
            while (message := receive(process.stdout)) is not None:
                if "progress" in message:
                    step(message["progress"]["done"] / max(1, message["progress"]["total"]))
                    send(process.stdin, GO_ON)
                elif message != READY:
                    return _outcome(message)
        except BrokenPipeError:
            pass
        code = process.wait()
        self.close()
        ended = f"signal {-code}" if code < 0 else f"code {code}"
        return Outcome(reason=f"its process ended unexpectedly ({ended}); it may have run out of memory")

    def kill(self) -> None:
        """For good."""
        with self._lock:
            self._killed = True
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def close(self) -> None:
        """Ends the process, if there is one; not while another thread runs a trial in it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):  # the pipe was broken already
                    stream.close()

    def _living(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._killed:
                raise RuntimeError("the trials were ended")
            if self._process is None:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    encoding="utf-8",
                    bufsize=1,
                    env={**os.environ, **ONE_THREAD},
                )
            return self._process


def _next(todo: queue.SimpleQueue[int]) -> int | None:
    try:
        return todo.get_nowait()
    except queue.Empty:
        return None


def _outcome(message: Mapping[str, Any]) -> Outcome:
    if "done" in message:
        return Outcome(value=message["done"]["value"])
    if "failed" in message:
        return Outcome(reason=message["failed"])
    raise RuntimeError(message["crashed"])
