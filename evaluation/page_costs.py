"""The part of the page on money: what the run was estimated to take, what it took, and both in US dollars."""

from __future__ import annotations

from collections.abc import Sequence

from contract.results import CostLine, Report
from evaluation import money
from evaluation.markup import Cell, Group, Row, escape, table
from evaluation.words import MISSING

_LOCAL = (
    "<p><strong>As if on AWS.</strong> Nothing was billed: this run was in the local cloud. The estimate is that of the"
    " same run on Amazon Personalize, where retired recipes are trained as their successors. The actual quantities are"
    " what was counted here, and training hours are those of this machine, not of the service; the dollars say what"
    " such quantities would cost there.</p>"
)
_ON_AWS = (
    "<p>Estimated before the first billed call, and what was counted while the run went on. What earlier runs had made"
    " was not billed again and is not in it. The bill is what AWS says it is.</p>"
)


def costs(report: Report) -> str:
    """A line per billable quantity; empty text for a report without costs."""
    found = report.costs
    if found is None:
        return ""
    rows = [_row(line) for line in found.lines]
    total = [MISSING, _dollars(found.estimated_dollars), MISSING, _dollars(found.actual_dollars)]
    rows.append(Row(head="All of it, as far as it was counted", cells=[Cell(html=cell, kind="n") for cell in total]))
    limit = "" if found.max_cost is None else f"<p>The run was allowed to cost ${found.max_cost:,.2f} (max_cost).</p>"
    caption = "Estimated and actual" + (", as if on AWS" if report.backend == "local" else "")
    said = "".join(f"<li>{escape(text)}</li>" for text in (*found.notes, *found.assumptions))
    return (
        (_LOCAL if report.backend == "local" else _ON_AWS)
        + table(
            caption,
            ["Estimated", "US dollars", "Actual", "US dollars"],
            [Group(rows=rows)],
            first="Quantity",
            note=f"Prices of {escape(found.region)}. Two figures are the least and the most that it can be.",
        )
        + limit
        + (f"<p>Behind the estimate:</p><ul>{said}</ul>" if said else "")
    )


def _row(line: CostLine) -> Row:
    cells = [
        _amount(line.estimated),
        _dollars(line.estimated_dollars),
        _amount(line.actual),
        _dollars(line.actual_dollars),
    ]
    head = f'<span class="name">{escape(line.words)}</span> {escape(line.unit)}'
    return Row(head=head, cells=[Cell(html=cell, kind="n") for cell in cells])


def _amount(ends: Sequence[float] | None) -> str:
    return escape(money.quantities(*ends)) if ends else MISSING


def _dollars(ends: Sequence[float] | None) -> str:
    return escape(money.dollars(*ends)) if ends else MISSING
