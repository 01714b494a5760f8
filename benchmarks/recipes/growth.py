"""Seconds per epoch of aws-hrnn and its memory as the data grow, at a fixed catalogue.

    python -m benchmarks.recipes.growth [--rows 100000 1000000 10000000]

Generated rows: 100 events per user, 10,000 items drawn with a long tail. Each size has a process of its own
(`growing`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.recipes import cells
from benchmarks.recipes.exchange import Answer, Job
from benchmarks.recipes.growing import EVENTS_PER_USER, ITEMS, SIZED_FOR
from benchmarks.recipes.made import made
from benchmarks.recipes.sources import ROOT
from benchmarks.recipes.subjects import Subject

ROWS = (100_000, 1_000_000, 10_000_000)
FILE = "growth.json"
OUT = ROOT / "out" / "bench" / "recipes"
RESULTS = ROOT / "benchmarks" / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recipes.growth", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    found = []
    for rows in asked.rows:
        answer = _run(rows, asked)
        found.append({"rows": rows, "peak_mb": answer.peak_mb, **answer.notes})
        print(f"{rows:,} rows: {answer.notes['epoch']:.1f} s per epoch, {answer.peak_mb:.0f} MB", flush=True)
        asked.results.mkdir(parents=True, exist_ok=True)
        (asked.results / FILE).write_text(json.dumps({"sizes": found, **made()}, indent=1), encoding="utf-8")
    return 0


def section(results: Path) -> Iterator[str]:
    """Its part of the page."""
    yield "\n## Seconds of CPU per epoch as the data grow\n"
    if not (results / FILE).is_file():
        yield "Not run."
        return
    found = json.loads((results / FILE).read_text(encoding="utf-8"))
    yield (
        f"aws-hrnn, the network of {SIZED_FOR:,} rows, on generated rows: {ITEMS:,} items, {EVENTS_PER_USER} per user."
        f" Commit {found['commit']}, {found['date']}, {found['machine']}.\n"
    )
    yield "| rows | seconds of CPU per epoch | per million rows | over the size before, per row | peak memory, MB |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    before: dict[str, Any] | None = None
    for row in found["sizes"]:
        own = row["epoch"] / row["rows"]
        growth = f"{own / (before['epoch'] / before['rows']):.2f}" if before else ""
        yield f"| {row['rows']:,} | {row['epoch']:.1f} | {own * 1e6:.1f} | {growth} | {row['peak_mb']:.0f} |"
        before = row


def _run(rows: int, asked: argparse.Namespace) -> Answer:
    target = asked.out / "growth" / f"{rows}.json.gz"
    job = Job(past="", columns={}, settings={"rows": rows}, seed=0)
    subject = Subject(name="aws-hrnn", kind="recipe", worker="benchmarks.recipes.growing", settings={})
    return cells.run(subject, job, target, nice=asked.nice)


if __name__ == "__main__":
    sys.exit(main())
