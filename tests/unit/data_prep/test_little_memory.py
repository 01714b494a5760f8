"""Data far beyond the buffers: what does not fit is spilled to the disk."""

from __future__ import annotations

from pathlib import Path

import duckdb

from contract.fields import ITEM_ID, TIMESTAMP, USER_ID
from contract.recipes import DatasetKind
from data_prep.database import Database
from data_prep.sources.tables import TextTable
from data_prep.validate import check
from experiments.config import Column

ROWS = 1_000_000
NAMES = (USER_ID, ITEM_ID, TIMESTAMP)
COLUMNS = [Column(name=name, type="long" if name == TIMESTAMP else "string") for name in NAMES]


def test_rows_are_checked_with_buffers_far_smaller_than_they_are(tmp_path: Path) -> None:
    """As 10^8 rows with the buffers that there are. Every thousandth row equals an earlier one."""
    duckdb.execute(
        "COPY (SELECT 'user ' || n % 20011 AS USER_ID, 'item ' || hash(n) % 20000 AS ITEM_ID,"
        " 1700000000 + n AS TIMESTAMP"
        f" FROM (SELECT CASE WHEN i % 1000 = 999 THEN i - 500 ELSE i END AS n FROM range({ROWS}) AS t(i)))"
        f" TO '{tmp_path / 'log.csv'}' (HEADER)"
    )
    source = TextTable(
        path=tmp_path / "log.csv",
        names=NAMES,
        delimiter=",",
        header=True,
        quoted=True,
        columns={name: name for name in NAMES},
    )
    with Database(tmp_path) as database:
        table = database.ingest("raw", source, COLUMNS)
        database.execute("SET threads = 2")  # each has buffers of its own
        database.execute("SET memory_limit = '42MB'")
        checked = check(database, table, DatasetKind.INTERACTIONS, columns=COLUMNS, source=source)
        kept = database.number(checked.table.count())
    assert (checked.read, checked.duplicates, kept) == (ROWS, ROWS // 1000, ROWS - ROWS // 1000)
