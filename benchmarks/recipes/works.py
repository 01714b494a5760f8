"""The data sets that subjects are compared on, each cut into past and future by the project's own data preparation.

A *work* is a data set, a hold-out and a question. Its files lie where a run would publish them, so the figures are
those of a report.json on the same data.
"""

from __future__ import annotations

import csv
import json
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from benchmarks.recipes.exchange import read_rows
from contract import fields
from contract.naming import digest
from contract.recipes import DatasetKind, Question
from data_prep.prepare import prepare
from data_prep.publish import to_folder
from experiments.config import Column, Experiment

MOVIELENS_FILES = ("u.data", "ratings.dat", "ratings.csv")
WITH_USERS = ("u.user", "users.dat")
AIRLINES_FILE = "airline.csv"
COLD_DRAWS = 3
COLD_USERS = 1000

Family = Literal["plain", "cold", "metadata", "context"]
"""Which subjects a work has: all; those for cold items; with and without metadata; with and without context."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be prepared."""

    name: str
    about: str
    """A sentence for the page."""
    family: Family
    experiment: Experiment
    data: Path | None = None
    users: int = 10**6
    """Asked at most."""
    shuffled: tuple[str, ...] = ()
    """Columns of the items whose cells are dealt out anew at random: metadata that tell nothing."""

    @property
    def question(self) -> Question:
        return Question.COLD_ITEMS if self.family == "cold" else Question.USER


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A work's files."""

    work: Work
    version: str
    """Digest of the content."""
    past: Path
    """Folder with interactions.csv, items.csv, users.csv."""
    future: Path
    """The held-out interactions."""
    counts: dict[str, dict[str, int]]
    repeats_share: float
    best_reachable: dict[str, float] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        """{dataset: {metadata column: categorical or numerical}}"""
        return {
            kind.value: {column.name: _kind(column) for column in _metadata(self.work.experiment, kind)}
            for kind in self.work.experiment.schemas.kinds
        }


def movielens(folder: Path) -> list[Work]:
    """The folder's work, and the draws of cold items from it."""
    people = [
        {"name": "AGE", "type": "int", "nullable": True},
        {"name": "GENDER", "type": "string", "categorical": True, "nullable": True},
        {"name": "OCCUPATION", "type": "string", "categorical": True, "nullable": True},
    ]
    genres = {"name": "GENRES", "type": "string", "categorical": True, "nullable": True}
    schemas: dict[str, Any] = {"items": [genres, {"name": "YEAR", "type": "int", "nullable": True}]}
    metadata = "genres, year"
    if any((folder / name).is_file() for name in WITH_USERS):
        schemas["users"] = people
        metadata += "; age, gender, occupation"
    name = folder.resolve().name
    source = {"kind": "movielens"}
    plain = Work(
        name=name,
        about=f"The newest tenth of each user's ratings is held out. Metadata: {metadata}.",
        family="plain",
        experiment=_experiment(name, source, schemas),
        data=folder,
    )
    cold = [
        Work(
            name=f"{name}-cold-{draw}",
            about="Half of the items, at random, have no interactions in the past; genres are the only metadata.",
            family="cold",
            experiment=_experiment(
                f"{name}-cold", source, {"items": [genres]}, {"kind": "cold", "share": "1/2", "seed": draw}
            ),
            data=folder,
            users=COLD_USERS,
        )
        for draw in range(COLD_DRAWS)
    ]
    return [plain, *cold]


def airlines(folder: Path, out: Path) -> Work:
    """Reviews of airlines: the author's country as the user's metadata, the cabin flown as context."""
    reviews, people = (folder / AIRLINES_FILE).resolve(), (out / "airline-authors.csv").resolve()
    _authors(reviews, people)
    source = {
        "kind": "files",
        "interactions": {
            "path": str(reviews),
            "columns": {"USER_ID": "author", "ITEM_ID": "airline_name", "TIMESTAMP": "date", "CABIN": "cabin_flown"},
            "timestamp": "%Y-%m-%d",
        },
        "users": {"path": str(people), "columns": {"USER_ID": "author", "COUNTRY": "author_country"}},
    }
    schemas = {
        "interactions": [{"name": "CABIN", "type": "string", "categorical": True, "nullable": True}],
        "users": [{"name": "COUNTRY", "type": "string", "categorical": True}],
    }
    return Work(
        name="airlines",
        about="Airline reviews; the newest tenth of each author's reviews is held out (at least one, from two on).",
        family="context",
        experiment=_experiment("airlines", source, schemas),
        data=folder,
    )


def generated() -> list[Work]:
    """Visits to a shop that repeat: as in the quickstart; with few events per item; and with occasions."""
    genres = [{"name": "GENRES", "type": "string", "categorical": True}]
    sparse = {"kind": "generated", "users": 1500, "items": 3000, "events_per_user": 20}
    told = Work(
        name="generated-sparse",
        about="1,500 visitors, 3,000 items, about ten events per item; the items' genres tell which path they are on.",
        family="metadata",
        experiment=_experiment("generated-sparse", sparse, {"items": genres}),
    )
    noise = replace(
        told, name="generated-noise", about="The same visits; genres are dealt out at random.", shuffled=("GENRES",)
    )
    quickstart = Work(
        name="generated",
        about="The quickstart's visits: 600 visitors, 400 items; every fifth event repeats an item.",
        family="plain",
        experiment=_experiment("generated", {"kind": "generated"}, {"items": genres}),
    )
    occasions = Work(
        name="generated-occasions",
        about="Visits whose occasion decides what visitors turn to; the occasion is known when they are asked.",
        family="context",
        experiment=_experiment(
            "generated-occasions",
            {"kind": "generated", "occasions": True},
            {"interactions": [{"name": "OCCASION", "type": "string", "categorical": True}]},
        ),
    )
    return [quickstart, told, noise, occasions]


def works_of(folder: Path, out: Path) -> list[Work]:
    """What a folder of data gives; ValueError if it has none of the layouts."""
    if (folder / AIRLINES_FILE).is_file():
        return [airlines(folder, out)]
    if any((folder / name).is_file() for name in MOVIELENS_FILES):
        return movielens(folder)
    raise ValueError(f"{folder} has none of {', '.join((*MOVIELENS_FILES, AIRLINES_FILE))}")


def prepared(work: Work, out: Path) -> Prepared:
    """The work's files below `out`, made anew: that takes seconds and shows whether the data changed."""
    folder = out / work.name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".prepare-", dir=folder) as working:
        made = prepare(work.experiment, Path(working), file=Path(__file__), data=work.data)
        manifest = made.manifest
        to_folder(made, folder)
    published = folder / "data" / manifest.version
    version = manifest.version
    if work.shuffled:
        version = digest([version, *work.shuffled], length=len(version))
        published = _shuffled(published, folder / "data" / version, work.shuffled)
    return Prepared(
        work=work,
        version=version,
        past=published / "past",
        future=published / "future" / "interactions.csv",
        counts={part: vars(counts) for part, counts in manifest.counts.items()},
        repeats_share=manifest.repeats_share,
        best_reachable=manifest.best_reachable,
    )


def _experiment(
    name: str, data: dict[str, Any], schemas: dict[str, Any], holdout: dict[str, Any] | None = None
) -> Experiment:
    return Experiment.model_validate(
        {
            "name": name,
            "data": data,
            "schemas": schemas,
            "holdout": holdout or {"kind": "last", "share": "1/10"},
            "recipes": ["aws-popularity-count"],
        }
    )


def _metadata(experiment: Experiment, kind: DatasetKind) -> Iterator[Column]:
    left_out = {*fields.REQUIRED[kind], *fields.RESERVED[kind]}
    yield from (c for c in experiment.schemas.columns(kind) or () if c.name not in left_out and not c.textual)


def _kind(column: Column) -> str:
    return "categorical" if column.type in {"string", "boolean"} else "numerical"


def _authors(reviews: Path, people: Path) -> None:
    """One row per author whose country is told in any review: the first one told."""
    countries: dict[str, str] = {}
    for row in read_rows(reviews):
        if row["author_country"]:
            countries.setdefault(row["author"], row["author_country"])
    people.parent.mkdir(parents=True, exist_ok=True)
    with people.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["author", "author_country"])
        writer.writerows(sorted(countries.items()))


def _shuffled(source: Path, target: Path, columns: tuple[str, ...]) -> Path:
    """A copy of published files in which these columns of the items are permuted, seeded."""
    items = list(read_rows(source / "past" / "items.csv"))
    draw = random.Random(json.dumps(columns))
    for column in columns:
        cells = [row[column] for row in items]
        draw.shuffle(cells)
        for row, cell in zip(items, cells, strict=True):
            row[column] = cell
    for path in source.rglob("*.csv"):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    with (target / "past" / "items.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(items[0]))
        writer.writeheader()
        writer.writerows(items)
    return target
