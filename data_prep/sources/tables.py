"""What a source hands over: for each dataset a table of text, not yet typed, and how its columns map to the schema's.

A `TextTable` stays on disk and is read by the database (it may be large); a `FrameTable` is a pandas frame (small, or
generated). Both know the file and the lines that their rows came from, so that a finding can name them.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import pandas as pd

from contract.fields import CREATION_TIMESTAMP, TIMESTAMP
from contract.recipes import DatasetKind

SECONDS = "seconds"
MILLISECONDS = "milliseconds"
ISO = "iso"


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """Rows whose number in a column of the file is below `at_least` are dropped."""

    column: str
    at_least: float
    reason: str
    """For the summary, e.g. "rating below 4"."""


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A delimited text file, UTF-8, or a Parquet file, whose values are read as their text."""

    path: Path
    names: tuple[str, ...]
    """The file's columns, in their order."""
    delimiter: str
    """One to four characters."""
    header: bool
    """Whether the first line holds the names."""
    quoted: bool
    """Whether fields may be put in double quotes."""
    columns: Mapping[str, str]
    """{column of the schema: column of the file}"""
    time: str = SECONDS
    """How moments are written: `seconds`, `milliseconds`, `iso` or a strptime format."""
    decimal: str = "."
    """What stands before the decimals of a number."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """{column of the schema: what separates the values in its cells}, where it is not |."""
    minimum: Minimum | None = None


@dataclass(frozen=True, kw_only=True)
class FrameTable:
    """Rows in memory: all of them text (None: empty), one column per column of the schema."""

    path: Path
    """The file the rows came from; for generated rows, the experiment's file."""
    frame: pd.DataFrame
    lines: list[int] | None = None
    """Line of each row in the file; None: the rows' numbers."""


Table = TextTable | FrameTable


def is_parquet(path: Path) -> bool:
    """By its name."""
    return path.suffix in {".parquet", ".pq"}


def open_bytes(path: Path) -> IO[bytes]:
    """A text file's bytes, of a .gz what is packed in it."""
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def moment_format(source: Table, column: str) -> str:
    """How moments are written in that column of the schema."""
    moments = {TIMESTAMP, CREATION_TIMESTAMP}
    return source.time if isinstance(source, TextTable) and column in moments else SECONDS


@dataclass(frozen=True, kw_only=True)
class Source:
    """All tables that an experiment needs."""

    tables: Mapping[DatasetKind, Table]
    titles: Table | None = None
    """Columns ITEM_ID and TITLE, maybe with equal rows: what reports call the items."""
    best_reachable: Callable[[], dict[str, float]] | None = field(default=None)
    """Generated data only: the metrics of the best possible recommendations for this hold-out."""
