"""From an experiment to files that can be published: read, check, split, write, describe.

Everything is written into a working folder; nothing outside it is touched before `publish`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis

from contract import layout
from contract.fields import ITEM_ID, TITLE, USER_ID
from contract.manifest import FUTURE as FUTURE_FILE
from contract.manifest import TITLES, Counts, Dropped, File, Files, Manifest, version_of
from contract.recipes import DatasetKind
from data_prep.database import ROW, Database
from data_prep.errors import DatabaseError, DataError
from data_prep.sources import open_source
from data_prep.sources.tables import Source, Table
from data_prep.split import FUTURE, future_rows, place, repeats
from data_prep.validate import Checked, check, check_enough
from experiments.config import Column, Experiment

Step = Callable[[str], None]
"""Told what begins now."""
STEPS_BESIDE_READING = 3
"""Steps that are told after one per dataset."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Files ready to be published, and what they came from."""

    files: dict[str, Path]
    """{key below the bucket: file in the working folder}"""
    manifest: Manifest
    read: dict[str, int]
    """Rows read, by dataset."""
    sources: dict[str, Path]
    """The file each dataset was read from."""


@dataclass(frozen=True, kw_only=True)
class _Split:
    """Interactions in the order of their source, and what is told about them."""

    past: ibis.Table
    future: ibis.Table
    counts: dict[str, Counts]
    repeats_share: float


def prepare(
    experiment: Experiment,
    work: Path,
    *,
    file: Path,
    data: Path | None = None,
    step: Step = lambda _: None,
    engine: Callable[[Path], Database] = Database,
) -> Prepared:
    """Past and future of an experiment as CSV files in the folder `work`, which must exist.

    `file`: the experiment's YAML, for messages and relative paths; `data`: the folder of the raw data, where the
    source needs one; `engine`: opens what computes, in that folder (`data_prep.spark` has another).
    PrepareError says what is wrong with the data.
    """
    source = open_source(experiment, file=file, data=data)
    with engine(work) as database:
        checked = {}
        for kind, table in source.tables.items():
            step(f"Reading {kind.value} ({table.path.name})")
            checked[kind] = _read(database, kind, experiment.schemas.columns(kind) or (), source=table)
        step("Splitting into past and future")
        origin = source.tables[DatasetKind.INTERACTIONS].path
        split = _split(database, experiment, checked[DatasetKind.INTERACTIONS], file=origin)
        step("Writing")
        written = {
            FUTURE_FILE: _write(
                database,
                split.future,
                work / "future-interactions.csv",
                kind=DatasetKind.INTERACTIONS,
                experiment=experiment,
            )
        }
        for kind, rows in checked.items():
            kept = split.past if kind is DatasetKind.INTERACTIONS else rows.table.order_by(ROW)
            written[kind.value] = _write(
                database, kept, work / f"past-{kind.value}.csv", kind=kind, experiment=experiment
            )
        if source.titles:
            written[TITLES] = _write_titles(database, source.titles, work / TITLES)
        step("Describing")
        manifest = _describe(experiment, checked, split=split, written=written, source=source)
    files = {manifest.files.future.key: work / "future-interactions.csv"}
    for name, entry in manifest.files.past.items():
        files[entry.key] = work / f"past-{name}.csv"
    if manifest.files.titles:
        files[manifest.files.titles.key] = work / TITLES
    return Prepared(
        files=files,
        manifest=manifest,
        read={kind.value: rows.read for kind, rows in checked.items()},
        sources={kind.value: table.path for kind, table in source.tables.items()},
    )


def _read(database: Database, kind: DatasetKind, columns: tuple[Column, ...], *, source: Table) -> Checked:
    try:
        table = database.ingest(f"raw_{kind.value.lower()}", source, columns)
        return check(database, table, kind, columns=columns, source=source)
    except DatabaseError as error:
        raise DataError.of(source.path, f"cannot be read: {error}") from None


def _split(database: Database, experiment: Experiment, checked: Checked, *, file: Path) -> _Split:
    rows = database.create("future_rows", future_rows(checked.table, experiment.holdout))
    placed = database.create("placed", place(checked.table, rows))
    held_out = placed[FUTURE].sum()
    users = database.create("users", placed.group_by(USER_ID).agg(n=placed.count(), held_out=held_out))
    items = database.create("items", placed.group_by(ITEM_ID).agg(n=placed.count(), held_out=held_out))
    past, future = users.n - users.held_out, users.held_out
    (by_user,) = database.records(
        users.aggregate(
            all=users.n.sum(), all_twice=(users.n >= 2).sum(), past=past.sum(), past_twice=(past >= 2).sum(),
            past_users=(past > 0).sum(), future=future.sum(), future_users=(future > 0).sum(),
        )
    )  # fmt: skip
    (by_item,) = database.records(
        items.aggregate(past=(items.n > items.held_out).sum(), future=(items.held_out > 0).sum())
    )
    found = {name: int(value or 0) for name, value in by_user.items()}
    check_enough(found["all"], found["all_twice"], file=file, what="there are only")
    said = f"the hold-out ({', '.join(f'{k} {v}' for k, v in _holdout(experiment).items())})"
    if not found["future"]:
        raise DataError.of(file, f"{said} leaves no interaction for the future")
    check_enough(found["past"], found["past_twice"], file=file, what=f"{said} leaves a past of only")
    return _Split(
        past=placed.filter(~placed[FUTURE]),
        future=placed.filter(placed[FUTURE]),
        counts={
            "past": Counts(interactions=found["past"], users=found["past_users"], items=int(by_item["past"])),
            "future": Counts(interactions=found["future"], users=found["future_users"], items=int(by_item["future"])),
        },
        repeats_share=database.number(repeats(placed)) / found["future"],
    )


def _write(database: Database, table: ibis.Table, path: Path, *, kind: DatasetKind, experiment: Experiment) -> File:
    """The table as CSV. The key is filled in once the version is known."""
    names = [column.name for column in experiment.schemas.columns(kind) or ()]
    rows = database.write_csv(table, path, names)
    return File(key="", sha256=_sha256(path), rows=rows, columns=names)


def _write_titles(database: Database, source: Table, path: Path) -> File:
    """The first title of every item; items without one are left out."""
    columns = [Column(name=name, type="string", nullable=True) for name in (ITEM_ID, TITLE)]
    rows = database.ingest("titles", source, columns)
    rows = rows.filter(rows[ITEM_ID].notnull() & rows[TITLE].notnull())
    first = rows.group_by(ITEM_ID).agg(**{TITLE: rows[TITLE].argmin(rows[ROW])}).order_by(ITEM_ID)
    count = database.write_csv(first, path, [ITEM_ID, TITLE])
    return File(key="", sha256=_sha256(path), rows=count, columns=[ITEM_ID, TITLE])


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _describe(
    experiment: Experiment,
    checked: dict[DatasetKind, Checked],
    *,
    split: _Split,
    written: dict[str, File],
    source: Source,
) -> Manifest:
    holdout = _holdout(experiment)
    version = version_of(written, holdout)
    held_out, titles = written.pop(FUTURE_FILE), written.pop(TITLES, None)
    return Manifest(
        version=version,
        experiment=experiment.name,
        holdout=holdout,
        counts=split.counts,
        files=Files(
            past={k: replace(entry, key=layout.past(version, DatasetKind(k))) for k, entry in written.items()},
            future=replace(held_out, key=layout.future(version)),
            titles=titles and replace(titles, key=layout.titles(version)),
        ),
        dropped=[*_dropped(checked)],
        duplicates=checked[DatasetKind.INTERACTIONS].duplicates,
        repeats_share=split.repeats_share,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        best_reachable=source.best_reachable() if source.best_reachable else {},
    )


def _dropped(checked: dict[DatasetKind, Checked]) -> list[Dropped]:
    rows = [entry for each in checked.values() for entry in each.dropped]
    for kind, each in checked.items():
        if kind is not DatasetKind.INTERACTIONS and each.duplicates:
            rows.append(Dropped(reason=f"{kind.value}: equal to an earlier row", rows=each.duplicates))
    return rows


def _holdout(experiment: Experiment) -> dict[str, Any]:
    """The hold-out as JSON: shares as fractions, e.g. "1/10"."""
    return {k: v if isinstance(v, int) else str(v) for k, v in experiment.holdout.model_dump().items()}
