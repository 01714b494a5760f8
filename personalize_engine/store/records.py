"""What PutItems and PutUsers leave behind: rows of the Items and Users datasets that came one by one."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from personalize_engine.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class Record:
    """One item or user as it is kept."""

    id: str
    at: float
    """Unix seconds of the call that brought it: imports since then have newer rows."""
    values: Mapping[str, Any]
    """By the schema's column names."""


def put_records(transaction: Transaction, dataset: str, records: Mapping[str, Mapping[str, Any]]) -> None:
    """Adds or replaces items or users by id, as wholes."""
    for name, values in records.items():
        transaction.sql(
            "INSERT OR REPLACE INTO records (dataset, id, properties, at) VALUES (?, ?, ?, ?)",
            (dataset, name, json.dumps(values), time.time()),
        )


def newest_record(transaction: Transaction, dataset: str) -> int:
    """A number that grows with each record that is put into the dataset; 0 if there is none."""
    return int(transaction.sql("SELECT max(seq) FROM records WHERE dataset = ?", (dataset,)).fetchone()[0] or 0)


def get_record(transaction: Transaction, dataset: str, name: str) -> Record | None:
    """One of them."""
    row = transaction.sql("SELECT * FROM records WHERE dataset = ? AND id = ?", (dataset, name)).fetchone()
    return _record(row) if row else None


def all_records(transaction: Transaction, dataset: str) -> list[Record]:
    """All of them, by id."""
    return [_record(row) for row in transaction.sql("SELECT * FROM records WHERE dataset = ? ORDER BY id", (dataset,))]


def _record(row: Any) -> Record:
    return Record(id=row["id"], at=row["at"], values=json.loads(row["properties"]))
