"""The cores that long jobs share, as locked files: whoever dies gives back what it held.

Every job has a core of its own and waits for it. A job that could use more, as one that tries many models does, borrows
what is idle, and gives it back as soon as another job waits for one.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EVERY = 0.05
"""Seconds between two looks at cores that are all taken."""


class Cores:
    """`count` cores; processes that share them name the same folder and count."""

    def __init__(self, folder: Path, count: int) -> None:
        self.count = count
        folder.mkdir(exist_ok=True)
        self._files = [folder / str(number) for number in range(count)]
        self._waiting = folder / "waiting"

    @contextmanager
    def own(self) -> Iterator[None]:
        """A job's core; waits until one is free."""
        core = self._free()
        if core is None:
            mark = os.open(self._waiting, os.O_RDWR | os.O_CREAT)
            fcntl.flock(mark, fcntl.LOCK_SH)
            try:
                while (core := self._free()) is None:
                    time.sleep(EVERY)
            finally:
                os.close(mark)
        try:
            yield
        finally:
            os.close(core)

    def borrow(self) -> Loan | None:
        """An idle core; None if there is none, or a job waits for it."""
        core = None if self.wanted() else self._free()
        return None if core is None else Loan(core)

    def wanted(self) -> bool:
        """Whether a job waits for a core: who has borrowed one gives it back."""
        descriptor = os.open(self._waiting, os.O_RDWR | os.O_CREAT)
        try:
            return not _locked(descriptor)
        finally:
            os.close(descriptor)

    def _free(self) -> int | None:
        """The descriptor of a core that is taken from now on; closing it gives it back."""
        for file in self._files:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT)
            if _locked(descriptor):
                return descriptor
            os.close(descriptor)
        return None


class Loan:
    """A borrowed core."""

    def __init__(self, core: int) -> None:
        self._core: int | None = core

    def end(self) -> None:
        """Gives the core back."""
        core, self._core = self._core, None
        if core is not None:
            os.close(core)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
