"""Small pieces of HTML: everything that comes from data passes through `escape` here."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_NOT_IN_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def escape(value: object) -> str:
    """Text for content and attributes; characters that HTML or UTF-8 cannot hold become U+FFFD."""
    return html.escape(_NOT_IN_HTML.sub("\ufffd", str(value)), quote=True)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A table cell. `html` is ready markup: whoever makes it escapes."""

    html: str
    kind: str = ""
    """Class names: `n` for numbers, `t` for running text."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A table row; its head is the first cell."""

    head: str
    """Ready markup."""
    cells: Sequence[Cell]
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows that belong together; `heading` (text) stands above them unless it is empty."""

    heading: str = ""
    rows: Sequence[Row]


def table(caption: str, columns: Sequence[str], groups: Sequence[Group], *, first: str, note: str = "") -> str:
    """A table with caption and scopes, in a box of its own that scrolls sideways and takes the keyboard's focus.

    `caption`, `columns` and `first` (the head of the first column) are text; `note` is markup under the caption.
    """
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(_group(group, width=len(columns) + 1) for group in groups if group.rows)
    under = f'<span class="note">{note}</span>' if note else ""
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption><strong>{escape(caption)}</strong>{under}</caption>"
        f'<thead><tr><th scope="col">{escape(first)}</th>{heads}</tr></thead>{body}</table></div>'
    )


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """A list of terms (text) and what they are (ready markup); empty text without pairs."""
    if not pairs:
        return ""
    inner = "".join(f"<div><dt>{escape(term)}</dt><dd>{said}</dd></div>" for term, said in pairs)
    return f'<dl class="facts">{inner}</dl>'


def section(identity: str, heading: str, *content: str) -> str:
    """A section named by its heading; empty text if nothing is in it."""
    inner = "".join(content)
    if not inner:
        return ""
    return f'<section aria-labelledby="{identity}"><h2 id="{identity}">{escape(heading)}</h2>{inner}</section>'


def code(value: Any) -> str:
    """Names, ARNs and commands."""
    return f"<code>{escape(value)}</code>"


def _kind(kind: str) -> str:
    return f' class="{escape(kind)}"' if kind else ""


def _group(group: Group, *, width: int) -> str:
    heading = ""
    if group.heading:
        heading = (
            f'<tr class="group"><th scope="rowgroup" colspan="{width}"><span>{escape(group.heading)}</span></th></tr>'
        )
    rows = "".join(
        f'<tr{_kind(row.kind)}><th scope="row">{row.head}</th>'
        + "".join(f"<td{_kind(cell.kind)}>{cell.html}</td>" for cell in row.cells)
        + "</tr>"
        for row in group.rows
    )
    return f"<tbody>{heading}{rows}</tbody>"
