"""Parts of pages that a command writes: each stands between two comments that name it and the command."""

from __future__ import annotations

from collections.abc import Iterable


def marks(name: str, maker: str) -> tuple[str, str]:
    """The comments before and behind the part; `maker`: the command's file."""
    return f"<!-- {name}: made by {maker} -->\n", f"<!-- end of {name} -->"


def replaced(text: str, name: str, maker: str, lines: Iterable[str]) -> str:
    """The text with these lines in the part of that name; ValueError unless its comments are there once."""
    begin, end = marks(name, maker)
    before, _, rest = text.partition(begin)
    if text.count(begin) != 1 or text.count(end) != 1 or end not in rest:
        why = ": the first one has no end" if begin in text and end not in rest else ""
        raise ValueError(f"there must be the comments around the table {name} once{why}")
    return before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
