"""python -m benchmarks.recipes [--data FOLDER ...] [--generated]: runs what has no result yet, then writes the page.

FOLDER is a MovieLens data set in any layout (its cold-start draws are run too) or the airline reviews. Answers are
kept below --out; a second run does only what changed. Results, in the repository below --results, keep the line of
whoever was not run now. --only and --works choose cells; with neither folder nor --generated the page is written from
what is there.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.recipes import cells, exchange, growth, pace, page
from benchmarks.recipes.judging import RESAMPLES, Judge, Result, result
from benchmarks.recipes.made import made
from benchmarks.recipes.sources import ROOT
from benchmarks.recipes.subjects import subjects
from benchmarks.recipes.works import Work, generated, prepared, works_of

OUT = ROOT / "out" / "bench" / "recipes"
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "benchmarks" / "recipes.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 if a cell failed."""
    asked = _parser().parse_args(arguments)
    works = [work for folder in asked.data for work in works_of(folder, asked.out / "works")]
    works += generated() if asked.generated else []
    failed = 0
    try:
        for work in works:
            if re.search(asked.works, work.name):
                failed += run_work(work, asked)
    finally:
        write_page(asked.results, asked.page)
    return 1 if failed else 0


def run_work(work: Work, asked: argparse.Namespace) -> int:
    """Runs the missing cells of a work and keeps its result, also if interrupted; how many failed."""
    ready = prepared(work, asked.out / "works")
    rows = subjects(work, ready.counts["past"]["interactions"])
    wanted = {row.name: cells.cells(ready, row) for row in rows}  # keys of the sources as they are now
    judge = Judge(ready)
    failures: dict[str, str] = {}
    print(f"{work.name}: {len(judge.cases):,} users", flush=True)
    try:
        for row in rows:
            if re.search(asked.only, row.name):
                for cell in wanted[row.name][: asked.seeds]:
                    failures |= _run_cell(cell, judge, asked)
    finally:
        outcomes = [(row, _kept(wanted[row.name], asked.out), failures.get(row.name, "")) for row in rows]
        found = result(judge, outcomes, made=made())
        target = asked.results / f"{work.name}.json"
        if (earlier := _result(target)) is not None:
            found.completed(earlier)
        _write_json(target, found.to_json())
    return len(failures)


def write_page(folder: Path, target: Path) -> None:
    """The page, from all results in `folder`."""
    found = [_result(path) for path in sorted(folder.glob("*.json")) if path.name not in {pace.FILE, growth.FILE}]
    results = {one.work: one for one in found if one is not None}
    further = [*pace.section(folder), *growth.section(folder)]
    target.write_text(page.page(results, resamples=RESAMPLES, further=further), encoding="utf-8")
    print(f"written: {target}")


def _result(path: Path) -> Result | None:
    """None if there is none, or if another version of this program wrote it."""
    if not path.is_file():
        return None
    try:
        return Result.from_json(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        print(f"{path} is left out: {error}", flush=True)
        return None


def _run_cell(cell: cells.Cell, judge: Judge, asked: argparse.Namespace) -> dict[str, str]:
    """Runs it if its answer is not there; {subject: why it failed}."""
    target = cell.path(asked.out)
    name = f"{cell.work.work.name}, {cell.subject.name}, seed {cell.seed}"
    if target.exists():
        return {}
    if not cell.subject.python.exists():
        print(f"{name}: no {cell.subject.python}: `make bench-recipes` sets it up", flush=True)
        return {cell.subject.name: "the peers' environment is not set up"}
    print(f"{name} ...", flush=True)
    try:
        answer = cells.run(
            cell.subject, cells.job_of(cell, judge.cases), target, threads=asked.threads, nice=asked.nice
        )
    except cells.CellFailed as failure:
        print(f"{name}: FAILED, {failure}", flush=True)
        return {cell.subject.name: "failed"}
    print(f"{name}: {answer.training_seconds:.1f} s, {answer.peak_mb:.0f} MB", flush=True)
    return {}


def _kept(wanted: Sequence[cells.Cell], out: Path) -> list[exchange.Answer]:
    """Answers of the cells that are there."""
    return [exchange.load(path) for cell in wanted if (path := cell.path(out)).exists()]


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument("--generated", action="store_true", help="also the generated data sets")
    parser.add_argument("--works", default="", metavar="REGEX", help="only works whose names match")
    parser.add_argument("--only", default="", metavar="REGEX", help="only subjects whose names match")
    parser.add_argument("--seeds", type=int, default=None, help="at most so many of a subject's seeds")
    parser.add_argument("--threads", type=int, default=1, help="for every library alike")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=PAGE)
    return parser
