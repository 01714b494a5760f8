"""The SQLite database of a data folder: one writer, readers that do not wait, and a door that shuts for a copy.

WAL mode with synchronous=FULL: what was answered survives kill -9 and a power cut. The folder is locked with flock by
the process that opened it for writing, so a second engine on the same folder is refused; the lock ends with the
process, however it ends. Worker processes open the database read-only.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import IO

from personalize_engine.errors import CannotStart, Paused
from personalize_engine.store.transaction import Transaction

VERSION = 2
DATABASE = "engine.sqlite3"
LOCK = "lock"
TRIES = 5
PAUSE_PATIENCE = 2.0
"""Seconds that a caller's write waits at the shut door before it is answered with HTTP 503."""


class Store:
    """Reads and writes as transactions. Thread-safe; `open` for the engine, `open_read_only` for its workers."""

    def __init__(self, folder: Path, writer: sqlite3.Connection | None, lock: IO[str] | None) -> None:
        self.folder = folder
        self._writer = writer
        self._lock_file = lock
        self._writing = threading.Lock()
        self._open_door = threading.Event()
        self._open_door.set()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Opens or creates the folder's database for writing; CannotStart if another process has it."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / LOCK).open("a")
        except OSError as error:
            raise CannotStart(f"cannot write to the data folder {folder}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise CannotStart(
                f"the data folder {folder} is in use by another engine: stop that one or choose another --data-dir"
            ) from None
        try:
            return cls(folder, _connect(folder / DATABASE), lock)
        except sqlite3.DatabaseError as error:
            lock.close()
            raise CannotStart(f"{folder / DATABASE} is no database of this engine: {error}") from None

    @classmethod
    def open_read_only(cls, folder: Path) -> Store:
        """For worker processes: `write` is not to be called."""
        return cls(folder, None, None)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent view; never waits for a writer."""
        connection = self._reader()
        connection.execute("BEGIN")
        try:
            yield Transaction(connection)
        finally:
            connection.execute("ROLLBACK")

    @contextmanager
    def write(self, *, patience: float | None = PAUSE_PATIENCE) -> Iterator[Transaction]:
        """All or nothing, durable when left. While paused it waits `patience` seconds (None: as long as it takes)."""
        assert self._writer is not None, "opened read-only"
        while True:
            if not self._open_door.wait(patience):
                raise Paused("the engine is paused while its data folder is copied; try again")
            with self._writing:
                if not self._open_door.is_set():
                    continue
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    yield Transaction(self._writer)
                    self._writer.execute("COMMIT")
                except BaseException:
                    if self._writer.in_transaction:  # a full disk may have ended it already, or left it open
                        self._writer.execute("ROLLBACK")
                    raise
                return

    def pause(self) -> None:
        """Shuts the door behind the last writer and moves everything into the one database file."""
        self._open_door.clear()
        with self._writing:
            assert self._writer is not None, "opened read-only"
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def resume(self) -> None:
        """Opens the door again."""
        self._open_door.set()

    def compact(self) -> None:
        """Rebuilds the file from what is in it now, so that no byte of what was deleted is left, in the log neither."""
        assert self._writer is not None, "opened read-only"
        while True:
            self._open_door.wait()
            with self._writing:
                if not self._open_door.is_set():
                    continue
                self._writer.execute("VACUUM")
                for _ in range(TRIES):  # a reader may hold the log for a moment
                    (busy, *_) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                    if not busy:
                        return
                raise sqlite3.OperationalError("the write-ahead log is being read and cannot be emptied")

    @property
    def paused(self) -> bool:
        """Whether the door is shut."""
        return not self._open_door.is_set()

    def close(self) -> None:
        """Closes every connection and gives the folder free."""
        for connection in [*self._readers, *([self._writer] if self._writer else [])]:
            connection.close()
        if self._lock_file:
            self._lock_file.close()

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self.folder / DATABASE, isolation_level=None, check_same_thread=False, timeout=30
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            self._readers.append(connection)
        return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what was deleted is overwritten
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        script = files("personalize_engine.store").joinpath("schema.sql").read_text()
        connection.executescript(f"BEGIN;\n{script}\nPRAGMA user_version = {VERSION};\nCOMMIT;")
    elif version != VERSION:
        connection.close()
        raise CannotStart(f"{path} has version {version}; this engine reads {VERSION}: choose another --data-dir")
    return connection
