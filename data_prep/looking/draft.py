"""The experiment as a commented YAML file, from what was seen: every choice with its reason, ready to run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from contract import fields
from contract.naming import MAX_EXPERIMENT
from contract.recipes import DatasetKind
from data_prep.looking.roles import Choice, Dataset

_KINDS = (DatasetKind.INTERACTIONS, DatasetKind.USERS, DatasetKind.ITEMS)


def name_of(path: Path) -> str:
    """An experiment's name from a file's: lower case, hyphens, at most as long as names may be."""
    stem = path.name.split(".")[0]
    made = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    return (made if made[:1].isalpha() else f"data-{made}".rstrip("-"))[:MAX_EXPERIMENT].rstrip("-")


def draft(name: str, found: Mapping[DatasetKind, Dataset]) -> str:
    """The file's text."""
    return "\n".join(_lines(name, found)) + "\n"


def _lines(name: str, found: Mapping[DatasetKind, Dataset]) -> Iterator[str]:
    interactions = found[DatasetKind.INTERACTIONS]
    yield "# yaml-language-server: $schema=experiment.schema.json"
    yield f"# Drafted from {interactions.looked.path.name} by `python -m data_prep init`, each choice with its reason."
    yield "# Change what is wrong; experiments/quickstart.yaml shows the other fields."
    yield "#"
    yield f"#     make run EXPERIMENT={name}"
    yield ""
    yield f"name: {name}"
    yield f"description: {_quoted(f'Which recipe recommends best on {interactions.looked.path.name}?')}"
    yield ""
    yield "data:"
    yield "  kind: files"
    for kind in _KINDS:
        if kind in found:
            yield from _file(kind, found[kind])
    yield ""
    yield "schemas:"
    for kind in _KINDS:
        if kind in found:
            yield from _schema(kind, found[kind])
    for kind, dataset in found.items():
        for column, why in dataset.left_out:
            yield f"# Left out of {kind.value.lower()}: {column}: {_one_line(why)}."
    yield ""
    yield "holdout: # the newest tenth of every user's rows judges the recipes"
    yield "  kind: last"
    yield "  share: 0.1"
    yield ""
    yield "recipes:"
    if _described(found):
        yield "  - aws-hrnn-metadata # reads the metadata above"
    yield "  - aws-hrnn # reads who, what and when"
    yield "  - aws-popularity-count # the baseline"
    yield "  - aws-sims # another question: what goes with an item?"


def _described(found: Mapping[DatasetKind, Dataset]) -> bool:
    return any(
        choice.column not in fields.RESERVED[kind] and not choice.textual
        for kind, dataset in found.items()
        for choice in dataset.metadata
    )


def _file(kind: DatasetKind, dataset: Dataset) -> Iterator[str]:
    looked = dataset.looked
    yield f"  {kind.value.lower()}:"
    yield f"    path: {_quoted(str(looked.path.resolve()))}"
    if looked.delimiter != ",":
        yield f"    delimiter: {_quoted(looked.delimiter)}"
    moments = [c for c in dataset.choices if c.column in {fields.TIMESTAMP, fields.CREATION_TIMESTAMP}]
    if moments:
        column = looked.column(moments[0].source)
        yield f"    timestamp: {_quoted(str(column.moment))} # {_one_line(', '.join(column.examples))}"
    if any(looked.column(choice.source).comma for choice in dataset.choices if choice.type in {"double", "float"}):
        yield '    decimal: "," # numbers are written with a comma'
    lists = {choice.column: choice.separator for choice in dataset.choices if choice.separator}
    if lists:
        yield "    lists: # what separates several values in a cell"
        for column_name, sign in lists.items():
            yield f"      {column_name}: {_quoted(sign)}"
    if dataset.title:
        yield f"    title: {_quoted(dataset.title)} # what reports call an item; Personalize does not see it"
    yield "    columns:"
    for choice in dataset.choices:
        yield f"      {choice.column}: {_quoted(choice.source)} # {_one_line(choice.reason)}"


def _schema(kind: DatasetKind, dataset: Dataset) -> Iterator[str]:
    if not dataset.metadata:
        yield f"  {kind.value.lower()}: []"
        return
    yield f"  {kind.value.lower()}:"
    for choice in dataset.metadata:
        yield f"    - {{{', '.join(_declared(choice))}}}"


def _declared(choice: Choice) -> Iterator[str]:
    yield f"name: {choice.column}"
    yield f"type: {choice.type}"
    for flag in ("categorical", "textual", "nullable"):
        if getattr(choice, flag):
            yield f"{flag}: true"


def _quoted(text: str | None) -> str:
    """As YAML reads it back, quoted only where it must be."""
    return str(yaml.safe_dump(text, allow_unicode=True, width=10**6, default_style=None)).removesuffix("...\n").strip()


def _one_line(text: str) -> str:
    return " ".join(text.split())
