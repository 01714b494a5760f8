"""Sets up what the commands need: a virtual environment with the pinned packages, and the pinned CDK command line.

    python3 tools/setup.py requirements.txt requirements-local.txt

Runs before anything is installed, so it uses the standard library alone. Safe to repeat; the Makefile calls it only
when a list of pins changed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST = (3, 11)


def main(lists: list[str]) -> int:
    """Install the lists of requirements; 1 with pip's or npm's last words if that failed."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        print(f"personalize-cdk needs Python 3.11 or newer; {sys.executable} is {found}.", file=sys.stderr)
        return 1
    begin = time.monotonic()
    print(f"Setting up {VENV.name}/ from {', '.join(lists)} (once, one to five minutes)", flush=True)
    python = VENV / "bin" / "python"
    if not python.exists():
        venv.create(VENV, with_pip=True)
    if not (_install(python, lists) and _command_line(python)):
        return 1
    print(f"Set up in {time.monotonic() - begin:.0f} s.", flush=True)
    return 0


def _install(python: Path, lists: list[str]) -> bool:
    pins = re.compile(r"^[\w.-]+(?===|\[)", re.MULTILINE)  # below each, indented, the hashes that pip checks
    total = len({pin for name in lists for pin in pins.findall((ROOT / name).read_text())})
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off"]
    for name in lists:
        command += ["-r", str(ROOT / name)]
    return _watch(command, lambda line, done: _package(line, done, total))


def _package(line: str, done: int, total: int) -> str | None:
    """What to tell of a line of pip's output, if anything."""
    if line.startswith(("Collecting ", "Requirement already satisfied: ")):
        return f"  Python packages: {min(done, total)} of {total}"
    if line.startswith("Installing collected"):
        return "  Python packages: all fetched, installing"
    return None


def _command_line(python: Path) -> bool:
    return _watch([str(python), "-m", "local_cloud.cdk", "install"], lambda *_: "  CDK command line")


def _watch(command: list[str], tell: Callable[[str, int], str | None]) -> bool:
    """Run a command; show one line that changes on a terminal, a line now and then elsewhere."""
    lines: list[str] = []
    shown, done = 0.0, 0
    terminal = sys.stdout.isatty()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            done += line.startswith(("Collecting ", "Requirement already satisfied: "))
            text = tell(line, done)
            if text and (terminal or time.monotonic() - shown > 5):
                shown = time.monotonic()
                print(f"\r\033[K{text}" if terminal else text, end="" if terminal else "\n", flush=True)
    if terminal:
        print("\r\033[K", end="", flush=True)
    if process.returncode:
        print("".join(lines[-20:]), file=sys.stderr)
    return process.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
