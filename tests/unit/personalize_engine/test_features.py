"""Metadata as sparse rows: what each kind of cell becomes, and that nothing a caller can send breaks it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from personalize_engine.data.features import Described, Encoder

TABLE = {
    "GENRES": ["Drama|War", "Drama", "War", None, "Comedy", "Comedy|Drama|War"],
    "YEAR": [1990, 2000, None, 1995, 2005, 2010],
}
KINDS = {"GENRES": "categorical", "YEAR": "numerical"}

cells = st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=8), st.booleans(), st.just("Drama|War|War"))


def test_several_values_share_the_length_of_one() -> None:
    encoder = Encoder.learn({"GENRES": TABLE["GENRES"]}, {"GENRES": "categorical"})
    assert encoder.columns[0].categories == ("Comedy", "Drama", "War")
    rows = encoder.encode({"GENRES": ["Drama", "War|Drama|Unheard", "Comedy|Drama|War", "", None]}, n=5)
    np.testing.assert_allclose(
        rows.dot(np.eye(3, dtype=np.float32)),
        np.array([[0, 1, 0], [0, 0.5**0.5, 0.5**0.5], [3**-0.5] * 3, [0, 0, 0], [0, 0, 0]]),
        atol=1e-6,
    )


def test_a_number_lies_between_its_knots() -> None:
    encoder = Encoder.learn({"YEAR": [0, 10]}, {"YEAR": "numerical"})
    knots = np.array(encoder.columns[0].knots, np.float32)
    rows = encoder.encode({"YEAR": [0, 2.5, "7", 10, 99, -5, None, "x", float("nan"), float("inf")]}, n=10)
    np.testing.assert_allclose(rows.dot(knots[:, None])[:, 0], [0, 2.5, 7, 10, 10, 0, 0, 0, 0, 0], atol=1e-5)
    np.testing.assert_allclose(rows.dot(np.ones((len(knots), 1), np.float32))[:, 0], [1] * 6 + [0] * 4, atol=1e-6)


def test_integers_that_no_float_holds_exactly_are_numbers_too() -> None:
    column = pa.chunked_array([[0, 2**53 + 1, None, -(2**63)]])
    table = {"N": column}
    encoder = Encoder.learn(table, {"N": "numerical"})
    assert len(encoder.encode(table, n=4).take(np.array([1])).index) == 1


def test_columns_that_tell_nothing_are_left_out() -> None:
    table = {"ONE": ["a", "a", "a"], "RARE": ["x", "y", "z"], "EMPTY": [None] * 3, "SAME": [4, 4, 4]}
    kinds = {"ONE": "categorical", "RARE": "categorical", "EMPTY": "numerical", "SAME": "numerical"}
    assert Described.learn(table, kinds, n=3) is None


@given(st.lists(st.tuples(cells, cells), max_size=12), st.data())
def test_any_cells_are_taken_and_rows_do_not_depend_on_their_neighbours(rows: list, data: st.DataObject) -> None:
    encoder = Encoder.learn(TABLE, KINDS)
    table = {"GENRES": [row[0] for row in rows], "YEAR": [row[1] for row in rows]}
    encoded = encoder.encode(table, n=len(rows))
    vectors = np.eye(encoder.size, dtype=np.float32)
    dense = encoded.dot(vectors)
    assert np.isfinite(dense).all()
    for row, (genres, year) in enumerate(rows):
        alone = encoder.encode_one({"GENRES": genres, "YEAR": year, "UNKNOWN": 1})
        np.testing.assert_array_equal(alone.dot(vectors)[0], dense[row])
    chosen = np.array(data.draw(st.lists(st.integers(0, max(len(rows) - 1, 0)), max_size=5 if rows else 0)), np.int64)
    np.testing.assert_array_equal(encoded.take(chosen).dot(vectors), dense[chosen])
    index, weight = encoded.padded()
    np.testing.assert_allclose((vectors[index] * weight[..., None]).sum(1) if len(rows) else dense, dense, atol=1e-6)


def test_arrows_columns_give_the_same_rows() -> None:
    arrow = {name: pa.chunked_array([pa.array(cells[:2]), pa.array(cells[2:])]) for name, cells in TABLE.items()}
    ours, theirs = Described.learn(TABLE, KINDS, n=6), Described.learn(arrow, KINDS, n=6)
    assert ours is not None
    assert theirs is not None
    assert ours.encoder == theirs.encoder
    np.testing.assert_array_equal(ours.rows.index, theirs.rows.index)
    np.testing.assert_array_equal(ours.rows.weight, theirs.rows.weight)


def test_it_survives_json() -> None:
    encoder = Encoder.learn(TABLE, KINDS)
    assert Encoder.model_validate_json(encoder.model_dump_json()) == encoder
