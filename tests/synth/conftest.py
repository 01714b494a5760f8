"""Everything is synthesized once per session."""

from __future__ import annotations

from pathlib import Path

import pytest
from synth_app import EVERYTHING, MINIMAL, Template, growing, synthesize


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cdk.out")


@pytest.fixture(scope="session")
def templates(assembly: Path) -> dict[str, Template]:
    return synthesize(assembly, EVERYTHING, MINIMAL, growing(EVERYTHING, name="growing"))


@pytest.fixture(scope="session")
def everything(templates: dict[str, Template]) -> Template:
    return templates["everything"]


@pytest.fixture(scope="session")
def minimal(templates: dict[str, Template]) -> Template:
    return templates["minimal"]


@pytest.fixture(scope="session")
def grown(templates: dict[str, Template]) -> Template:
    """Like `everything`, and a run adds a column to its items."""
    return templates["growing"]
