"""The published data without a user: a new version, as if the source had never had the user.

As in publishing, a version's files never change, and the manifest that is written last makes the new one count. So the
next run imports it and trains anew. The versions that name the user are deleted then: no run reads them any more.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from contract import layout
from contract.fields import ITEM_ID, MIN_INTERACTIONS
from contract.manifest import FUTURE, TITLES, Counts, File, Files, Manifest, version_of
from contract.recipes import DatasetKind
from data_prep.publish import manifest_text
from privacy.places import Place, lines, read
from privacy.rewriting import history, rows_of_others

INTERACTIONS, USERS = DatasetKind.INTERACTIONS.value, DatasetKind.USERS.value
PERSONAL = re.compile(r"data/(?P<version>[^/]+)/(past/(interactions|users)|future/interactions)\.csv$")
"""Keys of the files that have users in them."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What has become of the data."""

    version: str
    too_few: bool
    """Fewer interactions are left than the service imports."""


def manifest_of(place: Place, keys: list[str]) -> Manifest | None:
    """Of the version that counts; None if nothing was published."""
    return Manifest.from_json(json.loads(read(place, layout.MANIFEST))) if layout.MANIFEST in keys else None


def held_out(place: Place, version: str, user: str) -> list[str]:
    """The user's held-out items in a version, oldest first."""
    return _items(place, layout.future(version), user)


def move(place: Place, manifest: Manifest, user: str) -> Moved:
    """Writes the version that counts anew without the user, and makes it the one that counts."""
    past, future = manifest.files.past[INTERACTIONS], manifest.files.future
    repeats = _repeats(place, manifest, user)
    with tempfile.TemporaryDirectory(prefix="forget-") as work:
        parts = {
            name: _Part.write(place, file, Path(work) / f"{number}.csv", user)
            for number, (name, file) in enumerate(manifest.files.named.items())
            if PERSONAL.search(file.key)
        }
        named = {name: parts[name].file if name in parts else file for name, file in manifest.files.named.items()}
        version = version_of(named, manifest.holdout)
        moved = {name: replace(file, key=_in_version(file.key, version)) for name, file in named.items()}
        for name, file in moved.items():
            if name in parts:
                place.put(file.key, parts[name].path)
            else:
                place.copy(named[name].key, file.key)
    left = manifest.counts["future"].interactions - parts[FUTURE].removed
    made = replace(
        manifest,
        version=version,
        counts={
            "past": _counts(manifest.counts["past"], parts[INTERACTIONS]),
            "future": _counts(manifest.counts["future"], parts[FUTURE]),
        },
        files=Files(
            past={name: moved[name] for name in manifest.files.past},
            future=moved[FUTURE],
            titles=moved.get(TITLES),
        ),
        repeats_share=max(0, round(manifest.repeats_share * future.rows) - repeats) / left if left else 0.0,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    place.write(layout.MANIFEST, manifest_text(made).encode())
    return Moved(version=version, too_few=past.rows - parts[INTERACTIONS].removed < MIN_INTERACTIONS)


def delete_version(place: Place, version: str, keys: list[str]) -> None:
    """All files of a version."""
    for key in keys:
        if key.startswith(f"data/{version}/"):
            place.delete(key)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One file without the user, still aside."""

    path: Path
    file: File
    removed: int
    items: int
    """Distinct ones that are left."""

    @classmethod
    def write(cls, place: Place, file: File, path: Path, user: str) -> _Part:
        digest, removed, items = hashlib.sha256(), 0, set()
        with lines(place, file.key) as source, path.open("w", encoding="utf-8", newline="") as target:
            found = rows_of_others(source, user)
            header, text, _ = next(found)
            at = header.index(ITEM_ID) if ITEM_ID in header else None
            target.write(text)
            digest.update(text.encode())
            for record, text, theirs in found:
                if theirs:
                    removed += 1
                    continue
                target.write(text)
                digest.update(text.encode())
                if at is not None:
                    items.add(record[at])
        made = replace(file, sha256=digest.hexdigest(), rows=file.rows - removed)
        return cls(path=path, file=made, removed=removed, items=len(items))


def _counts(before: Counts, part: _Part) -> Counts:
    return Counts(
        interactions=before.interactions - part.removed, users=before.users - bool(part.removed), items=part.items
    )


def _repeats(place: Place, manifest: Manifest, user: str) -> int:
    """The user's held-out rows whose item is in their past."""
    known = set(_items(place, manifest.files.past[INTERACTIONS].key, user))
    return sum(item in known for item in _items(place, manifest.files.future.key, user))


def _items(place: Place, key: str, user: str) -> list[str]:
    with lines(place, key) as source:
        return history(source, user)


def _in_version(key: str, version: str) -> str:
    return re.sub(r"^data/[^/]+/", f"data/{version}/", key)
