"""The cores of all jobs together: each job has one, what is idle is lent, and nothing is lost with a killed process."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from personalize_engine.jobs.cores import Cores

HOLDER = """
import sys
from pathlib import Path
from personalize_engine.jobs.cores import Cores
with Cores(Path(sys.argv[1]), 2).own():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_core_is_lent_while_there_is_one(tmp_path: Path) -> None:
    cores = Cores(tmp_path / "cores", 2)
    with cores.own():
        loan = cores.borrow()
        assert loan is not None
        assert cores.borrow() is None
        loan.end()
        again = cores.borrow()
        assert again is not None
        again.end()


def test_a_job_waits_for_its_core_and_goes_before_those_who_borrow(tmp_path: Path) -> None:
    cores = Cores(tmp_path / "cores", 1)
    began = threading.Event()

    def job() -> None:
        with cores.own():
            began.set()

    with cores.own():
        waiting = threading.Thread(target=job)
        waiting.start()
        time.sleep(0.2)
        assert not began.is_set()
    assert began.wait(5)
    waiting.join()


def test_nothing_is_lent_while_a_job_waits(tmp_path: Path) -> None:
    two, three = Cores(tmp_path / "cores", 2), Cores(tmp_path / "cores", 3)
    with two.own(), two.own():
        waiting = threading.Thread(target=lambda: two.own().__enter__(), daemon=True)
        waiting.start()
        time.sleep(0.2)
        assert three.wanted()
        assert three.borrow() is None, "the third core is idle, but a job waits"


def test_a_killed_process_gives_its_core_back(tmp_path: Path) -> None:
    cores = Cores(tmp_path / "cores", 2)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "cores")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with cores.own():
            assert cores.borrow() is None
        holder.kill()
        holder.wait()
        with cores.own():
            loan = cores.borrow()
            assert loan is not None
            loan.end()
