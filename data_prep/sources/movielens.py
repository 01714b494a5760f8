"""MovieLens ratings in any of the layouts they were published in; the layout is recognised by the folder's files.

    ml-100k         u.data, u.item, u.genre, u.user            tab and | separated, Latin-1
    ml-1m, ml-10m   ratings.dat, movies.dat, users.dat         :: separated
    latest-small    ratings.csv, movies.csv                    also ml-20m, ml-25m, ml-32m

Offered: Interactions EVENT_VALUE (the rating); Items GENRES, TITLE, YEAR; Users AGE, GENDER, OCCUPATION (in the first
two layouts). Layouts: the README files of GroupLens.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from contract.fields import EVENT_VALUE, ITEM_ID, TIMESTAMP, TITLE, USER_ID
from contract.recipes import DatasetKind
from data_prep.errors import DataError
from data_prep.sources.offered import wanted_columns
from data_prep.sources.tables import FrameTable, Minimum, Source, TextTable
from experiments.config import Experiment, MovieLens

NO_GENRE = "unknown"
"""For "(no genres listed)", as ml-100k calls it."""
_RATINGS = {USER_ID: "user", ITEM_ID: "item", EVENT_VALUE: "rating", TIMESTAMP: "timestamp"}
_Rows = Iterator[tuple[int, Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class _Layout:
    name: str
    ratings: str
    delimiter: str
    header: bool
    items: str
    read_items: Callable[[Path], FrameTable]
    users: str | None = None
    read_users: Callable[[Path], FrameTable] | None = None


def read_movielens(experiment: Experiment, settings: MovieLens, *, file: Path, data: Path | None) -> Source:
    """The tables of the folder `data` (`--data`), or of the experiment's own `path` (relative to its file)."""
    folder = data or (file.parent / settings.path if settings.path else None)
    if folder is None:
        raise DataError.of(
            file, "needs a folder of MovieLens data", hint="Pass --data FOLDER (make: DATA=FOLDER) or set data.path"
        )
    layout = _recognise(folder)
    ratings = folder / layout.ratings
    minimum = None
    if settings.min_rating:
        reason = f"rating below {settings.min_rating:g}"
        minimum = Minimum(column="rating", at_least=settings.min_rating, reason=reason)
    said = f"the MovieLens layout {layout.name}"
    columns = wanted_columns(experiment, DatasetKind.INTERACTIONS, _RATINGS, source=said, file=ratings)
    tables: dict[DatasetKind, TextTable | FrameTable] = {
        DatasetKind.INTERACTIONS: TextTable(
            path=ratings,
            names=("user", "item", "rating", "timestamp"),
            delimiter=layout.delimiter,
            header=layout.header,
            quoted=layout.header,
            columns={name: _RATINGS[name] for name in columns},
            minimum=minimum,
        )
    }
    readers = {
        DatasetKind.ITEMS: (layout.items, layout.read_items),
        DatasetKind.USERS: (layout.users, layout.read_users),
    }
    for kind in experiment.schemas.kinds:
        if kind is DatasetKind.INTERACTIONS:
            continue
        name, read = readers[kind]
        table = read(_existing(folder / name)) if name and read else FrameTable(path=folder, frame=pd.DataFrame())
        columns = wanted_columns(experiment, kind, table.frame.columns, source=said, file=table.path)
        tables[kind] = FrameTable(path=table.path, frame=table.frame[columns], lines=table.lines)
    return Source(tables=tables, titles=_titles(layout, folder))


def _titles(layout: _Layout, folder: Path) -> FrameTable | None:
    """What reports call the films, if their file is there."""
    path = folder / layout.items
    if not path.is_file():
        return None
    table = layout.read_items(path)
    return FrameTable(path=path, frame=table.frame[[ITEM_ID, TITLE]], lines=table.lines)


def _recognise(folder: Path) -> _Layout:
    if not folder.is_dir():
        raise DataError.of(folder, "no such folder" if not folder.exists() else "is not a folder")
    for layout in _LAYOUTS:
        if (folder / layout.ratings).is_file():
            return layout
    inner = sorted(p.name for p in folder.iterdir() if any((p / layout.ratings).is_file() for layout in _LAYOUTS))
    expected = ", ".join(layout.ratings for layout in _LAYOUTS)
    hint = (
        f"Did you mean {folder / inner[0]}?"
        if inner
        else "Unpack one of the archives of grouplens.org and name its folder"
    )
    raise DataError.of(folder, f"is not in a MovieLens layout: none of {expected} is in it", hint=hint)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise DataError.of(path, "no such file, but the schemas declare the dataset it holds")
    return path


def _split(path: Path, separator: str, *, fields: int) -> _Rows:
    """(line, fields) of a small file without quoting."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        parts = line.rstrip("\r").split(separator)
        if len(parts) != fields:
            raise DataError.of(path, f"has {len(parts)} fields; expected {fields}", line=number)
        yield number, parts


def _movies(path: Path, rows: Iterator[tuple[int, str, str, str]]) -> FrameTable:
    """From (line, id, title, genres) of each movie."""
    listed = list(rows)
    years = [re.search(r"\((\d{4})\)\s*$", title) for _, _, title, _ in listed]
    frame = pd.DataFrame(
        {
            ITEM_ID: [movie for _, movie, _, _ in listed],
            "GENRES": [NO_GENRE if genres in {"", "(no genres listed)"} else genres for _, _, _, genres in listed],
            TITLE: [title or None for _, _, title, _ in listed],
            "YEAR": [year[1] if year else None for year in years],
        },
        dtype=object,
    )
    return FrameTable(path=path, frame=frame, lines=[line for line, *_ in listed])


def _people(path: Path, rows: Iterator[tuple[int, str, str, str, str]]) -> FrameTable:
    """From (line, id, age, gender, occupation) of each user."""
    listed = list(rows)
    frame = pd.DataFrame([row[1:] for row in listed], columns=[USER_ID, "AGE", "GENDER", "OCCUPATION"], dtype=object)
    return FrameTable(path=path, frame=frame, lines=[row[0] for row in listed])


def _items_100k(path: Path) -> FrameTable:
    genres = [parts[0] for _, parts in _split(_existing(path.parent / "u.genre"), "|", fields=2)]
    rows = _split(path, "|", fields=5 + len(genres))
    return _movies(
        path,
        (
            (line, parts[0], parts[1], "|".join(g for g, flag in zip(genres, parts[5:], strict=True) if flag == "1"))
            for line, parts in rows
        ),
    )


def _users_100k(path: Path) -> FrameTable:
    return _people(path, ((line, p[0], p[1], p[2], p[3]) for line, p in _split(path, "|", fields=5)))


def _items_1m(path: Path) -> FrameTable:
    return _movies(path, ((line, p[0], p[1], p[2]) for line, p in _split(path, "::", fields=3)))


def _users_1m(path: Path) -> FrameTable:
    return _people(path, ((line, p[0], p[2], p[1], p[3]) for line, p in _split(path, "::", fields=5)))


def _items_latest(path: Path) -> FrameTable:
    def rows() -> Iterator[tuple[int, str, str, str]]:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            next(reader, None)
            for parts in reader:
                if len(parts) != 3:
                    raise DataError.of(path, f"has {len(parts)} fields; expected 3", line=reader.line_num)
                yield reader.line_num, parts[0], parts[1], parts[2]

    try:
        return _movies(path, rows())
    except UnicodeDecodeError:
        raise DataError.of(path, "is not UTF-8") from None


_LAYOUTS = (
    _Layout(
        name="ml-100k", ratings="u.data", delimiter="\t", header=False,
        items="u.item", read_items=_items_100k, users="u.user", read_users=_users_100k,
    ),
    _Layout(
        name="ml-1m", ratings="ratings.dat", delimiter="::", header=False,
        items="movies.dat", read_items=_items_1m, users="users.dat", read_users=_users_1m,
    ),
    _Layout(
        name="ml-latest", ratings="ratings.csv", delimiter=",", header=True,
        items="movies.csv", read_items=_items_latest,
    ),
)  # fmt: skip
