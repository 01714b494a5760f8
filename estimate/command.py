"""python -m estimate EXPERIMENT [--data DIR] [--region REGION]: what a run would cost on AWS, as a range.

The data are prepared as for a run, in a folder that is gone afterwards, because the estimate needs their counts and
sizes. Nothing is deployed and AWS is not asked.

Exit codes: 0 the estimate is within `max_cost`, or there is none; 1 it may exceed it; 2 the experiment or the data are
not usable, or no prices of the region are known; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contract.as_json import to_json
from costs import prices
from costs.estimate import Estimate, estimate, kept_per_day, why_too_much
from costs.meters import METERS
from costs.ranges import Range
from costs.report import Expected
from costs.work import Data, Work, data_of
from data_prep import terminal
from data_prep.errors import PrepareError
from data_prep.prepare import prepare
from estimate.planned import planned
from evaluation import money
from experiments.config import Experiment
from experiments.load import ConfigError, find
from lambdas.errors import BadInput

DEFAULT_REGION = "us-east-1"
_WIDTH = 110


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    try:
        return _run(_parser().parse_args(arguments))
    except (ConfigError, PrepareError, BadInput, prices.NoPrice, prices.BadTable, OSError) as error:
        terminal.complain(error)
        return 2
    except KeyboardInterrupt:
        terminal.note("Interrupted.")
        return 130


def _run(asked: argparse.Namespace) -> int:
    table = prices.load(asked.region)
    experiment, file = find(asked.experiment)
    work = planned(experiment, region=asked.region)
    data = _data(experiment, file, asked.data)
    made = estimate(work, data, table)
    if asked.json:
        json.dump(to_json(Expected.of(work, data, made)), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        show(experiment, made, work, console=terminal.console(width=_WIDTH), kept=kept_per_day(work, table))
    if too_much := why_too_much(made, work, experiment.name):
        terminal.complain(too_much, what="over the limit")
        return 1
    return 0


def show(experiment: Experiment, made: Estimate, work: Work, *, console: Console, kept: float) -> None:
    """The table, the limit, and the assumptions."""
    recipes = ", ".join(sorted({trained.recipe for trained in work.trainings}))
    table = Table(
        title=f"{experiment.name}: a run on AWS in {made.region}, estimated",
        caption=f"trained: {recipes}",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("")
    table.add_column("quantity", justify="right")
    table.add_column("unit")
    table.add_column("US dollars", justify="right")
    for name, meter in METERS.items():
        amount = made.quantities[name]
        if amount.high:
            cost = made.dollars.get(name)
            quantity = money.quantities(amount.low, amount.high)
            table.add_row(meter.words, quantity, meter.unit, _dollars(cost) if cost else "")
    table.add_section()
    table.add_row("[bold]All of it[/]", "", "", f"[bold]{_dollars(made.total)}[/]")
    console.print(table)
    limit = (
        "no max_cost is set: no estimate stops a run" if work.max_cost is None else f"max_cost: ${work.max_cost:,.2f}"
    )
    console.print(f"The upper end is what counts; {limit}.", highlight=False)
    if kept:
        console.print(f"mode serve: afterwards ${kept:,.2f} a day for the campaigns that are kept.", highlight=False)
    console.print("\nAssumptions")
    for said in made.assumptions:
        console.print(f"  · {escape(said)}", highlight=False, soft_wrap=True)


def _dollars(amount: Range) -> str:
    return money.dollars(amount.low, amount.high)


def _data(experiment: Experiment, file: Path, folder: Path | None) -> Data:
    with tempfile.TemporaryDirectory(prefix="estimate-") as work:
        prepared = prepare(experiment, Path(work), file=file, data=folder)
        past = prepared.manifest.files.past
        return data_of(
            prepared.manifest, {kind: prepared.files[entry.key].stat().st_size for kind, entry in past.items()}
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m estimate", description="What a run of an experiment would cost on AWS. Nothing is deployed."
    )
    parser.add_argument("experiment", help="name of a file in experiments/ (quickstart), or the path of a YAML file")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the raw data, where the experiment needs one"
    )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    parser.add_argument("--region", default=region, help=f"whose prices count (AWS_REGION, or {DEFAULT_REGION})")
    parser.add_argument("--json", action="store_true", help="print the estimate as JSON instead of a table")
    return parser
