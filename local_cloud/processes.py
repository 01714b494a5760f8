"""Every process we start, and the promise that none outlives us.

Each child leads its own process group, so that Ctrl-C in the terminal reaches only us and one signal reaches all of a
child's own children. On Linux the kernel ends a child whose parent died (PR_SET_PDEATHSIG), so that even `kill -9` on
us leaves nothing behind. psutil finds the descendants that made a group of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import psutil

from local_cloud import interrupts
from local_cloud.errors import CommandError

GRACE = 1.5
"""Seconds a process has to end by itself before it is killed."""
PR_SET_PDEATHSIG = 1
TAIL = 25
"""Lines of a log that are shown when a command failed."""


@dataclass
class Child:
    """A running process and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None

    def tail(self, lines: int = TAIL) -> str:
        """The last lines of its log."""
        return "" if self.log is None else tail(self.log, lines)


@dataclass
class Processes:
    """The children of one run. As a context manager it ends them all, however the block is left."""

    children: list[Child] = field(default_factory=list)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        interrupts.begun()
        self.stop()

    def start(
        self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str], log: Path | None, cwd: Path
    ) -> Child:
        """Start a process; its output goes to `log`, or to ours if None."""
        output = None if log is None else log.open("ab")
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, and we start processes from one thread
            )
        except OSError as error:
            raise CommandError(f"{name} could not be started: {error}") from error
        finally:
            if output:
                output.close()
        child = Child(name=name, process=process, log=log)
        self.children.append(child)
        return child

    def run(
        self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str], log: Path | None, cwd: Path
    ) -> None:
        """Start a process and wait for its end; CommandError with the end of its log if it fails."""
        self.finish(self.start(name, command, env=env, log=log, cwd=cwd))

    def finish(self, child: Child) -> None:
        """Wait for the end of a process; CommandError with the end of its log if it failed."""
        code = child.process.wait()
        self.children.remove(child)
        if code:
            raise CommandError(f"{child.name} failed (exit code {code})" + (f":\n{child.tail()}" if child.log else "."))

    def stop(self) -> None:
        """End all that still runs, and everything that they started: politely, then for good."""
        family = [member for child in self.children for member in _family(child.process.pid)]
        for child in self.children:
            _signal_group(child.process, signal.SIGTERM)
        limit = time.monotonic() + GRACE
        for child in self.children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout=max(0.0, limit - time.monotonic()))
        for child in self.children:
            _signal_group(child.process, signal.SIGKILL)
        for member in family:
            with contextlib.suppress(psutil.Error):
                member.kill()
        for child in self.children:
            child.process.wait()
        self.children.clear()


def tail(log: Path, lines: int = TAIL) -> str:
    """The last lines of a text file that hold anything."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def _family(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """The group outlives its leader, so it is signalled even when the leader is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """Runs in the child, between fork and exec."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
