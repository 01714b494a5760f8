"""The part of the page on whom and which items the recipes serve: recall by activity and by popularity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contract.results import Band, Report
from evaluation.breakdown import HEAD, MIDDLE, NEW, TAIL
from evaluation.charts import Mark, bars
from evaluation.markup import escape
from evaluation.page_results import groups, main_group, shown_name, tone
from evaluation.words import count, number

_ITEMS = {
    HEAD: "Popular items",
    MIDDLE: "Items in between",
    TAIL: "Rare items",
    NEW: "Items without a past",
}


def breakdown(report: Report) -> str:
    """Small charts, one per band, all recipes and baselines in each; empty text if nothing was counted."""
    names = [*groups(report).get(main_group(report), ()), *report.baselines]
    rows = {name: report.recipes.get(name) or report.baselines[name] for name in names}
    users = _charts(report, {name: row.recall_by_activity for name, row in rows.items()}, "activity")
    items = _charts(report, {name: row.recall_by_popularity for name, row in rows.items()}, "popularity")
    if not users and not items:
        return ""
    return (
        "<p>Recall: the share of what people really met next that was among the first 25, in the reading"
        f" “{escape(report.judged_by)}”. A recipe that repeats what is popular does well on popular items alone.</p>"
        f'<h3>By how well the user is known</h3><div class="charts three">{users}</div>'
        f'<h3>By how popular the item is</h3><div class="charts three">{items}</div>'
    )


def _charts(report: Report, bands: Mapping[str, Sequence[Band]], kind: str) -> str:
    order = list(dict.fromkeys(band.name for found in bands.values() for band in found))
    return "".join(_chart(report, bands, name, kind, identity=f"{kind}-{i}") for i, name in enumerate(order))


def _chart(report: Report, bands: Mapping[str, Sequence[Band]], name: str, kind: str, *, identity: str) -> str:
    marks = []
    said = ""
    for subject, found in bands.items():
        for band in found:
            if band.name == name:
                marks.append(
                    Mark(
                        label=shown_name(report, subject),
                        value=band.recall,
                        text=number(band.recall),
                        tone=tone(report, subject),
                    )
                )
                said = said or _said(band)
    chart = bars(marks, identity=identity, title=f"Recall@25, {name}: {said}")
    head = _ITEMS.get(name, name) if kind == "popularity" else f"{name[0].upper()}{name[1:]} third"
    return f"<figure><figcaption><strong>{escape(head)}</strong> {escape(said)}</figcaption>{chart}</figure>"


def _said(band: Band) -> str:
    if band.of:
        return f"{count(band.size)} users with {count(band.of[0])} to {count(band.of[1])} interactions"
    return f"{count(band.size)} held-out interactions"
