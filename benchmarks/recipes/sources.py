"""Which source files a result depends on: a module and all of the project that it imports, followed to the end.

Read from the syntax, so that an import within a function counts as well and nothing is executed. Comments, docstrings
and layout do not count.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def digest(modules: Iterable[str], *, without: Collection[str] = (), root: Path = ROOT) -> str:
    """A digest of the sources of these modules and of what they import, except `without` and what only it imports."""
    total = hashlib.sha256()
    for path in sorted(closure(modules, without=without, root=root)):
        total.update(f"{path.relative_to(root)}\0".encode())
        total.update(_meaning(path).encode())
    return total.hexdigest()


def closure(modules: Iterable[str], *, without: Collection[str] = (), root: Path = ROOT) -> set[Path]:
    """The files themselves."""
    found: set[Path] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = _file(name, root)
        if path is None or path in found or name in without:
            continue
        found.add(path)
        waiting += _imports(path)
    return found


def _meaning(path: Path) -> str:
    """The syntax without texts that stand alone: docstrings and those behind an attribute."""
    tree = _parsed(path)
    for node in ast.walk(tree):
        for name, part in ast.iter_fields(node):
            if isinstance(part, list):
                setattr(node, name, [statement for statement in part if not _is_text(statement)])
    return ast.dump(tree)


def _is_text(statement: object) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _file(module: str, root: Path) -> Path | None:
    """The module's file; None if it is not one of the project's."""
    path = root.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
