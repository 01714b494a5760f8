"""What can go wrong in data preparation, all of it the user's to mend: the command prints it and exits with code 2.

PrepareError            anything below
+-- DataError           the data: findings with file and line
+-- NoRoom              the disk is full
+-- StackError          the bucket of the deployed stack cannot be found or written
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.load import Finding


class PrepareError(Exception):
    """The preparation cannot go on; the message says what, where, and what to do."""


class DataError(PrepareError):
    """The data cannot be used, with every finding."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)

    @classmethod
    def of(cls, file: Path, problem: str, *, line: int | None = None, field: str = "", hint: str = "") -> DataError:
        """An error with one finding."""
        return cls([Finding(file=file, line=line, field=field, problem=problem, hint=hint)])


class DatabaseError(PrepareError):
    """The embedded database cannot do what is asked."""


class NoRoom(PrepareError):
    """The working folder cannot hold what is written into it."""


class StackError(PrepareError):
    """The experiment's stack, or its bucket, is not there or not open to these credentials."""


class NoStack(StackError):
    """There is no stack of that name."""
