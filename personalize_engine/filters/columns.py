"""Columns of the Items dataset laid out by the items of a model, so that a condition is one pass over an array."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contract import fields
from personalize_engine.data.vocabulary import Vocabulary

KEPT = 16
"""Pairs of a table and a vocabulary that are held at once."""


@dataclass(frozen=True)
class Numbers:
    """A numerical column."""

    values: NDArray[Any]
    """(n_items,) in the column's own type; 0 where nothing is known."""
    known: NDArray[np.bool_]
    """(n_items,)"""


@dataclass(frozen=True)
class _Values:
    """A string column, inverted: the items that have the k-th value are `item[start[k]:start[k + 1]]`."""

    place: dict[str, int]
    start: NDArray[np.int64]
    item: NDArray[np.int64]


class ItemColumns:
    """A table of items seen from a vocabulary; items that the table lacks have no values. Columns are laid out once."""

    def __init__(self, table: pa.Table, items: Vocabulary) -> None:
        self.items = items
        self._table = table
        place = items.rows(table.column(fields.ITEM_ID).to_pylist())
        self._found = np.flatnonzero(place >= 0)
        """Rows of the table that are items of the vocabulary."""
        self._item = place[self._found]
        """For each of `_found`: its row number in the vocabulary."""
        self._numbers: dict[str, Numbers] = {}
        self._values: dict[str, _Values] = {}

    def numbers(self, name: str) -> Numbers:
        """The column; nothing is known of it if the table lacks it, or holds no numbers there."""
        if (ready := self._numbers.get(name)) is None:
            ready = self._numbers[name] = self._lay_out_numbers(name)
        return ready

    def having(self, name: str, values: Iterable[str]) -> NDArray[np.bool_]:
        """(n_items,) whether an item has one of the values in its cell, which may hold several."""
        if (ready := self._values.get(name)) is None:
            ready = self._values[name] = self._invert(name)
        met = np.zeros(len(self.items), bool)
        for value in values:
            if (place := ready.place.get(value)) is not None:
                met[ready.item[ready.start[place] : ready.start[place + 1]]] = True
        return met

    def _column(self, name: str, of_type: Callable[[Any], bool]) -> Any:
        """The cells of `_found`; None if there is no such column (any more: schemas are updated, filters are not)."""
        if name not in self._table.column_names or not of_type(self._table.schema.field(name).type):
            return None
        return self._table.column(name).combine_chunks().take(pa.array(self._found))

    def _lay_out_numbers(self, name: str) -> Numbers:
        n = len(self.items)
        column = self._column(name, lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind))
        if column is None:
            return Numbers(np.zeros(n), np.zeros(n, bool))
        valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
        filled = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
        values = np.zeros(n, filled.dtype)
        values[self._item] = filled
        known = np.zeros(n, bool)
        known[self._item] = valid & ~np.isnan(filled)
        return Numbers(values, known)

    def _invert(self, name: str) -> _Values:
        column = self._column(name, lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind))
        if column is None:
            return _Values({}, np.zeros(1, np.int64), np.zeros(0, np.int64))
        if name == fields.ITEM_ID:  # an id is never several values
            parents, values = np.arange(len(column)), column
        else:
            parts = pc.split_pattern(column, fields.MULTI_VALUE_SEPARATOR)
            parents, values = pc.list_parent_indices(parts).to_numpy(), pc.list_flatten(parts)
        encoded = pc.dictionary_encode(values)
        code = encoded.indices.to_numpy()
        order = np.argsort(code, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(code, minlength=len(encoded.dictionary)))])
        place = {value: k for k, value in enumerate(encoded.dictionary.to_pylist())}
        return _Values(place, start.astype(np.int64), self._item[parents[order]])


class PreparedColumns:
    """What was asked for last, prepared; thread-safe. A table that changes is another object, and the old one goes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, int], tuple[pa.Table, ItemColumns]] = OrderedDict()

    def get(self, dataset_group: str, table: pa.Table, items: Vocabulary) -> ItemColumns:
        """The group's table of items as it is now, as seen from the vocabulary."""
        key = (dataset_group, id(items))  # the vocabulary is held below, so its identity is not used again
        with self._lock:
            held = self._held.get(key)
            if held is not None and held[0] is table:
                self._held.move_to_end(key)
                return held[1]
        prepared = ItemColumns(table, items)
        with self._lock:
            outdated = [
                other for other in self._held if other[0] == dataset_group and self._held[other][0] is not table
            ]
            for other in outdated:
                del self._held[other]
            self._held[key] = (table, prepared)
            while len(self._held) > KEPT:
                self._held.popitem(last=False)
        return prepared
