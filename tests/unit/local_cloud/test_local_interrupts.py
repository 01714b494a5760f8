"""An interrupt is raised once, and again if it was lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BEGINNING = """
import os, signal, time
from local_cloud import interrupts
interrupts.install()
def send():
    os.kill(os.getpid(), signal.SIGINT)
"""


def outcome(code: str) -> subprocess.CompletedProcess[str]:
    """Of a program of its own: signal handlers belong to a whole process."""
    return subprocess.run(
        [sys.executable, "-c", BEGINNING + code], cwd=ROOT, capture_output=True, text=True, timeout=30
    )


def test_an_interrupt_that_is_lost_in_a_destructor_is_raised_again_without_noise() -> None:
    done = outcome("""
class Lossy:
    def __del__(self):
        send()
try:
    Lossy()
    time.sleep(10)
except KeyboardInterrupt:
    print("raised again")
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "raised again\n", "")


def test_what_follows_the_first_is_ignored_once_the_stopping_has_begun() -> None:
    done = outcome("""
try:
    send()
except KeyboardInterrupt:
    interrupts.begun()
    send()
    time.sleep(1.5)
    interrupts.ignore()
    send()
    print("stopped in peace")
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped in peace\n", "")
