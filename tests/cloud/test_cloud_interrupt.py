"""Ctrl-C at any moment of a run: it ends at once, with nothing left running and nothing left on the disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local_cloud import cdk

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not cdk.installed(), reason="run python -m local_cloud.cdk install")
@pytest.mark.parametrize(("seconds", "number"), [(0.0, signal.SIGINT), (6.0, signal.SIGINT), (1.0, signal.SIGTERM)])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, seconds: float, number: signal.Signals) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    run = subprocess.Popen(
        [sys.executable, "-m", "local_cloud", "run", "quickstart"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(600):  # until it has begun
        if psutil.Process(run.pid).children():
            break
        time.sleep(0.05)
    time.sleep(seconds)
    family = psutil.Process(run.pid).children(recursive=True)
    begin = time.monotonic()
    run.send_signal(number)
    time.sleep(0.2)
    run.send_signal(number)  # impatient
    _, told = run.communicate(timeout=20)
    assert time.monotonic() - begin < 5
    assert run.returncode == 130, told
    assert "Interrupted" in told
    assert "Traceback" not in told
    assert not [process for process in psutil.wait_procs(family, timeout=1)[1] if process.status() != "zombie"]
    assert list(tmp_path.iterdir()) == []
