"""Takes what single calls told of users out of the database: events, and rows of the Users dataset."""

from __future__ import annotations

from collections.abc import Sequence

from personalize_engine.store.transaction import Transaction


def forget_events(transaction: Transaction, dataset_group: str, users: Sequence[str]) -> int:
    """Deletes the users' events, and anonymous ones of their sessions; how many.

    A session that a user has been seen in is theirs to its end, and an app may use a user's id as the session's.
    """
    deleted = 0
    for user in users:
        sessions = transaction.sql(
            "SELECT DISTINCT session_id FROM events WHERE dataset_group = ? AND user_id = ?", (dataset_group, user)
        ).fetchall()
        for session in {user, *(row["session_id"] for row in sessions)}:
            deleted += transaction.sql(
                "DELETE FROM events WHERE dataset_group = ? AND session_id = ? AND user_id IS NULL",
                (dataset_group, session),
            ).rowcount
        deleted += transaction.sql(
            "DELETE FROM events WHERE dataset_group = ? AND user_id = ?", (dataset_group, user)
        ).rowcount
    return deleted


def forget_records(transaction: Transaction, dataset: str, users: Sequence[str]) -> int:
    """Deletes what PutUsers told of them; how many rows."""
    return sum(
        transaction.sql("DELETE FROM records WHERE dataset = ? AND id = ?", (dataset, user)).rowcount for user in users
    )
