"""Outer ids (any strings) to row numbers and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray


class Vocabulary:
    """An immutable, ordered set of ids; the position of an id is its row number."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids: tuple[str, ...] = tuple(ids)
        self._rows = {name: row for row, name in enumerate(self.ids)}
        if len(self._rows) != len(self.ids):
            raise ValueError("ids of a vocabulary must be distinct")

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def row(self, name: str) -> int | None:
        """Row number of an id, or None if it is unknown."""
        return self._rows.get(name)

    def rows(self, names: Iterable[str]) -> NDArray[np.int64]:
        """Row numbers; unknown ids are -1."""
        return np.fromiter(map(self._rows.get, names, repeat(-1)), dtype=np.int64)
