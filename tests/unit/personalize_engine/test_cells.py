"""Cells made of features give the same features again."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from personalize_engine.data.cells import Cells
from personalize_engine.data.features import Described

ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.lists(st.sampled_from("abcdé"), min_size=1, max_size=3, unique=True).map("|".join)),
        st.one_of(st.none(), st.floats(-1e3, 1e3)),
    ),
    min_size=1,
    max_size=30,
)


@given(ROWS)
def test_encoded_again_they_are_the_same(rows: list[tuple[str | None, float | None]]) -> None:
    table: dict[str, list[Any]] = {"KIND": [row[0] for row in rows], "SIZE": [row[1] for row in rows]}
    described = Described.learn(table, {"KIND": "categorical", "SIZE": "numerical"}, n=len(rows))
    cells = Cells(described)
    for number in range(len(rows)):
        row = cells.row(number)
        if described is None:
            assert row == {}
            continue
        again, same = described.encoder.encode_one(row), described.rows.take(np.array([number]))
        size = described.encoder.size
        np.testing.assert_allclose(
            again.dot(np.eye(size, dtype=np.float32)), same.dot(np.eye(size, dtype=np.float32)), atol=1e-4
        )
