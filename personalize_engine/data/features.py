"""Metadata columns as sparse rows of features: what a model learns from instead of names and numbers.

Every feature has a place in one list, and a row (an item, a user, an interaction) is a few (place, weight) pairs:

- a categorical value is one feature; k values of one cell (separated by |) weigh 1 / sqrt(k) each, so that the length
  of a row does not depend on their number;
- a number is spread over the two knots around it, in proportion to its nearness; knots are quantiles of the training
  data (piecewise linear encoding: Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep
  Learning", NeurIPS 2022), and values beyond the outer knots count as these;
- null, NaN, infinity and categories that were not seen in training give nothing.

A row is represented by the weighted sum of its features' learned vectors, as in Kula: "Metadata Embeddings for User and
Item Cold-start Recommendations" (CBRecSys 2015).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel

SEPARATOR = "|"
MAX_CATEGORIES = 5_000
"""Categories kept per column, the most frequent ones."""
MIN_ROWS = 2
"""Rows that must have a category for it to be kept."""
KNOTS = 8
"""At most so many per numerical column."""

Kind = Literal["categorical", "numerical"]
Table = Mapping[str, "Sequence[Any] | pa.ChunkedArray"]
"""Columns of equal length by name; Arrow's are taken without a Python object per row."""


class Column(BaseModel, frozen=True, extra="forbid"):
    """How one column becomes features."""

    name: str
    kind: Kind
    categories: tuple[str, ...] = ()
    """Of a categorical column, sorted."""
    knots: tuple[float, ...] = ()
    """Of a numerical column, ascending."""

    @property
    def size(self) -> int:
        """Number of features."""
        return len(self.categories) + len(self.knots)


@dataclass(frozen=True, kw_only=True)
class SparseRows:
    """n rows; the features of row r are `index[start[r]:start[r + 1]]`, ascending within a column."""

    start: NDArray[np.int64]
    """(n + 1,)"""
    index: NDArray[np.int32]
    weight: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def width(self) -> int:
        """Features of the fullest row."""
        return int(np.diff(self.start).max(initial=0))

    @classmethod
    def empty(cls, n: int) -> SparseRows:
        """n rows without features."""
        return cls(start=np.zeros(n + 1, np.int64), index=np.zeros(0, np.int32), weight=np.zeros(0, np.float32))

    def take(self, rows: NDArray[np.integer]) -> SparseRows:
        """Those rows, in that order."""
        lengths = np.diff(self.start)[rows]
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        place = np.repeat(self.start[:-1][rows] - start[:-1], lengths) + np.arange(start[-1])
        return SparseRows(start=start, index=self.index[place], weight=self.weight[place])

    def padded(self, width: int | None = None) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """(n, width) indices and weights; free places have index 0 and weight 0. `width`: default that of the rows."""
        width = self.width if width is None else width
        lengths = np.minimum(np.diff(self.start), width)
        filled = np.arange(width) < lengths[:, None]
        place = np.minimum(self.start[:-1, None] + np.arange(width), max(len(self.index) - 1, 0))
        if not len(self.index):
            return np.zeros((len(self), width), np.int32), np.zeros((len(self), width), np.float32)
        return np.where(filled, self.index[place], 0).astype(np.int32), np.where(filled, self.weight[place], 0)

    def dot(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, D): the weighted sums of rows of `vectors` (n_features, D)."""
        from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

        matrix = csr_matrix((self.weight, self.index, self.start), shape=(len(self), len(vectors)))
        return np.asarray(matrix @ vectors, dtype=np.float32)


class Encoder(BaseModel, frozen=True, extra="forbid"):
    """Learned on a table, applied to any later row. Saved as JSON (pydantic)."""

    columns: tuple[Column, ...] = ()

    @property
    def size(self) -> int:
        """Number of features of all columns."""
        return sum(column.size for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def _places(self) -> dict[str, tuple[int, dict[str, int]]]:
        """Per column: its first feature, and the place of each category."""
        places, first = {}, 0
        for column in self.columns:
            places[column.name] = (first, {value: first + k for k, value in enumerate(column.categories)})
            first += column.size
        return places

    @classmethod
    def learn(cls, table: Table, kinds: Mapping[str, Kind]) -> Encoder:
        """Categories and knots from columns of equal length; columns without any information are left out."""
        columns = []
        for name, kind in kinds.items():
            if kind == "categorical":
                cells, code = _distinct(table[name])
                counts: Counter[str] = Counter()
                for cell, rows in zip(cells, np.bincount(code, minlength=len(cells)).tolist(), strict=True):
                    counts.update(dict.fromkeys(values_of(cell), rows))
                kept = [value for value, count in counts.most_common(MAX_CATEGORIES) if count >= MIN_ROWS]
                column = Column(name=name, kind=kind, categories=tuple(sorted(kept)))
            else:
                numbers = _numbers(table[name])
                numbers = numbers[~np.isnan(numbers)]
                knots = np.unique(np.quantile(numbers, np.linspace(0, 1, KNOTS))) if len(numbers) else ()
                column = Column(name=name, kind=kind, knots=tuple(float(knot) for knot in knots))
            if column.size > 1:
                columns.append(column)
        return cls(columns=tuple(columns))

    def encode(self, table: Table, *, n: int) -> SparseRows:
        """The n rows of `table`; columns that it lacks give nothing."""
        parts = [self._column(column, table[column.name]) for column in self.columns if column.name in table]
        if not parts:
            return SparseRows(
                start=np.zeros(n + 1, np.int64), index=np.zeros(0, np.int32), weight=np.zeros(0, np.float32)
            )
        return parts[0] if len(parts) == 1 else _side_by_side(parts)

    def encode_one(self, row: Mapping[str, Any]) -> SparseRows:
        """One row, e.g. a request's context; unknown keys give nothing."""
        return self.encode({name: [row[name]] for name in self.names if name in row}, n=1)

    def _column(self, column: Column, cells: Sequence[Any] | pa.ChunkedArray) -> SparseRows:
        first, places = self._places[column.name]
        if column.kind == "numerical":
            return _between_knots(_numbers(cells), np.array(column.knots), first)
        distinct, code = _distinct(cells)
        known = [sorted({places[value] for value in values_of(cell) if value in places}) for cell in distinct]
        lengths = np.array([len(row) for row in known], np.int64)
        return SparseRows(
            start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            index=np.array([place for row in known for place in row], np.int32),
            weight=np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths).astype(np.float32),
        ).take(code)


@dataclass(frozen=True, kw_only=True)
class Described:
    """Rows with the encoder that made them."""

    encoder: Encoder
    rows: SparseRows

    def take(self, rows: NDArray[np.integer]) -> Described:
        """Those rows, in that order."""
        return Described(encoder=self.encoder, rows=self.rows.take(rows))

    @classmethod
    def learn(cls, table: Table, kinds: Mapping[str, Kind], *, n: int) -> Described | None:
        """Encoder and rows of one table; None if its columns tell nothing."""
        encoder = Encoder.learn(table, kinds)
        return cls(encoder=encoder, rows=encoder.encode(table, n=n)) if encoder.columns else None


def values_of(cell: Any) -> Iterable[str]:
    """The values of a categorical cell: of a string the parts between |, of a boolean its name, of null none."""
    if cell is None:
        return ()
    return (part for part in str(cell).split(SEPARATOR) if part)


def number_of(cell: Any) -> float | None:
    """A numerical cell; None where it is null, no number or not finite."""
    if cell is None or isinstance(cell, bool):
        return None
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _distinct(cells: Sequence[Any] | pa.ChunkedArray) -> tuple[list[Any], NDArray[np.int64]]:
    """Distinct cells, and the place of each row's cell among them."""
    if isinstance(cells, pa.ChunkedArray):
        encoded = pc.dictionary_encode(cells, null_encoding="encode").combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):  # no rows at all
            return [], np.zeros(0, np.int64)
        return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
    places: dict[Any, int] = {}
    code = [places.setdefault((type(cell), cell), len(places)) for cell in cells]
    return [cell for _, cell in places], np.array(code, np.int64)


def _numbers(cells: Sequence[Any] | pa.ChunkedArray) -> NDArray[np.float64]:
    """(n,) NaN where there is no finite number."""
    if isinstance(cells, pa.ChunkedArray):
        numbers = cells.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
    else:
        numbers = np.array([math.nan if (number := number_of(cell)) is None else number for cell in cells], np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _between_knots(numbers: NDArray[np.float64], knots: NDArray[np.float64], first: int) -> SparseRows:
    """The features from `first` on, one per knot."""
    value = np.clip(numbers, knots[0], knots[-1])
    below = np.clip(np.searchsorted(knots, value, side="right") - 1, 0, len(knots) - 2)
    share = (value - knots[below]) / (knots[below + 1] - knots[below])
    weight = np.stack([1 - share, share], axis=1)
    present = weight > 0  # neither zero nor NaN
    return SparseRows(
        start=np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int64),
        index=(first + below[:, None] + np.arange(2))[present].astype(np.int32),
        weight=weight[present].astype(np.float32),
    )


def _side_by_side(parts: Sequence[SparseRows]) -> SparseRows:
    """Row r has the features of row r of all parts, in their order."""
    lengths = [np.diff(part.start) for part in parts]
    start = np.concatenate([[0], np.cumsum(np.sum(lengths, axis=0))]).astype(np.int64)
    index = np.empty(start[-1], np.int32)
    weight = np.empty(start[-1], np.float32)
    begin = start[:-1].copy()
    for part, length in zip(parts, lengths, strict=True):
        place = np.repeat(begin - part.start[:-1], length) + np.arange(len(part.index))
        index[place], weight[place] = part.index, part.weight
        begin += length
    return SparseRows(start=start, index=index, weight=weight)
