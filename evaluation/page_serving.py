"""The part of the page on what applications are served after a run in mode serve."""

from __future__ import annotations

from contract.results import JUDGE_METRIC, Report
from evaluation.markup import Cell, Group, Row, escape, table
from evaluation.serving import described, promotions
from evaluation.verdict import judged_value
from evaluation.words import MISSING, metric_name, number

_DECISIONS = {
    "first": "Served from now on: nothing was before",
    "unchanged": "Served already",
    "replaced": "Served from now on",
    "kept": "Not served: what was before is better",
}


def serving(report: Report) -> str:
    """A row per recipe that is served; empty text if none is."""
    rows = []
    for name, promotion in promotions(report).items():
        before, now = promotion.served, judged_value(report, name, view=promotion.view)
        cells = [
            escape(_DECISIONS[promotion.decision]),
            number(now),
            number(before),
            escape(described(promotion)) or MISSING,
        ]
        rows.append(
            Row(head=f'<span class="name">{escape(name)}</span>', cells=[Cell(html=cell, kind="n") for cell in cells])
        )
    if not rows:
        return ""
    return (
        "<p>Applications ask a campaign that stays. A new version replaces the one that it serves unless it is worse by"
        " more than chance: both were asked about the same users and judged by the same held-out items, and the whole"
        " 95% interval of the difference must lie below zero for what is served to stay.</p>"
        + table(
            "This run's versions",
            ["Decision", f"{metric_name(JUDGE_METRIC)}, new", "Served before", "Difference"],
            [Group(rows=rows)],
            first="Recipe",
        )
    )
