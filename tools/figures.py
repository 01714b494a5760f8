"""Figures of the docs: `python -m tools.figures [FOLDER…]` takes them from runs, and writes them into the pages.

A folder is that of a run's report (out/NAME); of its report.json, docs/figures/NAME.json keeps the figures alone: no
titles, ids or rows of the data. Without a folder the pages are written anew from what is kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.blocks import marks, replaced

DOCS = Path(__file__).resolve().parents[1] / "docs"
MAKER = "tools/figures.py"
KEPT = DOCS / "figures"
PAGES = (*sorted((DOCS / "scenarios").glob("*.md")), DOCS / "choosing-a-recipe.md")
METRICS = {
    "P@10": "precision_at_10",
    "NDCG@10": "normalized_discounted_cumulative_gain_at_10",
    "MRR@25": "mean_reciprocal_rank_at_25",
}
POLICY = {
    "precision_at_5": ("P@5", 3),
    "lift": ("times random", 1),
    "introduced": ("items introduced", 0),
    "per_item": ("impressions for each", 0),
}
"""{member of a policy: (what the page calls it, its decimals)}"""
QUESTIONS = {
    "user": "for a user",
    "cold-items": "new items for a user",
    "last-item": "for the last item",
    "rank-popular": "a list in order",
}


def kept(report: dict[str, Any]) -> dict[str, Any]:
    """The figures of a report.json."""
    view = report["judged_by"]

    def row(one: dict[str, Any]) -> dict[str, Any]:
        of, between = one["metrics"][view], (one.get("confidence") or {}).get(view, {})
        figures = {name: [of[name], *between.get(name, [])] for name in METRICS.values()}
        return {"figures": figures} | ({"question": one["question"]} if "question" in one else {})

    return {
        "experiment": report["experiment"],
        "finished": report["finished_at"][:10],
        "view": view,
        "users": report["evaluated_users"],
        "counts": report["data"]["counts"],
        "recipes": {name: row(one) for name, one in report["recipes"].items() if one["status"] == "succeeded"},
        "baselines": {name: row(one) for name, one in report["baselines"].items()},
        "comparisons": [one for one in report["comparisons"] if one["metric"] == METRICS["NDCG@10"]],
        **({"policies": _policies(report["cold_start"])} if report.get("cold_start") else {}),
    }


def _policies(cold_start: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: one[name] for name in ("name", *POLICY)} for one in cold_start["policies"]]


def page(text: str) -> str:
    """The page with the figures between its comments as they should be; ValueError for a comment without an end."""
    for file in sorted(KEPT.glob("*.json")):
        for kind, lines in (("table", _table), ("differences", _differences), ("policies", _introducing)):
            name = f"{file.stem} {kind}"
            if marks(name, MAKER)[0] in text:
                text = replaced(text, name, MAKER, lines(json.loads(file.read_text(encoding="utf-8"))))
    return text


def _table(figures: dict[str, Any]) -> Iterator[str]:
    past, future = figures["counts"]["past"], figures["counts"]["future"]
    yield (
        f"{past['interactions']:,} interactions in the past, {future['interactions']:,} held out; {figures['users']:,}"
        f" users asked, judged as “{figures['view']}”, with 95 % intervals. Run on {figures['finished']}.\n"
    )
    yield f"| | asked | {' | '.join(METRICS)} |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for name, row in figures["recipes"].items():
        yield f"| {name} | {QUESTIONS.get(row['question'], row['question'])} | {_cells(row)} |"
    for name, row in figures["baselines"].items():
        yield f"| {name.replace('_', ' ')} (baseline) | | {_cells(row)} |"


def _cells(row: dict[str, Any]) -> str:
    return " | ".join(_cell(*row["figures"][name]) for name in METRICS.values())


def _cell(value: float, low: float | None = None, high: float | None = None) -> str:
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f}–{high:.3f})"


def _differences(figures: dict[str, Any]) -> Iterator[str]:
    yield "| NDCG@10 of | less that of | difference | 95 % interval |"
    yield "| --- | --- | ---: | ---: |"
    for one in figures["comparisons"]:
        first, second = one["a"], one["b"].replace("_", " ")
        yield f"| {first} | {second} | {one['difference']:+.3f} | {one['low']:+.3f} to {one['high']:+.3f} |"


def _introducing(figures: dict[str, Any]) -> Iterator[str]:
    yield f"| policy | {' | '.join(name for name, _ in POLICY.values())} |"
    yield f"| --- |{' ---: |' * len(POLICY)}"
    for one in figures["policies"]:
        cells = [_spread(one[member], places) for member, (_, places) in POLICY.items()]
        yield f"| {one['name'].replace('_', ' ')} | {' | '.join(cells)} |"


def _spread(value: list[float] | None, places: int) -> str:
    if value is None:
        return "–"
    middle, low, high = (f"{one:,.{places}f}" for one in value)
    return f"{middle} ({low}–{high})"


def main(folders: Sequence[str]) -> None:
    """Keeps the figures of these runs, then writes every page."""
    for folder in folders:
        report = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
        KEPT.mkdir(exist_ok=True)
        text = json.dumps(kept(report), indent=1) + "\n"
        (KEPT / f"{report['experiment']}.json").write_text(text, encoding="utf-8")
    for file in PAGES:
        file.write_text(page(file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
