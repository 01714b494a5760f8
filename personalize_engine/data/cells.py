"""Features back to the cells that they were made of: what a request would bring, from a past that holds features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from personalize_engine.data.features import SEPARATOR, Described


class Cells:
    """Rows of metadata by column name. Encoded again they give the same features; what was not kept is missing."""

    def __init__(self, described: Described | None) -> None:
        self._described = described
        self._known: dict[bytes, Mapping[str, Any]] = {}

    def row(self, number: int) -> Mapping[str, Any]:
        """One row; empty without metadata."""
        if self._described is None:
            return {}
        rows = self._described.rows
        begin, end = rows.start[number : number + 2]
        index, weight = rows.index[begin:end], rows.weight[begin:end]
        key = index.tobytes() + weight.tobytes()
        if key not in self._known:
            self._known[key] = _decoded(self._described, dict(zip(index.tolist(), weight.tolist(), strict=True)))
        return self._known[key]


def _decoded(described: Described, weights: Mapping[int, float]) -> Mapping[str, Any]:
    """From {feature: weight}."""
    row: dict[str, Any] = {}
    first = 0
    for column in described.encoder.columns:
        present = [place for place in range(column.size) if first + place in weights]
        if present and column.kind == "categorical":
            row[column.name] = SEPARATOR.join(column.categories[place] for place in present)
        elif present:
            row[column.name] = float(np.dot([column.knots[k] for k in present], [weights[first + k] for k in present]))
        first += column.size
    return row
