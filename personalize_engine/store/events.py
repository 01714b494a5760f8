"""What PutEvents leaves behind."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from personalize_engine.store.transaction import Transaction

_COLUMNS = (
    "session_id, user_id, item_id, at, event_type, event_value, event_id, properties, impression, recommendation_id"
)
_NAMES = tuple(_COLUMNS.split(", "))
_BATCH = 10_000


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
    impression: str | None = None
    """JSON array of the item ids that were shown."""
    recommendation_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which events a solution is about: its eventType and eventValueThreshold."""

    event_type: str | None = None
    """Upper and lower case of ASCII letters count as the same."""
    threshold: float | None = None
    """Events without a value, or with one below it, are left out."""

    @classmethod
    def of(cls, event_type: str | None, threshold: str | None) -> Selection:
        """As a solution says it."""
        return cls(event_type=event_type, threshold=None if threshold is None else as_float(float(threshold)))

    @property
    def sql(self) -> str:
        """To be appended to a WHERE clause."""
        by_type = "" if self.event_type is None else " AND event_type = :event_type COLLATE NOCASE"
        return by_type + ("" if self.threshold is None else " AND event_value >= :threshold")

    @property
    def values(self) -> dict[str, Any]:
        """For the placeholders of `sql`."""
        return {"event_type": self.event_type, "threshold": self.threshold}


EVERYTHING = Selection()


def as_float(number: float) -> float:
    """Event values are floats of 32 bits, in imports as in events: a threshold of 3.3 takes a 3.3 in."""
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)


def add_events(transaction: Transaction, dataset_group: str, events: Sequence[Event]) -> None:
    """Adds events once per event id, and joins a session's anonymous events to the user it belongs to by now."""
    for event in events:
        if event.user_id is not None:
            _join(transaction, dataset_group, event.session_id, event.user_id)
        _insert(transaction, dataset_group, event)


def _insert(transaction: Transaction, dataset_group: str, event: Event) -> None:
    transaction.sql(
        f"INSERT INTO events (dataset_group, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
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
            event.impression,
            event.recommendation_id,
        ),
    )


def _join(transaction: Transaction, dataset_group: str, session_id: str, user_id: str) -> None:
    """The session's anonymous events are the user's from now on.

    They move behind all others: versions that were trained meanwhile have seen the events up to a position, but not
    these.
    """
    these = "FROM events WHERE dataset_group = ? AND session_id = ? AND user_id IS NULL"
    values = (dataset_group, session_id)
    anonymous = transaction.sql(f"SELECT {_COLUMNS} {these} ORDER BY seq", values).fetchall()
    if anonymous:
        transaction.sql(f"DELETE {these}", values)
    for row in anonymous:
        _insert(transaction, dataset_group, Event(**{**dict(row), "user_id": user_id}))


def newest_events(
    transaction: Transaction,
    dataset_group: str,
    user_id: str,
    *,
    after: int,
    limit: int,
    selection: Selection = EVERYTHING,
) -> list[Event]:
    """A user's newest events with an item behind position `after`, oldest first.

    An anonymous visitor is asked for by session id, as on AWS: no version was trained on such events, so all count.
    Each query walks its index from the newest event on, so a user with very many costs no more than `limit`.
    """
    query = f"SELECT {_COLUMNS}, seq FROM events INDEXED BY"
    rest = f" AND item_id IS NOT NULL{selection.sql} ORDER BY at DESC, seq DESC LIMIT :limit"
    values = {"group": dataset_group, "user": user_id, "after": after, "limit": limit, **selection.values}
    known = transaction.sql(
        f"{query} event_users WHERE dataset_group = :group AND user_id = :user AND seq > :after{rest}", values
    )
    anonymous = transaction.sql(
        f"{query} event_sessions WHERE dataset_group = :group AND session_id = :user AND user_id IS NULL{rest}", values
    )
    rows = sorted((*known, *anonymous), key=lambda row: (row["at"], row["seq"]))[-limit:]
    return [_event(row) for row in rows]


def last_event(transaction: Transaction, dataset_group: str) -> int:
    """The position of the newest event of all; 0 if there is none."""
    found = transaction.sql("SELECT max(seq) FROM events WHERE dataset_group = ?", (dataset_group,)).fetchone()[0]
    return int(found or 0)


def newest_position(transaction: Transaction) -> int:
    """The position of the newest event of any dataset group; 0 if there is none. Costs one look."""
    return int(transaction.sql("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])


def group_events(
    transaction: Transaction, dataset_group: str, *, after: int, later_than: int, selection: Selection = EVERYTHING
) -> list[tuple[str, int]]:
    """(item id, Unix seconds) of known users' events behind position `after` and later than a moment."""
    rows = transaction.sql(
        "SELECT item_id, at FROM events NOT INDEXED WHERE seq > :after AND dataset_group = :group AND at > :later_than"
        f" AND user_id IS NOT NULL AND item_id IS NOT NULL{selection.sql}",
        {"group": dataset_group, "after": after, "later_than": later_than, **selection.values},
    )
    return [(row["item_id"], row["at"]) for row in rows]


def training_events(transaction: Transaction, dataset_group: str) -> Iterator[list[Event]]:
    """Events of known users with an item, in the order they came, in batches: to be read within the transaction."""
    rows = transaction.sql(
        f"SELECT {_COLUMNS} FROM events"
        " WHERE dataset_group = ? AND user_id IS NOT NULL AND item_id IS NOT NULL ORDER BY seq",
        (dataset_group,),
    )
    while batch := rows.fetchmany(_BATCH):
        yield [_event(row) for row in batch]


def _event(row: Any) -> Event:
    return Event(**dict(zip(_NAMES, row, strict=False)))  # behind them may stand a seq
