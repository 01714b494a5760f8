"""The frame of every page: one file that asks nothing of anybody and runs no script (its own policy says so)."""

from __future__ import annotations

from evaluation.markup import escape
from evaluation.page_style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def document(title: str, body: str, *, skip: str) -> str:
    """The HTML document around `body` (markup with an element `main`); `title` and `skip` are text.

    `skip` is what the link says that leads the keyboard past what stands above `main`.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>"
        f'<a class="skip" href="#main">{escape(skip)}</a>\n{body}\n</body></html>\n'
    )
