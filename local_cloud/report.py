"""Fetches what a run wrote, and prints the comparison: the answer that the user waited for."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import ClientError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contract import layout
from contract.manifest import Manifest
from contract.recipes import RECIPES
from contract.results import BaselineResult, RecipeResult, Report
from local_cloud.services import LocalCloud

SUFFIXES = ("json", "html")
SHOWN = {
    "precision_at_10": "P@10",
    "normalized_discounted_cumulative_gain_at_10": "NDCG@10",
    "mean_reciprocal_rank_at_25": "MRR@25",
}
REACHABLE = "precision_at_10"
APPROXIMATION = "≈"
"""Behind the name of a recipe that the engine's own model stood in for."""


TITLES = "titles.csv"


def fetch(cloud: LocalCloud, *, bucket: str, run_id: str, out: Path) -> list[Path]:
    """Copy the run's report.json and report.html, as far as they exist, to out/RUN_ID/ and, newest, to out/."""
    s3 = cloud.client("s3")
    folder = out / run_id
    folder.mkdir(parents=True, exist_ok=True)
    fetched = []
    for suffix in SUFFIXES:
        path = folder / f"report.{suffix}"
        try:
            s3.download_file(bucket, layout.report(run_id, suffix), str(path))
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchKey"}:
                raise
            continue
        shutil.copyfile(path, out / path.name)
        fetched.append(path)
    return fetched


def fetch_titles(cloud: LocalCloud, *, bucket: str, folder: Path) -> None:
    """Copy what the source calls the items beside the run's report, where it tells."""
    s3 = cloud.client("s3")
    manifest = Manifest.from_json(json.loads(s3.get_object(Bucket=bucket, Key=layout.MANIFEST)["Body"].read()))
    if manifest.files.titles:
        s3.download_file(bucket, manifest.files.titles.key, str(folder / TITLES))


def read(path: Path) -> Report:
    """The report as types."""
    return Report.from_json(json.loads(path.read_text()))


def comparison(report: Report) -> Table:
    """Recipes and baselines in the reading that decides, each figure with its 95 % interval.

    Recipes that were asked another question than the best one stand apart: they are not ranked against it.
    """
    title = f"{report.experiment}: {report.evaluated_users} users asked, judged as “{report.judged_by}”\n"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("recipe", overflow="fold")
    for label in SHOWN.values():
        table.add_column(f"{label}  95 %", justify="right", no_wrap=True)
    table.add_column("train", justify="right", no_wrap=True)
    ranked, apart = _by_question(report)
    for name, result in ranked:
        table.add_row(*_row(report, name, result), style="bold" if name == report.best else "")
    if apart:
        table.add_section()
        table.add_row(Text("another question", style="dim"))
        for name, result in apart:
            table.add_row(*_row(report, name, result, indent=" "))
    table.add_section()
    table.add_row(Text("baselines", style="dim"))
    for name, baseline in sorted(report.baselines.items(), key=lambda row: -_value(report, row[1])):
        table.add_row(Text(f" {name.replace('_', ' ')}", style="dim"), *_figures(report, baseline), "")
    return table


def show(console: Console, report: Report, *, verdict: str | None, paths: Sequence[Path]) -> None:
    """Print the comparison, what its marks mean, what failed and why, the verdict, and where the report lies."""
    console.print()
    console.print(comparison(report))
    console.print()
    if any(result.approximation for result in report.recipes.values()):
        console.print(Text(f"{APPROXIMATION} a local approximation: not trained by Amazon Personalize", "dim"))
    for name, result in report.recipes.items():
        if result.status == "failed":
            console.print(Text(f"{name} failed: {result.failure_reason}", style="red"))
    if reachable := reached(report):
        console.print(Text(reachable))
    if verdict:
        console.print(Text(f"\n{verdict}", style="bold"))
    console.print()
    for path in paths:
        console.print(Text(f"  {path}"), soft_wrap=True)


def reached(report: Report) -> str | None:
    """How near each ranked recipe comes to the best that generated data allow, if the data say what that is."""
    best = (report.data.get("best_reachable") or {}).get(REACHABLE)
    if not best:
        return None
    shares = [
        f"{name} {result.metrics[report.judged_by][REACHABLE] / best:.0%}"
        for name, result in _by_question(report)[0]
        if result.status == "succeeded"
    ]
    return (
        f"Best reachable {SHOWN[REACHABLE]} by the generator's own rules: {_short(best)}. Of that: {', '.join(shares)}"
    )


def _by_question(report: Report) -> tuple[list[tuple[str, RecipeResult]], list[tuple[str, RecipeResult]]]:
    """Recipes of the best one's type that were asked what it was asked (without a best: most were), and the others."""
    asked = {name: _asked(name, result) for name, result in report.recipes.items()}
    main = asked[report.best] if report.best else max(asked.values(), key=list(asked.values()).count)
    rows = sorted(report.recipes.items(), key=lambda row: -_value(report, row[1]))
    return [row for row in rows if asked[row[0]] == main], [row for row in rows if asked[row[0]] != main]


def _asked(name: str, result: RecipeResult) -> tuple[str, str]:
    row = RECIPES.get(name)
    return (row.type.value if row else "", result.question)


def _row(report: Report, name: str, result: RecipeResult, *, indent: str = "") -> list[Text | str]:
    shown = Text(indent + name + (APPROXIMATION if result.approximation else ""))
    if result.status != "succeeded":
        return [shown, Text(result.status, style="red"), "", "", ""]
    took = "" if result.training_seconds is None else _seconds(result.training_seconds)
    return [shown, *_figures(report, result), took]


def _figures(report: Report, result: RecipeResult | BaselineResult) -> list[str]:
    values = result.metrics.get(report.judged_by, {})
    intervals = result.confidence.get(report.judged_by, {})
    cells = []
    for metric in SHOWN:
        value = values.get(metric)
        if value is None or not math.isfinite(value):
            cells.append("–")
            continue
        low_high = intervals.get(metric)
        cells.append(_short(value) + (f" {_short(low_high[0])}–{_short(low_high[1])}" if low_high else ""))
    return cells


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"  # as short as the heading: the table fits 80 columns


def _short(value: float) -> str:
    """.206: every figure here lies between 0 and 1."""
    return f"{value:.3f}".removeprefix("0")


def _value(report: Report, result: RecipeResult | BaselineResult) -> float:
    value = result.metrics.get(report.judged_by, {}).get("normalized_discounted_cumulative_gain_at_10", -1.0)
    return value if math.isfinite(value) else -1.0
