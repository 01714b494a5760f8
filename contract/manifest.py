"""data/manifest.json as types: what data_prep published. Written last, so that a half-written upload is never read.

data_prep writes it with `contract.plan.to_json`, the tasks read it with `Manifest.from_json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.as_json import from_json
from contract.naming import digest

SCHEMA = 1
VERSION_LENGTH = 16
"""Hex digits of a version."""
FUTURE, TITLES = "future", "titles.csv"
"""Names of the files that are no dataset's, in `version_of`."""


@dataclass(frozen=True, kw_only=True)
class File:
    """One object in the bucket."""

    key: str
    sha256: str
    """Hex digest of the object's bytes."""
    rows: int
    """Without the header."""
    columns: list[str]
    """The header."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Size of the past or of the future."""

    interactions: int
    users: int
    """Distinct users with interactions."""
    items: int
    """Distinct items with interactions."""


@dataclass(frozen=True, kw_only=True)
class Files:
    past: dict[str, File]
    """By dataset type: {"Interactions": …}, and Users and Items where the experiment has them."""
    future: File
    """The held-out interactions."""
    titles: File | None = None
    """What reports call the items, where the source tells."""

    @property
    def named(self) -> dict[str, File]:
        """All of them, by the names that `version_of` knows."""
        return {**self.past, FUTURE: self.future} | ({TITLES: self.titles} if self.titles else {})


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """Rows of the source that were left out, for one reason."""

    reason: str
    rows: int
    first_lines: list[int] = field(default_factory=list)
    """Line numbers of the first few in the source file."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What lies under data/VERSION/ (contract.layout)."""

    version: str
    """Digest of the content."""
    experiment: str
    holdout: dict[str, Any]
    """The hold-out as configured, e.g. {"kind": "last", "share": "1/10"}."""
    counts: dict[str, Counts]
    """{"past": …, "future": …}"""
    files: Files
    dropped: list[Dropped] = field(default_factory=list)
    duplicates: int = 0
    """Rows equal to an earlier one in every field of the schema; each is kept once."""
    repeats_share: float = 0.0
    """Share of the held-out rows whose item the same user has in the past: it decides which view judges."""
    best_reachable: dict[str, float] = field(default_factory=dict)
    """Generated data only: {metric: value} of the best possible lists, read as `returned`."""
    created_at: str | None = None
    """ISO 8601, UTC."""
    schema: int = SCHEMA

    @classmethod
    def from_json(cls, value: Any) -> Manifest:
        """Reads and checks it; ValueError names what is wrong."""
        if isinstance(value, dict) and value.get("schema") != SCHEMA:
            raise ValueError(f"manifest has schema {value.get('schema')!r}; this program reads {SCHEMA}")
        return from_json(cls, value)


def version_of(files: Mapping[str, File], holdout: Mapping[str, Any]) -> str:
    """The version that these contents have: by dataset type, FUTURE and TITLES."""
    contents = {name: [file.sha256, file.rows, file.columns] for name, file in files.items()}
    return digest(contents, holdout, length=VERSION_LENGTH)
