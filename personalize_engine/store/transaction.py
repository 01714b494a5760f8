"""What can be done within one transaction: resources, their jobs, tags. Events have a module of their own."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DELETING = ("DELETE PENDING", "DELETE IN_PROGRESS")


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A row of the table `resources`."""

    arn: str
    kind: str
    name: str | None
    parent: str | None
    status: str
    failure_reason: str | None
    created: float
    """Unix seconds."""
    updated: float
    body: Mapping[str, Any]
    """The other members, as the API names them."""
    seq: int


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """A row of the table `jobs`."""

    id: int
    kind: str
    arn: str


class NameTaken(Exception):
    """The ARN, or the name within its kind and scope, exists already."""


class Transaction:
    """Valid inside the `with` block that gave it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.sql = connection.execute

    # ------------------------------------------------------------------------------------------------- resources
    def add(
        self,
        arn: str,
        kind: str,
        *,
        name: str | None,
        body: Mapping[str, Any],
        status: str,
        parent: str | None = None,
        scope: str = "",
    ) -> None:
        """A new resource; NameTaken if there is one like it."""
        now = time.time()
        try:
            self.sql(
                "INSERT INTO resources (arn, kind, name, scope, parent, status, created, updated, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (arn, kind, name, scope, parent, status, now, now, json.dumps(body)),
            )
        except sqlite3.IntegrityError:
            raise NameTaken(arn) from None

    def get(self, arn: str) -> Resource | None:
        """The resource, whatever its status."""
        row = self.sql("SELECT * FROM resources WHERE arn = ?", (arn,)).fetchone()
        return _resource(row) if row else None

    def page(
        self, kind: str, *, parents: Iterable[str] | None = None, after: int = 0, limit: int = 1_000_000
    ) -> list[Resource]:
        """Resources of a kind in the order of their creation, from behind `after`; `parents` None: of all parents."""
        query, values = "SELECT * FROM resources WHERE kind = ? AND seq > ?", [kind, after]
        if parents is not None:
            wanted = list(parents)
            query += f" AND parent IN ({', '.join('?' * len(wanted))})"
            values += wanted
        rows = self.sql(f"{query} ORDER BY seq LIMIT ?", (*values, limit))
        return [_resource(row) for row in rows]

    def referring(self, kind: str, member: str, value: str) -> list[Resource]:
        """Resources of a kind whose body names `value` as that member."""
        rows = self.sql(
            "SELECT * FROM resources WHERE kind = ? AND body ->> ? = ? ORDER BY seq", (kind, f"$.{member}", value)
        )
        return [_resource(row) for row in rows]

    def count(self, kind: str, *, parent: str | None = None, statuses: Iterable[str] = ()) -> int:
        """How many of a kind, in a parent and in one of the statuses where given."""
        query, values = "SELECT count(*) FROM resources WHERE kind = ?", [kind]
        if parent is not None:
            query, values = f"{query} AND parent = ?", [*values, parent]
        if among := list(statuses):
            query, values = f"{query} AND status IN ({', '.join('?' * len(among))})", [*values, *among]
        return int(self.sql(query, values).fetchone()[0])

    def set_status(self, arn: str, status: str, reason: str | None = None) -> None:
        """The new status; `reason` is its failureReason."""
        self.sql(
            "UPDATE resources SET status = ?, failure_reason = ?, updated = ? WHERE arn = ?",
            (status, reason, time.time(), arn),
        )

    def set_members(self, arn: str, **members: Any) -> None:
        """Sets members of the body; None takes one away."""
        found = self.get(arn)
        if found is None:
            return
        body = {key: value for key, value in {**found.body, **members}.items() if value is not None}
        self.sql("UPDATE resources SET body = ?, updated = ? WHERE arn = ?", (json.dumps(body), time.time(), arn))

    def set_parent(self, arn: str, parent: str) -> None:
        """Moves a resource: a campaign that serves another solution's version now belongs to that solution."""
        self.sql("UPDATE resources SET parent = ? WHERE arn = ?", (parent, arn))

    def delete(self, arn: str) -> None:
        """Removes the row; tags, events and records of it go with it."""
        self.sql("DELETE FROM resources WHERE arn = ?", (arn,))

    # ------------------------------------------------------------------------------------------------------ jobs
    def enqueue(self, kind: str, arn: str) -> None:
        """Work to be done for a resource; the runner takes it up once the transaction is over."""
        self.sql("INSERT INTO jobs (kind, arn) VALUES (?, ?)", (kind, arn))

    def waiting_jobs(self) -> list[JobRow]:
        """In the order of their making."""
        rows = self.sql("SELECT id, kind, arn FROM jobs WHERE started IS NULL ORDER BY id")
        return [JobRow(id=row["id"], kind=row["kind"], arn=row["arn"]) for row in rows]

    def start_job(self, job: int) -> None:
        """Marks it as being worked on."""
        self.sql("UPDATE jobs SET started = ? WHERE id = ?", (time.time(), job))

    def requeue_jobs(self) -> None:
        """What a crash left being worked on waits again."""
        self.sql("UPDATE jobs SET started = NULL")
        self.sql("DELETE FROM progress")

    def end_job(self, job: int) -> bool:
        """Removes the job; False if it is gone already (cancelled): then its result must not be used."""
        return self.sql("DELETE FROM jobs WHERE id = ?", (job,)).rowcount == 1

    def jobs_of(self, arn: str) -> list[int]:
        """Ids of the jobs of a resource."""
        return [row["id"] for row in self.sql("SELECT id FROM jobs WHERE arn = ?", (arn,))]

    def set_progress(self, job: int, *, done: int, total: int, message: str) -> None:
        """Overwrites what the job said before; nothing if the job is gone."""
        self.sql(
            "INSERT OR REPLACE INTO progress SELECT id, ?, ?, ? FROM jobs WHERE id = ?", (done, total, message, job)
        )

    def progress(self) -> list[dict[str, Any]]:
        """Of every job being worked on that has said something."""
        rows = self.sql(
            "SELECT arn, done, total, message, started FROM progress JOIN jobs ON jobs.id = progress.job ORDER BY id"
        )
        now = time.time()
        return [
            {
                "arn": row["arn"],
                "done": row["done"],
                "total": row["total"],
                "message": row["message"],
                "seconds": round(now - row["started"], 3),
            }
            for row in rows
        ]

    # ------------------------------------------------------------------------------------------------------ tags
    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Adds or overwrites."""
        for key, value in tags.items():
            self.sql("INSERT OR REPLACE INTO tags (arn, key, value) VALUES (?, ?, ?)", (arn, key, value))

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        """Keys that are not there are no error."""
        for key in keys:
            self.sql("DELETE FROM tags WHERE arn = ? AND key = ?", (arn, key))

    def tags(self, arn: str) -> dict[str, str]:
        """By key."""
        return {row["key"]: row["value"] for row in self.sql("SELECT key, value FROM tags WHERE arn = ?", (arn,))}


def _resource(row: sqlite3.Row) -> Resource:
    return Resource(
        arn=row["arn"],
        kind=row["kind"],
        name=row["name"],
        parent=row["parent"],
        status=row["status"],
        failure_reason=row["failure_reason"],
        created=row["created"],
        updated=row["updated"],
        body=json.loads(row["body"]),
        seq=row["seq"],
    )
