"""The summary that the command prints: what was read, what was left out and why, what was written."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from contract.manifest import Dropped
from data_prep.prepare import Prepared


def show(prepared: Prepared, console: Console, *, where: str | None) -> None:
    """Prints the summary; `where`: the published manifest, None if nothing was published."""
    manifest = prepared.manifest
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for kind, rows in prepared.read.items():
        table.add_row("read", f"{rows:,}", f"{kind} from {_short(prepared.sources[kind])}")
    for entry in manifest.dropped:
        table.add_row("dropped", f"{entry.rows:,}", _why(entry))
    if manifest.duplicates:
        table.add_row(
            "duplicates", f"{manifest.duplicates:,}", "Interactions equal to an earlier row in every field: kept once"
        )
    past, future = manifest.counts["past"], manifest.counts["future"]
    table.add_row("past", f"{past.interactions:,}", f"Interactions of {past.users:,} users with {past.items:,} items")
    for name, file in manifest.files.past.items():
        if name != "Interactions":
            table.add_row("", f"{file.rows:,}", name)
    said = ", ".join([manifest.holdout["kind"], *(f"{k} {v}" for k, v in manifest.holdout.items() if k != "kind")])
    table.add_row(
        "future",
        f"{future.interactions:,}",
        f"Interactions of {future.users:,} users held out ({said});"
        f" {manifest.repeats_share:.0%} repeat the user's past",
    )
    if best := manifest.best_reachable.get("precision_at_10"):
        table.add_row("best", f"{best:.3f}", "precision at 10 that the generator's own rules allow")
    console.print(table)
    console.print(
        f"Version {manifest.version}: {where}"
        if where
        else "Nothing was published: add --out FOLDER, --stack or --bucket NAME.",
        soft_wrap=True,
    )


def _why(entry: Dropped) -> str:
    lines = ", ".join(map(str, entry.first_lines))
    return entry.reason + (
        f" (line{'s' * (entry.rows > 1)} {lines}{', …' if entry.rows > len(entry.first_lines) else ''})"
        if lines
        else ""
    )


def _short(path: Path) -> str:
    """Relative to the current folder where that is shorter."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
