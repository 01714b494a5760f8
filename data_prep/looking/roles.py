"""Which column is what: who, what, when; which say something of an item, of a user, or of the moment. With reasons.

Names are hints; what decides is in the cells. A column that has one value per item describes the item, one per user the
user, and any other the interaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from contract import fields
from contract.recipes import DatasetKind
from data_prep.database import Database, quoted_name
from data_prep.errors import DataError
from data_prep.looking.profile import Column, Looked

WORDS = {
    fields.USER_ID: "user customer visitor member client account author reviewer person buyer shopper reader viewer"
    " listener patron subscriber guest passenger traveller uid session who kunde nutzer",
    fields.ITEM_ID: "item product article movie film book song track artist sku asin isbn video content listing ad page"
    " course recipe game airline hotel business restaurant place iid pid what artikel produkt",
    fields.TIMESTAMP: "timestamp time date datetime ts at when created moment day unixtime datum zeit",
    fields.EVENT_TYPE: "event action type behavior behaviour activity interaction",
    fields.EVENT_VALUE: "rating score stars grade value overall",
    fields.TITLE: "title name label headline titel bezeichnung",
    fields.CREATION_TIMESTAMP: "created creation released release published added launch",
}
"""Parts of names, by what they hint at."""
MAX_EVENT_TYPES = 30
FEW = 30
"""A whole number with at most so many values is taken for a category where its name says nothing of a quantity."""
_LONG_TEXT = 60
"""Mean characters from which on text is to be read, not compared."""
_ALL_DIFFERENT = 0.9
"""Share of different values from which on a column names its row rather than describing it."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One column of the schema, where it is read from, and why."""

    column: str
    source: str
    type: str
    reason: str
    categorical: bool = False
    textual: bool = False
    nullable: bool = False
    separator: str | None = None


@dataclass(kw_only=True)
class Dataset:
    """A dataset: its file, its columns, and what was left out."""

    looked: Looked
    choices: list[Choice] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """(column of the file, why)"""
    title: str | None = None
    """Column of the file that names an item for people."""

    @property
    def metadata(self) -> list[Choice]:
        """What the schema declares besides what is implied."""
        return [choice for choice in self.choices if choice.column not in _IMPLIED]


_IMPLIED = {fields.USER_ID, fields.ITEM_ID, fields.TIMESTAMP}
_RESERVED = _IMPLIED.union(*fields.RESERVED.values())


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the caller knows better: columns of the interactions file."""

    user: str | None = None
    item: str | None = None
    time: str | None = None


def assign(
    database: Database, log: Looked, *, items: Looked | None, users: Looked | None, told: Told
) -> dict[DatasetKind, Dataset]:
    """The datasets that the files make; DataError if who, what or when cannot be seen."""
    when = log.column(told.time) if told.time else _time(log)
    taken = {when.name, *(name for name in (told.user, told.item) if name)}
    who = log.column(told.user) if told.user else _identifier(log, fields.USER_ID, taken, option="--user")
    taken.add(who.name)
    what = log.column(told.item) if told.item else _identifier(log, fields.ITEM_ID, taken, option="--item")
    if len({who.name, what.name, when.name}) < 3:
        raise DataError.of(log.path, "the user, the item and the time must be three columns")
    if when.moment is None:
        raise DataError.of(log.path, f"{when.name!r} is not a moment in every row", hint=f"It holds {_like(when)}")
    interactions = Dataset(looked=log)
    interactions.choices += [
        Choice(column=fields.USER_ID, source=who.name, type="string", reason=_counted(who, "different")),
        Choice(column=fields.ITEM_ID, source=what.name, type="string", reason=_counted(what, "different")),
        Choice(column=fields.TIMESTAMP, source=when.name, type="long", reason=f"moments such as {_like(when)}"),
    ]
    found = {DatasetKind.INTERACTIONS: interactions}
    of_items, of_users = Dataset(looked=log), Dataset(looked=log)
    for column in log.columns:
        if column.name in {who.name, what.name, when.name}:
            continue
        if reserved := _reserved(column, {choice.column for choice in interactions.choices}):
            interactions.choices.append(reserved)
        elif items is None and _one_per(database, log, what, column):
            _describe(of_items, column, f"one value per {what.name}", rows=what.distinct, textual=True)
        elif users is None and _one_per(database, log, who, column):
            _describe(of_users, column, f"one value per {who.name}", rows=who.distinct)
        else:
            _describe(interactions, column, "changes from row to row: what is known at the moment", rows=column.filled)
    for kind, own, key, other, file in (
        (DatasetKind.ITEMS, fields.ITEM_ID, what, of_items, items),
        (DatasetKind.USERS, fields.USER_ID, who, of_users, users),
    ):
        dataset = _from_file(database, log, key, file, kind) if file else other
        if not file:
            dataset.choices.insert(0, Choice(column=own, source=key.name, type="string", reason="from the same rows"))
        if dataset.metadata:
            found[kind] = dataset
        else:
            interactions.title = interactions.title or dataset.title
            interactions.left_out += dataset.left_out
    for kind, dataset in found.items():
        _within_quota(dataset, fields.MAX_METADATA[kind])
    return found


def _time(log: Looked) -> Column:
    able = [column for column in log.columns if column.moment and column.filled]
    if not able:
        raise DataError.of(
            log.path, "no column holds a moment in every row", hint="Name it with --time COLUMN, or mend its cells"
        )
    return max(
        able, key=lambda c: (_hint(c.name, fields.TIMESTAMP), c.moment not in {"%Y%m%d"}, not c.whole, c.distinct)
    )


def _identifier(log: Looked, role: str, taken: Iterable[str], *, option: str) -> Column:
    """The column whose name says so; else one that looks like ids: few enough to come back, many enough to tell."""
    free = [column for column in log.columns if column.name not in set(taken) and column.distinct > 1]
    named = [column for column in free if _hint(column.name, role) and column.mean_length <= _LONG_TEXT]
    if named:
        # user_id before user_name, and of ids the one with more values: a product before its category.
        return max(named, key=lambda c: (_hint(c.name, role), _is_id(c.name), c.distinct))
    able = [c for c in free if not c.moment and _is_id(c.name) and c.share_distinct < _ALL_DIFFERENT]
    others = [c for c in able if not any(_hint(c.name, other) for other in (fields.USER_ID, fields.ITEM_ID))]
    if len(others) == 1:
        return others[0]
    raise DataError.of(
        log.path,
        f"no column can be told to be the {'user' if role == fields.USER_ID else 'item'}",
        hint=f"Name it with {option} COLUMN; there are: {', '.join(column.name for column in log.columns)}",
    )


def _reserved(column: Column, taken: set[str]) -> Choice | None:
    """EVENT_TYPE and EVENT_VALUE."""
    if (
        fields.EVENT_TYPE not in taken
        and _hint(column.name, fields.EVENT_TYPE)
        and not column.numeric
        and 1 <= column.distinct <= MAX_EVENT_TYPES
        and not column.nullable
    ):
        return Choice(
            column=fields.EVENT_TYPE, source=column.name, type="string", reason=f"few kinds of events: {_like(column)}"
        )
    if fields.EVENT_VALUE not in taken and _hint(column.name, fields.EVENT_VALUE) and column.numeric:
        return Choice(
            column=fields.EVENT_VALUE,
            source=column.name,
            type="float",
            nullable=column.nullable,
            reason=f"a number that values the event: {_like(column)}",
        )
    return None


def _one_per(database: Database, log: Looked, key: Column, column: Column) -> bool:
    """Whether rows with the same key always agree in this column (an empty cell is a value, too)."""
    if column.distinct > key.distinct:
        return False
    sql = (
        f"SELECT count(*) FROM (SELECT 1 FROM {log.table} GROUP BY {quoted_name(key.name)}"
        f" HAVING count(DISTINCT coalesce({quoted_name(column.name)}, '')) > 1 LIMIT 1)"
    )
    (several,) = database.execute(sql).fetchone() or (1,)
    return not several


def _from_file(database: Database, log: Looked, key: Column, file: Looked, kind: DatasetKind) -> Dataset:
    """A dataset of its own file; its key is the column that shares most values with the interactions' ids."""
    own = fields.ITEM_ID if kind is DatasetKind.ITEMS else fields.USER_ID
    shares = []
    for column in file.columns:
        name = quoted_name(column.name)
        sql = (
            f"SELECT count(DISTINCT l.{quoted_name(key.name)}) FROM {log.table} l JOIN {file.table} f"
            f" ON l.{quoted_name(key.name)} = f.{name}"
        )
        (common,) = database.execute(sql).fetchone() or (0,)
        shares.append((int(common), column))
    common, found = max(shares, key=lambda pair: (pair[0], _is_id(pair[1].name)))
    if not common:
        raise DataError.of(
            file.path,
            f"no column holds the ids of {key.name!r} in {log.path.name}",
            hint=f"There they look like {_like(key)}",
        )
    dataset = Dataset(looked=file)
    reason = f"holds {common:,} of the {key.distinct:,} ids of {key.name} in {log.path.name}"
    dataset.choices.append(Choice(column=own, source=found.name, type="string", reason=reason))
    for column in file.columns:
        if column is not found:
            _describe(dataset, column, "", rows=column.filled, textual=kind is DatasetKind.ITEMS)
    return dataset


def _describe(dataset: Dataset, column: Column, why: str, *, rows: int, textual: bool = False) -> None:
    """Adds a metadata column to the dataset of so many rows, or says why it is left out."""
    reason = f"{why}; " if why else ""
    name = _unique(column.name, {choice.column for choice in dataset.choices})
    has_text = any(choice.textual for choice in dataset.choices)
    if not column.filled or column.distinct < 2:
        dataset.left_out.append((column.name, "the same in every row" if column.filled else "empty"))
    elif textual and column.moment and _hint(column.name, fields.CREATION_TIMESTAMP) and not column.nullable:
        created = fields.CREATION_TIMESTAMP
        dataset.choices.append(
            Choice(column=created, source=column.name, type="long", reason=f"{reason}when it appeared: {_like(column)}")
        )
    elif column.moment and not column.whole:
        dataset.left_out.append((column.name, f"a moment ({_like(column)}), which recipes cannot read"))
    elif column.numeric and not column.leading_zeros and not (column.whole and column.distinct <= FEW):
        kind = "long" if column.whole else "double"
        dataset.choices.append(
            Choice(
                column=name,
                source=column.name,
                type=kind,
                nullable=column.nullable,
                reason=f"{reason}a quantity: {_like(column)}",
            )
        )
    elif column.separator and column.longest <= fields.MAX_CATEGORICAL_LENGTH:
        sign = column.separator if column.separator != "|" else None
        said = f"{reason}several values in a cell, separated by {column.separator}: {_like(column)}"
        dataset.choices.append(
            Choice(
                column=name, source=column.name, type="string", categorical=True, nullable=column.nullable,
                separator=sign, reason=said,
            )
        )  # fmt: skip
    elif column.mean_length > _LONG_TEXT or column.longest > fields.MAX_CATEGORICAL_LENGTH:
        if textual and not has_text and column.longest <= fields.MAX_TEXTUAL_LENGTH:
            dataset.choices.append(
                Choice(
                    column=name, source=column.name, type="string", textual=True, nullable=column.nullable,
                    reason=f"{reason}text to be read",
                )
            )  # fmt: skip
        else:
            dataset.left_out.append((column.name, "long text; a dataset of items may have one such column"))
    elif textual and column.distinct > max(FEW, _ALL_DIFFERENT * rows) and _hint(column.name, fields.TITLE):
        dataset.title = dataset.title or column.name
    elif column.distinct > max(FEW, _ALL_DIFFERENT * rows):
        dataset.left_out.append((column.name, f"nearly every row has a value of its own ({_like(column)})"))
    else:
        dataset.choices.append(
            Choice(
                column=name, source=column.name, type="string", categorical=True, nullable=column.nullable,
                reason=f"{reason}{_counted(column, 'categories')}",
            )
        )  # fmt: skip


def _within_quota(dataset: Dataset, most: int) -> None:
    """The service allows so many metadata columns: those with the fewest empty cells stay."""
    plain = [choice for choice in dataset.metadata if choice.column not in _RESERVED]
    if len(plain) <= most:
        return
    ranked = sorted(plain, key=lambda choice: -dataset.looked.column(choice.source).filled)
    for choice in ranked[most:]:
        dataset.choices.remove(choice)
        dataset.left_out.append((choice.source, f"more than the {most} metadata columns that the service allows"))


def _hint(name: str, role: str) -> int:
    """2 if the whole name hints at the role, 1 if a part does."""
    parts = _parts(name)
    words = set(WORDS[role].split())
    hits = [part for part in parts if part in words or part.rstrip("s") in words]
    if not hits:
        return 0
    return 2 if len(hits) == len([part for part in parts if part not in {"id", "no", "nr", "key", "code"}]) else 1


def _is_id(name: str) -> bool:
    parts = _parts(name)
    return bool(
        set(parts) & {"id", "ids", "key", "code", "uid", "iid", "pid", "nr", "no", "number", "sku", "asin"}
    ) or (len(parts) == 1 and parts[0].endswith("id"))


def _parts(name: str) -> Sequence[str]:
    """customerId, CUSTOMER-ID and customer_id are customer, id."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    parts = [part.lower() for part in re.split(r"[^A-Za-z0-9]+", spaced) if part]
    return [
        inner for part in parts for inner in ((part[:-2], "id") if len(part) > 3 and part.endswith("id") else (part,))
    ]


def _unique(name: str, taken: set[str]) -> str:
    """The column's name as the service writes them: CAPITALS_AND_UNDERSCORES."""
    made = "_".join(_spelled(name)) or "COLUMN"
    made = (made if made[0].isalpha() else f"C_{made}")[:60]
    if made in _RESERVED:
        made = f"{made}_OF_ROW"
    number, chosen = 1, made
    while chosen in taken:
        number += 1
        chosen = f"{made}_{number}"
    return chosen


def _spelled(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [part.upper() for part in re.split(r"[^A-Za-z0-9]+", spaced) if part]


def _counted(column: Column, what: str) -> str:
    return f"{column.distinct:,} {what}, such as {_like(column)}"


def _like(column: Column) -> str:
    return ", ".join(column.examples) or "nothing"
