"""Whole runs, as a user starts them: `python -m local_cloud run …`, once per experiment and session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.results import Report

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class WholeRun:
    """What a run printed and wrote."""

    code: int
    output: str
    seconds: float
    folder: Path
    """out/EXPERIMENT"""

    @property
    def report(self) -> Report:
        return Report.from_json(json.loads((self.folder / "report.json").read_text()))


def local_run(experiment: str, *, out: Path, data: Path | None = None) -> WholeRun:
    """Run it to its end."""
    command = [sys.executable, "-m", "local_cloud", "run", experiment, "--out", str(out)]
    if data is not None:
        command += ["--data", str(data)]
    begin = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=540, env={**os.environ, "COLUMNS": "140"}
    )
    return WholeRun(done.returncode, done.stdout + done.stderr, time.monotonic() - begin, out / experiment)


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., WholeRun]:
    """whole_run(experiment, data=None): run once, then remembered."""
    remembered: dict[str, WholeRun] = {}

    def run(experiment: str, data: Path | None = None) -> WholeRun:
        if experiment not in remembered:
            remembered[experiment] = local_run(experiment, out=tmp_path_factory.mktemp("out"), data=data)
        return remembered[experiment]

    return run
