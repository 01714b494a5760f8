"""The part of the page on what each metadata field brings."""

from __future__ import annotations

from contract.results import Importance, Report
from evaluation.markup import Cell, Group, Row, escape, table
from evaluation.words import MISSING, metric_name, signed_with_ends

_HOW = {
    "shuffled": "<p>Shuffled: the same requests again, each told another request's value of the field. What is lost is"
    " what the trained recipe makes of it.</p>",
    "left out": "<p>Left out: the recipe was trained again without the field. What is lost is what the other fields and"
    " the history cannot make up for. Each figure is a mean over the trainings; their own spread is not in the"
    " interval.</p>",
}


def importance(report: Report) -> str:
    """A group of rows per recipe, a row per field and metric; empty text if nothing was measured."""
    if not report.importance:
        return ""
    groups = []
    for recipe in dict.fromkeys(row.recipe for row in report.importance):
        rows = [_row(row) for row in report.importance if row.recipe == recipe]
        groups.append(Group(heading=recipe, rows=rows))
    return "".join(text for how, text in _HOW.items() if any(row.how == how for row in report.importance)) + table(
        "With each field, and without it",
        ["How", "Trainings", "With it − without it (95% interval)"],
        groups,
        first="Field and metric",
        note="Above zero: the field helps. Where the interval reaches zero, chance may explain it.",
    )


def _row(row: Importance) -> Row:
    head = f'<span class="name">{escape(row.field)}</span> {escape(metric_name(row.metric))}'
    cells = [Cell(html=row.how), Cell(html=str(row.trainings), kind="n")]
    if row.difference is None or row.low is None or row.high is None:
        why = f"failed: {escape(row.failure_reason)}" if row.failure_reason else MISSING
        return Row(head=head, cells=[*cells, Cell(html=why, kind="t")])
    figure = signed_with_ends(row.difference, row.low, row.high)
    return Row(head=head, cells=[*cells, Cell(html=figure, kind="n")])
