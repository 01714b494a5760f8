"""Metadata columns as sparse rows of features: what a model learns from instead of names and numbers.

Every feature has a place in one list, and a row (an item, a user, an interaction) is a few (place, weight) pairs:

- a categorical value is one feature; k values of one cell (separated by |) weigh 1 / sqrt(k) each, so that the length of
  a row does not depend on their number;
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
    def learn(cls, table: Mapping[str, Sequence[Any]], kinds: Mapping[str, Kind]) -> Encoder:
        """Categories and knots from columns of equal length; columns without any information are left out."""
        columns = []
        for name, kind in kinds.items():
            if kind == "categorical":
                counts = Counter(value for cell in table[name] for value in set(values_of(cell)))
                kept = [value for value, count in counts.most_common(MAX_CATEGORIES) if count >= MIN_ROWS]
                column = Column(name=name, kind=kind, categories=tuple(sorted(kept)))
            else:
                numbers = np.array([number for cell in table[name] if (number := number_of(cell)) is not None])
                knots = np.unique(np.quantile(numbers, np.linspace(0, 1, KNOTS))) if len(numbers) else ()
                column = Column(name=name, kind=kind, knots=tuple(float(knot) for knot in knots))
            if column.size > 1:
                columns.append(column)
        return cls(columns=tuple(columns))

    def encode(self, table: Mapping[str, Sequence[Any]], *, n: int) -> SparseRows:
        """The n rows of `table`; columns that it lacks give nothing."""
        rows: list[NDArray[np.int64]] = []
        indices: list[NDArray[np.int64]] = []
        weights: list[NDArray[np.float64]] = []
        for column in self.columns:
            if column.name in table:
                r, i, w = self._column(column, table[column.name])
                rows.append(r)
                indices.append(i)
                weights.append(w)
        row = np.concatenate([*rows, np.zeros(0, np.int64)])
        order = np.argsort(row, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))])
        index = np.concatenate([*indices, np.zeros(0, np.int64)])[order]
        weight = np.concatenate([*weights, np.zeros(0)])[order]
        return SparseRows(start=start.astype(np.int64), index=index.astype(np.int32), weight=weight.astype(np.float32))

    def encode_one(self, row: Mapping[str, Any]) -> SparseRows:
        """One row, e.g. a request's context; unknown keys give nothing."""
        return self.encode({name: [row[name]] for name in self.names if name in row}, n=1)

    def _column(self, column: Column, cells: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Rows, feature places and weights of one column."""
        first, places = self._places[column.name]
        if column.kind == "categorical":
            found = [
                (row, places[value], 1 / math.sqrt(len(known)))
                for row, cell in enumerate(cells)
                if (known := sorted({value for value in values_of(cell) if value in places}))
                for value in known
            ]
            row = np.array([f[0] for f in found], np.int64)
            return row, np.array([f[1] for f in found], np.int64), np.array([f[2] for f in found], np.float64)
        numbers = [(row, number) for row, cell in enumerate(cells) if (number := number_of(cell)) is not None]
        row = np.array([n[0] for n in numbers], np.int64)
        knots = np.array(column.knots)
        value = np.clip(np.array([n[1] for n in numbers], np.float64), knots[0], knots[-1])
        below = np.clip(np.searchsorted(knots, value, side="right") - 1, 0, len(knots) - 2)
        share = (value - knots[below]) / (knots[below + 1] - knots[below])
        index = np.stack([first + below, first + below + 1], axis=1).ravel()
        weight = np.stack([1 - share, share], axis=1).ravel()
        present = weight > 0
        return np.repeat(row, 2)[present], index[present], weight[present]


@dataclass(frozen=True, kw_only=True)
class Described:
    """Rows with the encoder that made them."""

    encoder: Encoder
    rows: SparseRows

    def take(self, rows: NDArray[np.integer]) -> Described:
        """Those rows, in that order."""
        return Described(encoder=self.encoder, rows=self.rows.take(rows))

    @classmethod
    def learn(cls, table: Mapping[str, Sequence[Any]], kinds: Mapping[str, Kind], *, n: int) -> Described | None:
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
