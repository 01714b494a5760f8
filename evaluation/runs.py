"""Past runs on one page: `python -m evaluation.runs [FOLDER] [--compare EXPERIMENT/RUN EXPERIMENT/RUN]`.

Reads every `EXPERIMENT/RUN_ID/report.json` below the folder (`out/`, where `make run` keeps them) and writes
`runs.html` beside them: a list, and comparisons of the newest runs of each experiment with each other; `--compare`
puts any two first. A report that cannot be read is listed with the reason and stops nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contract.results import Report

PAGE = "runs.html"


class RunsError(Exception):
    """What the user asked for and there is not."""


@dataclass(frozen=True, kw_only=True)
class PastRun:
    """One run that left a report."""

    name: str
    """`EXPERIMENT/RUN_ID`: its folder below the folder of runs."""
    report: Report
    page: str | None
    """Where its own page is, relative to the page of runs; None without one."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What lies below a folder."""

    runs: list[PastRun] = field(default_factory=list)
    """The newest first."""
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """(name, why) of reports that are no such thing."""


def find(folder: Path) -> Found:
    """Every run below the folder; RunsError if there is no such folder."""
    if not folder.is_dir():
        raise RunsError(f"There is no folder {folder}. `make run` makes one, or give another: --help")
    found = Found()
    for path in sorted(folder.glob("*/*/report.json")):
        name = f"{path.parent.parent.name}/{path.parent.name}"
        page = path.with_suffix(".html")
        try:
            report = Report.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            found.unreadable.append((name, f"{type(error).__name__}: {error}"))
            continue
        found.runs.append(PastRun(name=name, report=report, page=f"{name}/{page.name}" if page.is_file() else None))
    found.runs.sort(key=lambda run: (run.report.started_at, run.name), reverse=True)
    return found


def chosen(found: Found, names: Sequence[str]) -> tuple[PastRun, PastRun] | None:
    """The two runs of these names, as `EXPERIMENT/RUN_ID` or RUN_ID where that is unique; None without names."""
    if not names:
        return None
    first, second = (_named(found, name) for name in names)
    if first is second:
        raise RunsError(f"{names[0]} and {names[1]} are one run; give two")
    return first, second


def _named(found: Found, name: str) -> PastRun:
    wanted = name.rstrip("/")
    runs = [run for run in found.runs if wanted in {run.name, run.name.rpartition("/")[2]}]
    if len(runs) == 1:
        return runs[0]
    if runs:
        raise RunsError(f"Several runs are named {name!r}: {', '.join(run.name for run in runs)}")
    broken = [why for run, why in found.unreadable if wanted in {run, run.rpartition("/")[2]}]
    if broken:
        raise RunsError(f"The report of {name!r} cannot be read: {broken[0]}")
    known = ", ".join(run.name for run in found.runs[:10]) or "none"
    raise RunsError(f"There is no run {name!r}. The newest are: {known}")


def write(folder: Path, names: Sequence[str] = ()) -> Path:
    """Write the page and return its path; it is there whole or as it was before."""
    from evaluation.page_runs import render

    found = find(folder)
    text = render(found, chosen(found, names))
    path, aside = folder / PAGE, folder / f".{PAGE}.{os.getpid()}"
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def main(arguments: Sequence[str]) -> int:
    """Write the page and say where; 1 with a message if that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.runs", description="Past runs on one page.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("out"), help="where make run keeps them (out)")
    parser.add_argument("--compare", nargs=2, default=(), metavar="RUN", help="two runs, EXPERIMENT/RUN_ID each")
    given = parser.parse_args(arguments)
    try:
        print(write(given.folder, given.compare))
    except (RunsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
