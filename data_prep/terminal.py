"""How the commands speak: a console as wide as its reader needs, and errors in one form."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape


def console(*, width: int, stderr: bool = False) -> Console:
    """Standard output or error; a pipe or a file, which tells no width, gets lines of `width` characters."""
    found = Console(stderr=stderr)
    return found if found.is_terminal else Console(stderr=stderr, width=width)


def complain(text: object, *, what: str = "error") -> None:
    """To standard error, in one line of whatever length: it may be searched for."""
    Console(stderr=True).print(f"[bold red]{what}:[/] {escape(str(text))}", soft_wrap=True, highlight=False)


def note(text: str) -> None:
    """To standard error, what is no error."""
    Console(stderr=True).print(text)
