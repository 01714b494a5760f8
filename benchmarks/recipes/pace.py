"""How long aws-hrnn trains until it is 99 % as good as a peer at its best, over the time the peer takes to be so.

    python -m benchmarks.recipes.pace --data FOLDER [--peer SASRec] [--peer GRU4Rec]

Good: NDCG@10 of unseen items on a validation part cut from the past. The peer learns with its documented settings until
five epochs bring nothing better; its time to 99 % of its best is read off its epochs. Right behind it aws-hrnn is
trained with as many epochs as it needs to be as good (`lengths`). All with one thread; evaluations do not count, and
seconds of CPU stand beside, which other work on the machine changes little.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.recipes import cells, exchange
from benchmarks.recipes.made import made
from benchmarks.recipes.sources import ROOT
from benchmarks.recipes.subjects import Subject, peers
from benchmarks.recipes.works import Prepared, movielens, prepared

SHARE = 0.99
PEERS = ("GRU4Rec", "SASRec")
FILE = "pace.json"
OUT = ROOT / "out" / "bench" / "recipes"
RESULTS = ROOT / "benchmarks" / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recipes.pace", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="a MovieLens data set")
    parser.add_argument("--peer", action="append", choices=PEERS, help="default: all")
    parser.add_argument("--budget", type=float, default=7200.0, help="seconds of CPU that a peer may take")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    work = prepared(movielens(asked.data)[0], asked.out / "works")
    for name in asked.peer or PEERS:
        subject = next(row for row in peers() if row.name == name)
        row = measure(work, subject, asked)
        print(row, flush=True)
        _keep(asked.results / FILE, row)
    return 0


def measure(work: Prepared, peer: Subject, asked: argparse.Namespace) -> dict[str, Any]:
    """One row of the table."""

    def curve(subject: Subject, settings: Mapping[str, Any]) -> list[exchange.Point]:
        job = exchange.Job(
            past=str(work.past),
            columns=work.columns,
            settings=dict(settings),
            seed=0,
            curve=True,
            budget=asked.budget,
        )
        target = asked.out / "pace" / f"{work.work.name}-{peer.name}-{subject.name}.json.gz"
        return cells.run(subject, job, target, nice=asked.nice).curve

    theirs = curve(peer, peer.settings)
    best = max(value for *_, value in theirs)
    ours = Subject(name="aws-hrnn", kind="recipe", worker="benchmarks.recipes.lengths", settings={})
    own = curve(ours, {"target": SHARE * best})
    return {
        "work": work.work.name,
        "peer": peer.name,
        "best": best,
        "theirs": reached(theirs, SHARE * best),
        "own": reached(own, SHARE * best),
        "own_best": max(value for *_, value in own),
        "epochs": len(theirs),
        "cut_off": theirs[-1][1] >= asked.budget,
        **made(),
    }


def reached(curve: Sequence[exchange.Point], target: float) -> tuple[float, float] | None:
    """Seconds, and of CPU, at the first point that is at least as good; None if none is."""
    return next(((seconds, cpu) for seconds, cpu, value in curve if value >= target), None)


def section(results: Path) -> Iterator[str]:
    """Its part of the page."""
    rows = json.loads((results / FILE).read_text(encoding="utf-8")) if (results / FILE).is_file() else []
    yield "\n## Time until aws-hrnn is 99 % as good as a peer at its best\n"
    if not rows:
        yield "Not run."
        return
    yield "NDCG@10 on a validation part cut from the past; same machine, one thread, one behind the other.\n"
    yield "| work | peer | its best | seconds (of CPU) | aws-hrnn | ratio | aws-hrnn reached | |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"
    for row in rows:
        theirs, own = row["theirs"], row["own"]
        ratio = f"**{own[0] / theirs[0]:.2f}** ({own[1] / theirs[1]:.2f})" if own else "not reached"
        seconds = [f"{one[0]:.0f} ({one[1]:.0f})" if one else "–" for one in (theirs, own)]
        cut_off = f", when its time was over after {row['epochs']} epochs" if row.get("cut_off") else ""
        yield (
            f"| {row['work']} | {row['peer']} | {row['best']:.4f}{cut_off} | {' | '.join(seconds)} | {ratio}"
            f" | {row['own_best']:.4f} | commit {row['commit']}, {row['date']} |"
        )


def _keep(path: Path, row: dict[str, Any]) -> None:
    """Adds a row in place of an earlier one of the same work and peer."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    rows = [old for old in rows if (old["work"], old["peer"]) != (row["work"], row["peer"])]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([*rows, row], indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
