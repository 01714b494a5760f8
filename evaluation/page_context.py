"""The part of the page on what the context brings: the same questions with it and without it."""

from __future__ import annotations

from contract.results import Report, without_context
from evaluation.markup import Cell, Group, Row, escape, table
from evaluation.words import MISSING, metric_name, number, signed_with_ends


def context(report: Report) -> str:
    """A row per recipe that was asked in a context and metric that was compared; empty text if there is none."""
    rows = []
    for name, row in report.recipes.items():
        told = row.metrics.get(report.judged_by, {})
        untold = row.metrics_without_context.get(report.judged_by, {})
        for pair in report.comparisons:
            if (pair.a, pair.b) != (name, without_context(name)):
                continue
            cells = [
                number(told[pair.metric]) if pair.metric in told else MISSING,
                number(untold[pair.metric]) if pair.metric in untold else MISSING,
                signed_with_ends(pair.difference, pair.low, pair.high),
            ]
            head = f'<span class="name">{escape(name)}</span> {escape(metric_name(pair.metric))}'
            rows.append(Row(head=head, cells=[Cell(html=cell, kind="n") for cell in cells]))
    if not rows:
        return ""
    return (
        "<p>Users were asked once in every context of their held-out interactions, and judged by the items that they"
        " met in it. The same questions without the context tell what it brings: where the interval of the difference"
        " reaches zero, chance may explain it.</p>"
        + table(
            "With the context and without it",
            ["With", "Without", "Difference (95% interval)"],
            [Group(rows=rows)],
            first="Recipe and metric",
        )
    )
