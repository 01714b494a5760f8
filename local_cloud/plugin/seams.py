"""How the plug-in reaches into MiniStack: every place is checked before it is touched.

MiniStack has no interface for plug-ins, so each seam replaces or wraps one function of it. A seam names the function
and the parameters it was written against; if a later MiniStack moved it, the server refuses to start and says which
seam has to be looked at, instead of running with a check that silently does nothing.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

WRITTEN_AGAINST = "1.5.33"
"""The MiniStack release that all seams here were written for (pinned in requirements-local.in)."""


class SeamMoved(Exception):
    """MiniStack is not built as a seam expects."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(
            f"{where}: {problem}. The plug-in was written against MiniStack {WRITTEN_AGAINST};"
            " install that version, or adapt local_cloud/plugin."
        )


def wrap(module: ModuleType | type, name: str, parameters: str, around: Callable[[Any], Any]) -> None:
    """Replace `module.name`, a function with these parameters ("a, b, c"), by `around(original)`."""
    where = f"{module.__name__}.{name}"
    original = getattr(module, name, None)
    if not callable(original):
        raise SeamMoved(where, "is gone")
    found = ", ".join(inspect.signature(original).parameters)
    if found != parameters:
        raise SeamMoved(where, f"has the parameters ({found}), not ({parameters})")
    setattr(module, name, functools.update_wrapper(around(original), original))


def expect(condition: bool, where: str, problem: str) -> None:
    """Raise SeamMoved unless the condition holds."""
    if not condition:
        raise SeamMoved(where, problem)
