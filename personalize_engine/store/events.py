"""What PutEvents, PutItems and PutUsers leave behind."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from personalize_engine.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event as it is kept."""

    session_id: str
    user_id: str | None
    """None: anonymous."""
    item_id: str | None
    at: int
    """Unix seconds."""
    event_type: str
    event_value: float | None = None
    event_id: str | None = None
    properties: str | None = None
    """JSON object by the schema's column names."""


def add_events(transaction: Transaction, dataset_group: str, events: Sequence[Event]) -> None:
    """Adds events once per event id, and joins a session's anonymous events to the user it belongs to by now."""
    for event in events:
        if event.user_id is not None:
            _join(transaction, dataset_group, event.session_id, event.user_id)
        _insert(transaction, dataset_group, event)


def _insert(transaction: Transaction, dataset_group: str, event: Event) -> None:
    transaction.sql(
        "INSERT INTO events (dataset_group, session_id, user_id, item_id, at, event_type, event_value, event_id,"
        " properties) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            dataset_group,
            event.session_id,
            event.user_id,
            event.item_id,
            event.at,
            event.event_type,
            event.event_value,
            event.event_id,
            event.properties,
        ),
    )


def _join(transaction: Transaction, dataset_group: str, session_id: str, user_id: str) -> None:
    """The session's anonymous events are the user's from now on.

    They move behind all others: versions that were trained meanwhile have seen the events up to a position, but not
    these.
    """
    these = "FROM events WHERE dataset_group = ? AND session_id = ? AND user_id IS NULL"
    values = (dataset_group, session_id)
    columns = "session_id, item_id, at, event_type, event_value, event_id, properties"
    anonymous = transaction.sql(f"SELECT {columns} {these} ORDER BY seq", values).fetchall()
    if anonymous:
        transaction.sql(f"DELETE {these}", values)
    for row in anonymous:
        _insert(transaction, dataset_group, Event(user_id=user_id, **dict(row)))


def newest_events(
    transaction: Transaction, dataset_group: str, user_id: str, *, after: int, limit: int
) -> list[tuple[str, int, str]]:
    """(item id, Unix seconds, event type) of a user's newest events behind `after`, oldest first.

    An anonymous visitor is asked for by session id, as on AWS: no version was trained on such events, so all count.
    """
    rows = transaction.sql(
        "SELECT item_id, at, event_type FROM ("
        " SELECT seq, item_id, at, event_type FROM events INDEXED BY event_users"
        "  WHERE dataset_group = :g AND user_id = :u AND seq > :a AND item_id IS NOT NULL"
        " UNION ALL"
        " SELECT seq, item_id, at, event_type FROM events INDEXED BY event_sessions"
        "  WHERE dataset_group = :g AND session_id = :u AND user_id IS NULL AND item_id IS NOT NULL"
        ") ORDER BY at DESC, seq DESC LIMIT :l",
        {"g": dataset_group, "u": user_id, "a": after, "l": limit},
    ).fetchall()
    return [(row["item_id"], row["at"], row["event_type"]) for row in reversed(rows)]


def training_events(transaction: Transaction, dataset_group: str) -> tuple[list[dict[str, Any]], int]:
    """Events of known users with an item, in the order they came, and the position behind the last event of all."""
    rows = transaction.sql(
        "SELECT user_id, item_id, at, event_type, event_value FROM events"
        " WHERE dataset_group = ? AND user_id IS NOT NULL AND item_id IS NOT NULL ORDER BY seq",
        (dataset_group,),
    )
    found = [dict(row) for row in rows]
    last = transaction.sql("SELECT max(seq) FROM events WHERE dataset_group = ?", (dataset_group,)).fetchone()[0]
    return found, int(last or 0)


def put_records(transaction: Transaction, dataset: str, records: Mapping[str, Mapping[str, Any]]) -> None:
    """Adds or replaces items or users by id."""
    for name, properties in records.items():
        transaction.sql(
            "INSERT OR REPLACE INTO records (dataset, id, properties, at) VALUES (?, ?, ?, ?)",
            (dataset, name, json.dumps(properties), time.time()),
        )


def record_ids(transaction: Transaction, dataset: str) -> list[str]:
    """Ids that were put into a dataset one by one."""
    return [row["id"] for row in transaction.sql("SELECT id FROM records WHERE dataset = ? ORDER BY id", (dataset,))]
