"""The part of the page that shows a few users: what they did, what each recipe recommended, what they did next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contract.results import Example, Report
from evaluation.markup import Cell, Group, Row, escape, table
from evaluation.words import MISSING


def shown(items: Sequence[str], titles: Mapping[str, str], *, marked: Sequence[str] = ()) -> str:
    """Items in a row, by title where there is one; those of `marked` are bold."""
    made = []
    for item in items:
        text = escape(titles.get(item, item))
        made.append(f"<strong>{text}</strong>" if item in marked else text)
    return "; ".join(made) or MISSING


def examples(report: Report) -> str:
    """A table per user; empty text without examples."""
    if not report.examples:
        return ""
    return (
        "<p>Some of the users that were asked, drawn by the run's seed: no figure depends on them. Bold in a"
        " recommendation: what the user really met next.</p>"
        + "".join(_table(example, report.titles) for example in report.examples)
    )


def _table(example: Example, titles: Mapping[str, str]) -> str:
    rows = [_row("met before", shown(example.past, titles), "the newest, oldest first")]
    rows += [_answer(answer, example, titles) for answer in example.answers]
    rows.append(_row("met next", shown(example.future, titles), "held out"))
    return table(f"User {example.user}", ["When or where", "Items"], [Group(rows=rows)], first="What")


def _answer(answer: Mapping[str, Any], example: Example, titles: Mapping[str, str]) -> Row:
    context = ", ".join(f"{name}: {value}" for name, value in answer["context"].items())
    return _row(answer["recipe"], shown(answer["items"], titles, marked=example.future), context)


def _row(head: str, items: str, where: str) -> Row:
    return Row(
        head=f'<span class="name">{escape(head)}</span>', cells=[Cell(html=escape(where) or MISSING), Cell(html=items)]
    )
