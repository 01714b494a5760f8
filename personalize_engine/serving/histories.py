"""Interactions by user, then time, as one Arrow table: what a user did is a slice of it.

Columns: USER_ID and ITEM_ID (dictionary-encoded), TIMESTAMP, and whatever else is known of an interaction. The table
may be memory-mapped: only what is asked for is read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contract import fields
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models.base import Interaction
from personalize_engine.serving.imported import encoded, find_id

OWN = (fields.USER_ID, fields.ITEM_ID, fields.TIMESTAMP)
NO_PROPERTIES = (*OWN, fields.EVENT_VALUE, fields.IMPRESSION, fields.RECOMMENDATION_ID)
"""Columns that are no properties of an `Interaction`."""


class Histories:
    """Looks up users in a table of which every column is one chunk, the codes of USER_ID ascending."""

    def __init__(self, table: pa.Table) -> None:
        users: pa.DictionaryArray = table.column(fields.USER_ID).chunk(0)
        self._names = pa.chunked_array([users.dictionary])
        self._user: NDArray[np.int32] = users.indices.to_numpy()
        self._item: pa.DictionaryArray = table.column(fields.ITEM_ID).chunk(0)
        self._at = table.column(fields.TIMESTAMP).chunk(0)
        self._more = {name: table.column(name).chunk(0) for name in table.column_names if name not in NO_PROPERTIES}

    def __len__(self) -> int:
        return len(self._user)

    @property
    def any_user(self) -> str:
        """The first of the users."""
        return str(self._names[0].as_py())

    def span(self, user_id: str) -> tuple[int, int]:
        """The user's first row and the one behind the last; equal if there is none."""
        code = find_id(self._names, user_id)
        if code is None:
            return 0, 0
        low, high = np.searchsorted(self._user, np.array([code, code + 1], np.int32))
        return int(low), int(high)

    def rows(self, start: int, end: int) -> list[Interaction]:
        """Those rows; EVENT_TYPE and metadata that is not null are their properties."""
        return self._interactions(lambda column: column.slice(start, end - start))

    def newest(self, user_id: str, limit: int) -> list[Interaction]:
        """A user's newest interactions, oldest first; empty for an unknown user."""
        start, end = self.span(user_id)
        return self.rows(max(start, end - limit), end)

    def newest_per_type(self, user_id: str, limit: int) -> list[Interaction]:
        """A user's newest interactions of each event type, oldest first."""
        start, end = self.span(user_id)
        if fields.EVENT_TYPE not in self._more:
            return self.rows(max(start, end - limit), end)
        theirs = pa.chunked_array([self._more[fields.EVENT_TYPE].slice(start, end - start)])
        kinds = encoded(theirs).indices.fill_null(-1).to_numpy()
        kept = [np.flatnonzero(kinds == kind)[-limit:] for kind in np.unique(kinds)]
        rows = pa.array(np.sort(np.concatenate([*kept, np.zeros(0, np.int64)])) + start)
        return self._interactions(lambda column: column.take(rows))

    def first_moments(self, items: Vocabulary) -> NDArray[np.int64]:
        """(n_items,) Unix seconds of the first interaction with each item; -1 without one."""
        codes, never = self._item.dictionary, np.iinfo(np.int64).max
        by_code = np.full(len(codes), never)
        np.minimum.at(by_code, self._item.indices.to_numpy(), self._at.to_numpy())
        rows = items.rows(codes.to_pylist())
        first = np.full(len(items), never)
        first[rows[rows >= 0]] = by_code[rows >= 0]
        return np.where(first == never, -1, first)

    @property
    def newest_moment(self) -> int:
        """Unix seconds of the newest interaction of all."""
        return int(self._at.to_numpy().max(initial=0))

    def _interactions(self, part: Any) -> list[Interaction]:
        items, moments = _values(part(self._item)), _values(part(self._at))
        values = {name: _values(part(column)) for name, column in self._more.items()}
        found = []
        for row, (item, at) in enumerate(zip(items, moments, strict=True)):
            properties = {name: column[row] for name, column in values.items() if column[row] is not None}
            kind = properties.get(fields.EVENT_TYPE)
            found.append(Interaction(item_id=item, at=at, event_type=kind, properties=properties))
        return found


def _values(column: pa.Array) -> list[Any]:
    """`to_pylist`, in a twentieth of its time where NumPy knows the same values."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_integer(column.type)):
        return list(column.to_pylist())
    if column.null_count and not pa.types.is_string(column.type):
        return list(column.to_pylist())  # NumPy has no integer that is not there
    return list(column.to_numpy(zero_copy_only=False).tolist())


def history_table(past: Past, more: pa.Table | None = None) -> pa.Table:
    """The table of a past; `more` has further columns of its rows."""
    columns: dict[str, Any] = {
        fields.USER_ID: pa.DictionaryArray.from_arrays(past.user, pa.array(past.users.ids, pa.string())),
        fields.ITEM_ID: pa.DictionaryArray.from_arrays(past.item, pa.array(past.items.ids, pa.string())),
        fields.TIMESTAMP: pa.array(past.at),
    }
    if more is not None:
        columns |= {name: more.column(name).combine_chunks() for name in more.column_names}
    return pa.table(columns)
