"""Contents without a user: one function per kind of file that names users. Nothing here reads or writes anything.

Only what is said to be a user counts (a column USER_ID, a member "user"): the id may be a word that means something
else elsewhere. Figures over many users stay as they were judged.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from statistics import median
from typing import Any

from contract.fields import ITEM_ID, TIMESTAMP, USER_ID
from evaluation.compare import users_digest


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """A content without the user."""

    content: bytes | None
    """None: nothing is left, the file goes."""
    removed: int
    """Rows, answers, values, …; 0: it does not name the user."""


UNTOUCHED = Rewritten(content=None, removed=0)


def spellings(user: str) -> set[bytes]:
    """How the id may stand in a file: plainly, within JSON, CSV or HTML. A file with none need not be parsed."""
    as_json = {json.dumps(user, ensure_ascii=plain)[1:-1] for plain in (True, False)}
    return {text.encode() for text in (user, user.replace('"', '""'), html.escape(user), *as_json)}


def as_word(user: str) -> re.Pattern[bytes]:
    """Finds the id where it is not part of another one."""
    return re.compile(rb"(?<![\w-])(?:" + b"|".join(map(re.escape, sorted(spellings(user)))) + rb")(?![\w-])")


# ------------------------------------------------------------------------------------------------------------------ CSV
def records(lines: Iterable[str]) -> Iterator[tuple[list[str], str]]:
    """Each record of a CSV file with its own text, so that what is kept is kept to the byte."""
    text: list[str] = []

    def told() -> Iterator[str]:
        for line in lines:
            text.append(line)
            yield line

    for record in csv.reader(told()):
        yield record, "".join(text)
        text.clear()


def listed(content: bytes) -> list[str]:
    """The users of a list for a data deletion job."""
    return [record[0] for record in csv.reader(io.StringIO(content.decode(), newline="")) if record][1:]


def rows_of_others(lines: Iterable[str], user: str) -> Iterator[tuple[list[str], str, bool]]:
    """(record, its text, whether it is the user's); the first one is the header, which must have USER_ID."""
    found = records(lines)
    header, text = next(found, ([], ""))
    yield header, text, False
    place = header.index(USER_ID)
    for record, text in found:
        yield record, text, record[place : place + 1] == [user]


def history(lines: Iterable[str], user: str) -> list[str]:
    """The items of the user's rows in a file of interactions, oldest first."""
    found = rows_of_others(lines, user)
    header, _, _ = next(found)
    when, what = header.index(TIMESTAMP), header.index(ITEM_ID)
    rows = [record for record, _, theirs in found if theirs]
    return [record[what] for record in sorted(rows, key=lambda record: int(record[when]))]


# -------------------------------------------------------------------------------------------------------- JSON of a run
def answers(content: bytes, user: str) -> Rewritten:
    """Lines of JSON, one per answer."""
    lines = content.splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["user"] != user]
    return _result(b"".join(kept) if kept else None, len(lines) - len(kept))


def judgement(content: bytes, user: str) -> Rewritten:
    """The user's place in every list of values, and what is shown of them."""
    judged: dict[str, Any] = json.loads(content)
    removed = 0
    if (place := position(judged, user)) is not None:
        removed += 1
        del judged["users"][place]
        columns = [column for view in judged["values"].values() for column in view.values()]
        for column in (*columns, judged.get("lengths")):
            if column:
                del column[place]
    shown = [row for row in judged.get("shown", []) if row["user"] != user]
    removed += len(judged.get("shown", [])) - len(shown)
    judged["shown"] = shown
    return _result(_compact(judged), removed)


def position(judged: Mapping[str, Any], user: str) -> int | None:
    """The user's place among those that a recipe was judged on."""
    return judged["users"].index(user) if user in judged["users"] else None


def events(content: bytes, probes: Set[str]) -> Rewritten:
    """The probes that replay the user's events."""
    seen: dict[str, Any] = json.loads(content)
    removed = _without_probes(seen, probes)
    return _result(_compact(seen) if seen["probes"] else None, removed)


def report(content: bytes, user: str, probes: Set[str], judged: Mapping[str, Sequence[str]]) -> Rewritten:
    """The example that shows the user, the probes, and the user's own value among those of all.

    `judged`: the users behind the values, by recipe and baseline, as far as they are still known. Without them a value
    stays, a number of nobody.
    """
    told: dict[str, Any] = json.loads(content)
    examples = [row for row in told.get("examples", []) if row["user"] != user]
    removed = len(told.get("examples", [])) - len(examples)
    told["examples"] = examples
    if told.get("events"):
        removed += _without_probes(told["events"], probes)
        if not told["events"]["probes"]:
            told["events"] = None
    for name, row in {**told.get("recipes", {}), **told.get("baselines", {})}.items():
        users = list(judged.get(name, ()))
        if user in users and len(row.get("per_user", [])) == len(users):
            del row["per_user"][users.index(user)]
            users.remove(user)
            row["users_digest"] = users_digest(users)
            removed += 1
    return _result(_compact(told), removed)


def probes_of(seen: Mapping[str, Any] | None, futures: Collection[Sequence[str]] | None) -> set[str]:
    """Users that were made up to replay the user's events.

    `futures`: the user's held-out items, oldest first, in each version of the data that a run may have had; None: they
    are not known any more, so that every probe may be the user's.
    """
    found = set()
    for probe in (seen or {}).get("probes", []):
        sent = list(probe["new_events"])
        if futures is None or any(sent and sent == list(items)[: len(sent)] for items in futures):
            found.add(str(probe["user_id"]))
    return found


def _without_probes(seen: dict[str, Any], probes: Set[str]) -> int:
    kept = [probe for probe in seen["probes"] if probe["user_id"] not in probes]
    removed = len(seen["probes"]) - len(kept)
    took = [probe["seconds"] for probe in kept if probe["changed"]]
    seen |= {
        "probes": kept,
        "probes_changed": len(took),
        "median_seconds": round(median(took), 3) if took else None,
    }
    return removed


# ----------------------------------------------------------------------------------------------------------------- logs
def log(content: bytes, user: str) -> Rewritten:
    """Lines of a log that have the id as a word."""
    lines, word = content.splitlines(keepends=True), as_word(user)
    kept = [line for line in lines if not word.search(line)]
    return _result(b"".join(kept), len(lines) - len(kept))


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _result(content: bytes | None, removed: int) -> Rewritten:
    return Rewritten(content=content, removed=removed) if removed else UNTOUCHED
