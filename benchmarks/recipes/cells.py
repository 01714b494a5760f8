"""Cells: one subject with one seed on one work; a process each, and a file that is named by all it depends on."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.recipes import exchange
from benchmarks.recipes.sources import ROOT
from benchmarks.recipes.subjects import Subject
from benchmarks.recipes.works import Prepared
from contract.naming import digest
from evaluation.cases import Case

KEY_LENGTH = 16


class CellFailed(Exception):
    """The process ended without an answer; the message has its last words."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is to be run."""

    work: Prepared
    subject: Subject
    seed: int
    code: str
    """`Subject.code`."""

    @property
    def key(self) -> str:
        """Digest of everything that the outcome depends on: two recipes that only differ in name are one cell."""
        settings = {name: value for name, value in self.subject.settings.items() if name != "recipe"}
        parts = {
            "data": self.work.version,
            "asked": [self.subject.question.value, self.work.work.users],
            "worker": self.subject.worker,
            "settings": settings,
            "seed": self.seed,
            "code": self.code,
        }
        return digest(parts, length=KEY_LENGTH)

    def path(self, out: Path) -> Path:
        """Where the answer is kept."""
        return out / "cells" / self.work.work.name / f"{self.subject.worker.rpartition('.')[2]}-{self.key}.json.gz"


def cells(work: Prepared, subject: Subject) -> list[Cell]:
    """A cell per seed."""
    code = subject.code()
    return [Cell(work=work, subject=subject, seed=seed, code=code) for seed in range(subject.seeds)]


def job_of(cell: Cell, cases: Sequence[Case]) -> exchange.Job:
    """What the process is given."""
    asked = [
        exchange.Asked(
            user=case.user,
            last_item=case.last_item,
            contexts=[dict(context) for context in case.contexts if context],
        )
        for case in cases
    ]
    return exchange.Job(
        past=str(cell.work.past),
        columns=cell.work.columns,
        settings=dict(cell.subject.settings),
        seed=cell.seed,
        asked=asked,
    )


def run(subject: Subject, job: exchange.Job, target: Path, *, threads: int = 1, nice: int = 0) -> exchange.Answer:
    """Runs the process and keeps its answer as `target`; CellFailed if it has none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "job.json"
        source.write_text(json.dumps(asdict(job)), encoding="utf-8")
        log = target.with_name(f"{target.name}.log")
        with log.open("w", encoding="utf-8") as stream:
            done = subprocess.run(
                ["nice", "-n", str(nice), str(subject.python), "-m", subject.worker, str(source), str(target)],
                cwd=ROOT,
                env=_environment(threads),
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
    if done.returncode:
        raise CellFailed(f"exit code {done.returncode}; see {log}: {log.read_text(encoding='utf-8')[-1500:]}")
    return exchange.load(target)


def _environment(threads: int) -> dict[str, str]:
    """The same number of threads for every library."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads)), "PYTHONHASHSEED": "0"}
