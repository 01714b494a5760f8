"""What the local cloud was asked, and what its functions were called with, as it notes it (plugin.questions)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ministack.core.iam_evaluator import fnmatch_iam, fnmatch_iam_cs

Question = tuple[str, str, str]
"""Role (nobody: a resource's own policy was asked for a service), action, resource."""


class Record:
    """The file, read from where one looked last."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0

    def forget(self) -> None:
        """What was noted until now."""
        self._read = self._file.stat().st_size if self._file.exists() else 0

    def questions(self) -> set[Question]:
        """What was asked and allowed since."""
        asked = (line["asked"] for line in self._lines() if "asked" in line)
        return {
            (_role(row["principal"]), row["action"], row["resource"]) for row in asked if row["decision"] == "Allow"
        }

    def calls(self) -> list[tuple[str, Any]]:
        """Resource and event of every task of a state machine since, each pair once."""
        seen = {json.dumps(line["called"]): line["called"] for line in self._lines() if "called" in line}
        return [(row["resource"], row["event"]) for row in seen.values()]

    def _lines(self) -> Iterator[dict[str, Any]]:
        with self._file.open(encoding="utf-8") as file:
            file.seek(self._read)
            yield from map(json.loads, file)


def _role(principal: str) -> str:
    return principal.split("/")[1] if ":assumed-role/" in principal else principal


def answers(grant: Question, question: Question) -> bool:
    """Whether a grant (with its wildcards) answers that question."""
    return grant[0] == question[0] and fnmatch_iam(question[1], grant[1]) and fnmatch_iam_cs(question[2], grant[2])
