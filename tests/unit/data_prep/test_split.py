"""The hold-outs on DuckDB equal the rule of the contract and a plain pandas version, for any data."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.plain_pandas import future_mask
from contract.fields import ITEM_ID, TIMESTAMP, USER_ID
from contract.holdout import future_count
from data_prep.database import ROW, Database
from data_prep.split import future_rows, place, repeats
from data_prep.validate import duplicate_rows, repeated
from experiments.config import AfterTime, ColdItems, HoldOut, LastShare

rows = st.lists(
    st.tuples(st.sampled_from("abcdé"), st.sampled_from([f"i{n}" for n in range(12)]), st.integers(0, 8)),
    min_size=1,
    max_size=60,
)
shares = st.one_of(
    st.sampled_from([Fraction(1, 10), Fraction(7, 100), Fraction(1, 3), Fraction(1, 2), Fraction(999_999, 1_000_000)]),
    st.fractions(Fraction(1, 1000), Fraction(999, 1000), max_denominator=1000),
)
holdouts = st.one_of(
    shares.map(lambda share: LastShare(share=share)),
    st.integers(0, 9).map(lambda moment: AfterTime(kind="after", timestamp=moment)),
    st.builds(
        lambda items, share, seed: ColdItems(kind="cold", items=items, share=share, seed=seed),
        st.sampled_from(["random", "newest"]),
        shares,
        st.integers(0, 3),
    ),
)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as work, Database(Path(work)) as opened:
        yield opened


def frame_of(data: list[tuple[str, str, int]]) -> pd.DataFrame:
    return pd.DataFrame(data, columns=[USER_ID, ITEM_ID, TIMESTAMP])


def table_of(database: Database, frame: pd.DataFrame, name: str = "interactions") -> Any:
    """As a table of the database; the order of its rows must not matter, only `ROW` does."""
    numbered = frame.assign(**{ROW: range(len(frame))}).sample(frac=1, random_state=1)
    database.register(name, pa.Table.from_pandas(numbered, preserve_index=False))
    return ibis.table({USER_ID: "string", ITEM_ID: "string", TIMESTAMP: "int64", ROW: "int64"}, name=name)


def future_of(database: Database, frame: pd.DataFrame, holdout: HoldOut) -> set[int]:
    return {row[ROW] for row in database.records(future_rows(table_of(database, frame), holdout))}


@settings(max_examples=60, deadline=None)
@given(data=rows, holdout=holdouts)
def test_equals_plain_pandas(database: Database, data: list[tuple[str, str, int]], holdout: HoldOut) -> None:
    frame = frame_of(data)
    expected = future_mask(frame, holdout)
    assert future_of(database, frame, holdout) == set(frame.index[expected])


@settings(max_examples=40, deadline=None)
@given(data=rows, share=shares)
def test_last_holds_out_what_the_contract_says(
    database: Database, data: list[tuple[str, str, int]], share: Fraction
) -> None:
    frame = frame_of(data)
    future = future_of(database, frame, LastShare(share=share))
    counts = Counter(frame[USER_ID])
    held_out = Counter(frame.loc[sorted(future), USER_ID])
    assert held_out == Counter({user: k for user, n in counts.items() if (k := future_count(n, share))})
    for user in counts:
        own = [(t, row) for row, (u, t) in enumerate(zip(frame[USER_ID], frame[TIMESTAMP], strict=True)) if u == user]
        assert [row in future for _, row in sorted(own)] == sorted(row in future for _, row in own)


def test_ties_keep_the_order_of_the_file(database: Database) -> None:
    frame = frame_of([("a", f"i{n}", 5) for n in range(4)] + [("a", "late", 4)])
    assert future_of(database, frame, LastShare(share=Fraction(2, 5))) == {2, 3}


def test_a_share_is_exact(database: Database) -> None:
    frame = frame_of([("a", f"i{n}", n) for n in range(100)])
    assert len(future_of(database, frame, LastShare(share=Fraction(7, 100)))) == 7


def test_cold_items_take_all_their_interactions(database: Database) -> None:
    frame = frame_of([("a", "x", 1), ("a", "y", 2), ("b", "y", 0), ("b", "z", 3)])
    newest = ColdItems(kind="cold", items="newest", share=Fraction(1, 3))
    assert future_of(database, frame, newest) == {3}
    half = ColdItems(kind="cold", share=Fraction(1, 2))
    cold = {frame[ITEM_ID][row] for row in future_of(database, frame, half)}
    assert {frame[ITEM_ID][row] for row in set(range(4)) - future_of(database, frame, half)} == {"x", "y", "z"} - cold


def test_repeats_are_rows_of_items_that_the_user_has_in_the_past(database: Database) -> None:
    data = [("a", "x", 1), ("b", "y", 2), ("a", "x", 3), ("a", "x", 4), ("a", "y", 5), ("b", "x", 6)]
    table = table_of(database, frame_of(data))
    after = AfterTime(kind="after", timestamp=3)
    assert database.number(repeats(place(table, future_rows(table, after)))) == 2


def test_placed_rows_are_in_the_order_of_the_file(database: Database) -> None:
    frame = frame_of([(f"u{n % 7}", f"i{n % 11}", n * 37 % 101) for n in range(500)])
    table = table_of(database, frame)
    stored = database.create("placed", place(table, future_rows(table, LastShare())))
    assert [row[ROW] for row in database.records(stored)] == list(range(500))


@settings(max_examples=40, deadline=None)
@given(
    data=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([None, "x", "y"]), st.integers(0, 2)), min_size=1)
)
def test_a_duplicate_equals_an_earlier_row_in_every_field(database: Database, data: list[tuple[str, Any, int]]) -> None:
    frame = frame_of(data)
    table = table_of(database, frame.astype({ITEM_ID: "str"}))
    names = [USER_ID, ITEM_ID, TIMESTAMP]
    again = duplicate_rows(table, repeated(table, names), names)
    found = {row[ROW] for row in database.records(again)}
    assert found == {row for row in range(len(data)) if data[row] in data[:row]}


@pytest.mark.parametrize("dialect", ["duckdb", "pyspark"])
@pytest.mark.parametrize("holdout", [LastShare(), AfterTime(kind="after", timestamp=3), ColdItems(kind="cold")])
def test_the_same_expressions_compile_for_both_engines(dialect: str, holdout: HoldOut) -> None:
    table = ibis.table({USER_ID: "string", ITEM_ID: "string", TIMESTAMP: "int64", ROW: "int64"}, name="interactions")
    assert "SELECT" in str(ibis.to_sql(future_rows(table, holdout), dialect=dialect))
