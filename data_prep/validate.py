"""Is the data what the schema says, and what the service takes? Every finding with its file and line.

A cell that contradicts the schema is an error. A row without a user, an item or a time says nothing and is dropped;
a row equal to an earlier one in every field of the schema is kept once. Both are counted, with the first lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import ibis

from contract import fields
from contract.manifest import Dropped
from contract.recipes import DatasetKind
from data_prep.database import KEPT, ROW, SHOWN, Database, bad
from data_prep.errors import DataError
from data_prep.sources.tables import ISO, MILLISECONDS, SECONDS, Table, TextTable, moment_format
from experiments.config import Column
from experiments.load import Finding

_ID = {fields.USER_ID, fields.ITEM_ID}
_KEYS = {DatasetKind.USERS: fields.USER_ID, DatasetKind.ITEMS: fields.ITEM_ID}


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Rows that are fit for use."""

    table: ibis.Table
    """The schema's columns and `ROW`, without dropped rows and duplicates."""
    read: int
    """Rows of the source."""
    dropped: list[Dropped]
    duplicates: int


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """A condition on a row that must not hold."""

    name: str
    where: Any
    """Ibis boolean."""
    field: str
    problem: str
    hint: str = ""
    drops: bool = False
    """Whether such a row is left out rather than an error."""


def check(
    database: Database, table: ibis.Table, kind: DatasetKind, *, columns: Sequence[Column], source: Table
) -> Checked:
    """The usable rows of an ingested table; DataError with all findings if something contradicts the schema."""
    rules = _rules(table, kind, columns, source)
    counted = table.aggregate(_read=table.count(), **{rule.name: rule.where.fill_null(False).sum() for rule in rules})
    counts = {name: int(value or 0) for name, value in database.records(counted)[0].items()}
    read = counts.pop("_read")
    if not read:
        raise DataError.of(source.path, "has no rows")
    broken = [rule for rule in rules if counts[rule.name]]
    if errors := [rule for rule in broken if not rule.drops]:
        raise DataError([_finding(database, table, rule, count=counts[rule.name], source=source) for rule in errors])
    names = [column.name for column in columns]
    usable = table
    dropped = []
    for rule in broken:
        # Each rule counts what the ones before it left: the counts add up.
        caught = usable.filter(rule.where.fill_null(False))
        rows = database.number(caught.count())
        if rows:
            dropped.append(
                Dropped(reason=f"{kind.value}: {rule.problem}", rows=rows, first_lines=_lines(database, caught, source))
            )
            usable = usable.filter(~rule.where.fill_null(False))
    usable = usable.select(*names, ROW)
    usable, duplicates = _once(database, usable, names, kind=kind)
    if kind in _KEYS:
        _refuse_two_rows_of_one(database, usable, kind, source=source)
    return Checked(table=usable, read=read, dropped=dropped, duplicates=duplicates)


def check_enough(rows: int, users_with_two: int, *, file: Path, what: str) -> None:
    """DataError unless the service can train on so many interactions."""
    if rows < fields.MIN_INTERACTIONS:
        raise DataError.of(
            file,
            f"{what} {rows:,} interactions; Amazon Personalize trains on at least {fields.MIN_INTERACTIONS:,}:"
            " add data, or hold out less of it",
        )
    if users_with_two < fields.MIN_USERS_WITH_TWO:
        raise DataError.of(
            file,
            f"{what} {users_with_two:,} users with two or more interactions; Amazon Personalize needs at least"
            f" {fields.MIN_USERS_WITH_TWO}: add data",
        )


def _rules(table: Any, kind: DatasetKind, columns: Sequence[Column], source: Table) -> list[_Rule]:
    rules: list[_Rule] = []

    def rule(field: str, where: Any, problem: str, hint: str = "", *, drops: bool = False) -> None:
        name = f"rule_{len(rules)}"
        rules.append(_Rule(name=name, where=where, field=field, problem=problem, hint=hint, drops=drops))

    required = fields.REQUIRED[kind]
    for column in columns:
        cell = table[column.name]
        time = moment_format(source, column.name)
        if column.type != "string":
            rule(column.name, table[bad(column.name)], *_not_of_type(column, time))
        if column.name in required:
            rule(column.name, cell.isnull() & ~table[bad(column.name)], f"{column.name} is empty", drops=True)
        elif not column.nullable:
            rule(
                column.name,
                cell.isnull() & ~table[bad(column.name)],
                "is empty, but the schema does not allow that",
                f"Declare it as {{name: {column.name}, type: {column.type}, …, nullable: true}} or fill it",
            )
        if column.name in _ID:
            rule(column.name, cell.length() > fields.MAX_ID_LENGTH, f"has more than {fields.MAX_ID_LENGTH} characters")
        elif column.type == "string":
            limit = fields.MAX_TEXTUAL_LENGTH if column.textual else fields.MAX_CATEGORICAL_LENGTH
            rule(column.name, cell.length() > limit, f"has more than {limit:,} characters")
        if column.name in {fields.TIMESTAMP, fields.CREATION_TIMESTAMP}:
            rule(column.name, cell < 0, "lies before 1970")
            rule(column.name, cell >= fields.MILLISECONDS_FROM, *_too_large(column.name, time))
    if isinstance(source, TextTable) and source.minimum:
        kept = table[KEPT]
        rule("", kept.isnull() | (kept < source.minimum.at_least), source.minimum.reason, drops=True)
    return rules


def _not_of_type(column: Column, time: str) -> tuple[str, str]:
    if column.name != fields.TIMESTAMP:
        kinds = {"int": "a whole number", "long": "a whole number", "boolean": "true or false"}
        return f"is not {kinds.get(column.type, 'a number')}, but the schema says {column.type}", ""
    if time in {SECONDS, MILLISECONDS}:
        return (
            f"is not a whole number of {time}",
            "Say how it is written: `timestamp: iso`, or a format such as '%d/%m/%Y'",
        )
    return (
        f"is not a time written as {'ISO 8601' if time == ISO else repr(time)}",
        "See `timestamp` in the experiment's file",
    )


def _too_large(name: str, time: str) -> tuple[str, str]:
    if time == SECONDS:
        hint = (
            "Write `timestamp: milliseconds` below the file's path" if name == fields.TIMESTAMP else "Divide it by 1000"
        )
        return "is in milliseconds, Amazon Personalize takes seconds", hint
    return "is too far in the future", ""


def _finding(database: Database, table: ibis.Table, rule: _Rule, *, count: int, source: Table) -> Finding:
    lines = _lines(database, table.filter(rule.where), source)
    value = database.records(table.filter(rule.where).order_by(ROW).limit(1).select(rule.field))[0][rule.field]
    said = "" if value is None else f"{str(value)[:60]!r} "
    others = f" ({count:,} rows, the first on lines {', '.join(map(str, lines))})" if count > 1 else ""
    return Finding(
        file=source.path, line=lines[0], field=rule.field, problem=f"{said}{rule.problem}{others}", hint=rule.hint
    )


def _lines(database: Database, rows: ibis.Table, source: Table) -> list[int]:
    first = database.records(rows.order_by(ROW).limit(SHOWN).select(ROW))
    return database.line_numbers(source, [row[ROW] for row in first])


def _once(database: Database, table: ibis.Table, names: Sequence[str], *, kind: DatasetKind) -> tuple[ibis.Table, int]:
    """The table with the first of equal rows, and how many others there were."""
    groups = database.create(f"repeated_{kind.value.lower()}", repeated(table, names))
    again = database.create(f"duplicates_{kind.value.lower()}", duplicate_rows(table, groups, names))
    duplicates = database.number(again.count())
    return (table.anti_join(again, ROW), duplicates) if duplicates else (table, 0)


def repeated(table: ibis.Table, names: Sequence[str]) -> ibis.Table:
    """These columns of the rows that are there several times, and the `ROW` of the first of each.

    To be stored before its rows are looked up: in one query with them, DuckDB's aggregation cannot spill all it holds.
    """
    groups = table.group_by(list(names)).agg(_n=table.count(), _first=table[ROW].min())
    return groups.filter(groups["_n"] > 1).drop("_n")


def duplicate_rows(table: ibis.Table, groups: ibis.Table, names: Sequence[str]) -> ibis.Table:
    """`ROW` of each row that equals an earlier one in all of these columns; `groups`: those that `repeated` names.

    Only groups that have several rows are looked into, so a table without duplicates costs one aggregation.
    """
    same = reduce(lambda a, b: a & b, [table[name].identical_to(groups[name]) for name in names])
    return table.join(groups, same).filter(ibis._[ROW] > ibis._["_first"]).select(ROW)


def _refuse_two_rows_of_one(database: Database, table: ibis.Table, kind: DatasetKind, *, source: Table) -> None:
    key = _KEYS[kind]
    found = database.records(repeated(table, [key]).order_by("_first").limit(SHOWN))
    findings = []
    for row in found:
        lines = _lines(database, table.filter(table[key] == row[key]), source)
        said = f"{row[key]!r} is described differently on lines {', '.join(map(str, lines))}"
        findings.append(Finding(file=source.path, line=lines[0], field=key, problem=said, hint="Keep one of them"))
    if findings:
        raise DataError(findings)
