"""Files beside the database: imported tables and trained versions.

A worker writes into a folder of its own below `aside/` and waits for the disk; the engine renames it into `artifacts/`
before the transaction that makes the resource ACTIVE. So a folder below `artifacts/` is always complete, a power cut
included, and what a crash leaves below `aside/` belongs to nobody and is removed at the next start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path


class Artifacts:
    """The files of one data folder."""

    def __init__(self, folder: Path) -> None:
        self._aside = folder / "aside"
        self._kept = folder / "artifacts"

    def clear_aside(self) -> None:
        """At the start, when no worker runs."""
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir(parents=True, exist_ok=True)
        self._kept.mkdir(parents=True, exist_ok=True)

    def aside(self, job: int) -> Path:
        """An empty folder for a job's results."""
        folder = self._aside / str(job)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def discard(self, job: int) -> None:
        """Removes what a job wrote."""
        shutil.rmtree(self._aside / str(job), ignore_errors=True)

    def keep(self, job: int, arn: str) -> None:
        """Puts a job's folder in its place; a folder that a crash left there without its transaction is replaced."""
        target = self.path(arn)
        if target.exists():
            shutil.rmtree(target)
        (self._aside / str(job)).rename(target)
        _sync(self._kept)

    @staticmethod
    def sync(folder: Path) -> None:
        """Waits until a job's results are on the disk: by the worker, before anything refers to them."""
        for path in (*folder.rglob("*"), folder):
            _sync(path)

    def path(self, arn: str) -> Path:
        """Where the files of a resource lie, whether or not there are any."""
        return self._kept / hashlib.sha256(arn.encode()).hexdigest()[:24]

    def remove(self, arn: str) -> None:
        """Removes the files of a resource."""
        shutil.rmtree(self.path(arn), ignore_errors=True)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
