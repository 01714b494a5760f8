"""Finds everything in a place that names a user, and takes it out.

`look` only reads; what it found can be shown first and then carried out, in an order that lets a repeated call finish
what an interrupted one began: what tells that there is a user to be forgotten goes last.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract import layout
from contract.manifest import Manifest
from contract.results import Report
from evaluation.page import render
from privacy import rewriting
from privacy.errors import PrivacyError
from privacy.places import Folder, Place, Version, lines, mentions, read
from privacy.published import PERSONAL, Moved, delete_version, held_out, manifest_of, move
from privacy.rewriting import Rewritten, spellings

REPORT = re.compile(r"(^|/)report\.json$")
RUN = re.compile(r"(^|/)(?P<run>[^/]+)/report\.json$")
EVENTS = re.compile(r"(^|/)runs/(?P<run>[^/]+)/events\.json$")
JUDGED = re.compile(r"(^|/)runs/(?P<run>[^/]+)/judged/(?P<subject>[^/]+)\.json$")
ANSWERS = re.compile(r"(^|/)runs/[^/]+/answers/.+\.jsonl$")
LIST = re.compile(rf"^{layout.deletion_list('[^/]+')}$".replace(".csv", r"\.csv"))
LOG = re.compile(r"(^|/)logs/[^/]+\.log$")
NO_USERS = re.compile(r"(^|/)(manifest\.json|items\.csv|titles\.csv|plan\.json|costs\.json|timings\.json)$")
"""Files that know no users: where the id stands in them, it means something else."""
SOURCE = "raw/"
"""Where a Glue job finds the raw data: the source, which is not this project's to change."""
NO_PROBES: frozenset[str] = frozenset()
STATE = "engine.sqlite3"
"""A folder with this file is one of the engine's."""


@dataclass(kw_only=True)
class Traces:
    """What names the user in one place."""

    place: Place
    user: str
    keys: list[str]
    manifest: Manifest | None = None
    versions: dict[str, int] = field(default_factory=dict)
    """Versions of the data that have the user, and in how many files."""
    files: dict[str, tuple[str, int]] = field(default_factory=dict)
    """{key: (what is in it, how many of these are the user's)}, in the order in which they are to be rewritten"""
    probes: set[str] = field(default_factory=set)
    """Users that were made up and replay the user's events."""
    judged: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """{run: {recipe or baseline: the users it was judged on}}, of those with the user."""
    lists: dict[str, list[str]] = field(default_factory=dict)
    """Left by a call that did not come to its end."""
    engines: list[str] = field(default_factory=list)
    """Folders of engines."""
    older: list[Version] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    logs: dict[str, int] = field(default_factory=dict)
    """{key: lines that have the id as a word}. No task writes an id into a log, but an error may quote one."""
    others: list[str] = field(default_factory=list)
    """Files of unknown kind that have the id as a word."""

    @property
    def known(self) -> bool:
        """Whether there is anything to be done."""
        return bool(self.versions or self.files or self.lists or self.engines)

    def summary(self) -> list[str]:
        """A line for each kind of trace."""
        said = []
        if self.versions:
            now = self.manifest.version if self.manifest else None
            old = [version for version in self.versions if version != now]
            said += [f"the data: version {now}, which is written anew without the user"] if now in self.versions else []
            said += [f"older versions of the data, which are deleted: {', '.join(old)}"] if old else []
        files, removed = Counter[str](), Counter[str]()
        for what, count in self.files.values():
            files[what] += 1
            removed[what] += count
        said += [f"{what}: {removed[what]} in {_files(number)}" for what, number in files.items()]
        said += [f"state of an engine: {name}" for name in self.engines]
        said += [f"older versions of objects: {len(self.older)}"] if self.older else []
        said += [f"the list of an earlier call that did not come to its end: {key}" for key in self.lists]
        return said


def look(place: Place, user: str) -> Traces:
    """All traces; reads every file once."""
    keys, texts = place.keys(), spellings(user)
    found = Traces(place=place, user=user, keys=keys)
    states = [key.removesuffix(STATE) for key in keys if key.endswith(f"/{STATE}")]
    inside = tuple(states)
    named = [key for key in keys if mentions(place.open(key), texts)]
    found.engines = [
        state
        for state in states
        if any(key.startswith(state) for key in named) and _in_engine(place, state, [user], look=True)
    ]
    named = [key for key in named if not (inside and key.startswith(inside))]
    found.manifest = manifest_of(place, keys)
    found.older = place.older_that_mention(texts)
    futures = _futures(found, named)
    for key in named:
        if match := JUDGED.search(key):
            judged = json.loads(read(place, key))
            if user in judged["users"]:
                found.judged.setdefault(match["run"], {})[match["subject"]] = judged["users"]
    # Reports first: what they hide of a user only the judgements tell.
    for pattern in (REPORT, EVENTS):
        for key in filter(pattern.search, keys):
            found.probes |= _probes(found, key, futures)
    for pattern in (REPORT, EVENTS, JUDGED, ANSWERS):
        for key in filter(pattern.search, keys if pattern in (REPORT, EVENTS) else named):
            what, rewritten = _rewritten(found, key, found.probes)
            if rewritten.removed:
                found.files[key] = what, rewritten.removed
    for key in named:
        _sort_other(found, key)
    certain = any(_rewritten(found, key, NO_PROBES)[1].removed for key in found.files)
    if not (certain or found.versions or found.lists or found.engines):
        found.files.clear()  # nothing but probes that may be anybody's
        found.probes.clear()
    return found


def carry_out(found: Traces, *, logs: bool = False) -> Moved | None:
    """Takes everything out but the lists (`finish`); lines of logs only if told."""
    place = found.place
    for key in found.logs if logs else ():
        place.write(key, rewriting.log(read(place, key), found.user).content or b"")
    for key in found.files:
        _, rewritten = _rewritten(found, key, found.probes)
        if not rewritten.removed:
            continue
        page = key.removesuffix(".json") + ".html"
        if REPORT.search(key) and page in found.keys:
            _render(place, page, rewritten.content)
        if rewritten.content is None:
            place.delete(key)
        else:
            place.write(key, rewritten.content)
    for state in found.engines:
        _in_engine(place, state, [found.user, *sorted(found.probes)])
    moved = None
    if found.manifest and found.manifest.version in found.versions:
        moved = move(place, found.manifest, found.user)
    for version in found.versions:
        delete_version(place, version, found.keys)
    return moved


def finish(found: Traces) -> None:
    """The last of it, once nothing is to be repeated."""
    place, texts = found.place, spellings(found.user)
    for key in filter(LIST.search, place.keys()):
        if found.user in rewriting.listed(read(place, key)):
            place.delete(key)
    texts = texts.union(*map(spellings, found.probes))
    for version in place.older_that_mention(texts):
        place.drop(version)


def _futures(found: Traces, named: Sequence[str]) -> dict[str, list[str]]:
    """The user's held-out items by version of the data, of the versions that are still there."""
    for key in named:
        if match := PERSONAL.match(key):
            found.versions[match["version"]] = found.versions.get(match["version"], 0) + 1
    real = {}
    for version in sorted(found.versions):
        files = [key for key in named if (match := PERSONAL.match(key)) and match["version"] == version]
        if any(_has_rows(found, key) for key in files):
            real[version] = found.versions[version]
    found.versions = real
    there = {match["version"] for key in found.keys if (match := PERSONAL.match(key))}
    return {
        version: held_out(found.place, version, found.user) if layout.future(version) in found.keys else []
        for version in there
    }


def _has_rows(found: Traces, key: str) -> bool:
    with lines(found.place, key) as source:
        return any(theirs for _, _, theirs in rewriting.rows_of_others(source, found.user))


def _probes(found: Traces, key: str, futures: dict[str, list[str]]) -> set[str]:
    """Of a report or of what "Try events" saw."""
    told: dict[str, Any] = json.loads(read(found.place, key))
    if REPORT.search(key):
        version, seen = told.get("data", {}).get("version"), told.get("events")
    else:
        match = EVENTS.search(key)
        assert match is not None, "only such keys are given"
        plan = key.removesuffix("events.json") + "plan.json"
        version, seen = None, told
        if plan in found.keys:
            version = json.loads(read(found.place, plan))["plan"]["run"]["version"]
    return rewriting.probes_of(seen, [futures[version]] if version in futures else None)


def _rewritten(found: Traces, key: str, probes: Set[str]) -> tuple[str, Rewritten]:
    """What is in a file, and its content without the user."""
    content = read(found.place, key)
    if REPORT.search(key):
        match = RUN.search(key)
        judged = found.judged.get(match["run"], {}) if match else {}
        return "values in reports", rewriting.report(content, found.user, probes, judged)
    if EVENTS.search(key):
        return "users made up to replay events", rewriting.events(content, probes)
    if JUDGED.search(key):
        return "judgements", rewriting.judgement(content, found.user)
    return "answers", rewriting.answers(content, found.user)


def _sort_other(found: Traces, key: str) -> None:
    """What is none of the kinds that are rewritten."""
    if LIST.search(key):
        if found.user in (users := rewriting.listed(read(found.place, key))):
            found.lists[key] = users
    elif LOG.search(key):
        if count := rewriting.log(read(found.place, key), found.user).removed:
            found.logs[key] = count
    elif any(kind.search(key) for kind in (REPORT, EVENTS, JUDGED, ANSWERS, PERSONAL, NO_USERS)):
        return  # done, or the id means something else there
    elif key.endswith("report.html") and key.removesuffix("html") + "json" in found.keys:
        return  # made anew with it
    elif key.startswith(SOURCE):
        found.sources.append(key)
    elif rewriting.as_word(found.user).search(read(found.place, key)):
        found.others.append(key)


def _render(place: Place, page: str, content: bytes | None) -> None:
    """The page anew; one that another version of the program made cannot be, and goes."""
    try:
        place.write(page, render(Report.from_json(json.loads(content or b"{}"))).encode())
    except ValueError:
        place.delete(page)


def _in_engine(place: Place, state: str, users: Sequence[str], *, look: bool = False) -> bool:
    """Has the engine take users out of its folder, or `look` whether they are in it."""
    assert isinstance(place, Folder), "an engine's state lies in folders alone"
    folder = Path(place.root) / state
    command = [sys.executable, "-m", "personalize_engine", "forget", "--data-dir", str(folder)]
    command += ["--look"] if look else []
    done = subprocess.run(command, input=json.dumps(list(users)), text=True, capture_output=True)
    if done.returncode:
        raise PrivacyError(
            f"{folder}: {done.stderr.strip() or 'the engine cannot forget'}. Then give the command again"
        )
    return done.stdout.strip() != "0"


def _files(number: int) -> str:
    return f"{number} file" if number == 1 else f"{number} files"
