"""The experiment as a commented YAML file, with the list of what was left out in its head."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from contract.recipes import DatasetKind
from experiments.from_mpe.document import json_path
from experiments.from_mpe.ledger import Left, grouped
from experiments.from_mpe.translate import Imported

_WIDTH = 116


def draft(imported: Imported, source: str) -> str:
    """The file's text; `source` is what the head calls the configuration file."""
    return "\n".join(_lines(imported, source)) + "\n"


def listing(left: Iterable[Left]) -> Iterator[str]:
    """What was left out, in lines: the places, then why and what to do."""
    for (problem, instead), places in grouped(left).items():
        yield from _wrapped(", ".join(_printable(json_path(place)) for place in places), "- ")
        yield from _wrapped(f"{problem}.", "    ")
        if instead != "nothing":
            yield from _wrapped(f"Instead: {instead}.", "    ")


def _wrapped(text: str, before: str) -> list[str]:
    return textwrap.wrap(
        _printable(text),
        width=_WIDTH,
        initial_indent=before,
        subsequent_indent=" " * len(before),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _lines(imported: Imported, source: str) -> Iterator[str]:
    name = imported.name
    yield "# yaml-language-server: $schema=experiment.schema.json"
    yield f"# From {_printable(source)} (Maintaining Personalized Experiences with Machine Learning), written by"
    yield "# `python -m experiments.from_mpe`. The files that the solution reads are read as they are:"
    yield "#"
    yield f"#     aws s3 sync s3://BUCKET/train/{imported.group} {imported.group}"
    yield f"#     make run EXPERIMENT={name} DATA={imported.group}    # here, without an account"
    yield f"#     make deploy EXPERIMENT={name}                       # on AWS; see README.md"
    yield "#"
    if imported.left:
        yield "# Not carried over:"
        yield from (f"# {line}" for line in listing(imported.left))
    else:
        yield "# All of it was carried over."
    yield ""
    yield f"name: {name}"
    yield f"description: {_quoted(f'The dataset group {imported.group}: which of its recipes recommends best?')}"
    yield ""
    yield from _data(imported.datasets)
    yield "holdout: # the newest tenth of every user's rows judges the recipes"
    yield "  kind: last"
    yield "  share: 0.1"
    yield ""
    yield "recipes:"
    for choice in imported.recipes:
        yield from _recipe(choice)
    yield from _rest(imported)


def _data(datasets: dict[DatasetKind, Any]) -> Iterator[str]:
    yield "data:"
    yield "  kind: files"
    for kind in DatasetKind:
        if kind in datasets:
            part = kind.value.lower()
            yield f"  {part}:"
            yield f"    path: {part}.csv # relative to DATA=folder; join parts in a folder {part}/ to one file"
            yield "    columns:"
            for column, source in datasets[kind].mapping.items():
                yield f"      {column}: {_quoted(source)}"
    yield ""
    yield "schemas: # the required columns are implied"
    for kind in DatasetKind:
        if kind in datasets:
            declared = datasets[kind].declared
            yield f"  {kind.value.lower()}:{'' if declared else ' []'}"
            for column in declared:
                said = ", ".join(f"{key}: {_quoted(value)}" for key, value in column.items())
                yield f"    - {{{said}}}"
    yield ""


def _recipe(choice: dict[str, Any]) -> Iterator[str]:
    comment = f" # {_printable(choice['comment'])}"
    if set(choice) == {"recipe", "comment"}:
        yield f"  - {choice['recipe']}{comment}"
        return
    yield f"  - recipe: {choice['recipe']}{comment}"
    for member in ("hyperparameters", "exploration"):
        if member in choice:
            yield f"    {member}:"
            yield from (f"      {key}: {_quoted(value)}" for key, value in choice[member].items())
    if "hpo" not in choice:
        return
    yield f"    hpo:{' true' if not choice['hpo'] else ''} # on AWS each of its trainings is billed"
    for member, value in choice["hpo"].items():
        if member != "ranges":
            yield f"      {member}: {value}"
            continue
        yield "      ranges:"
        for key, values in value.items():
            yield f"        {key}: [{', '.join(map(_quoted, values))}]"


def _rest(imported: Imported) -> Iterator[str]:
    if imported.tracker:
        yield ""
        yield "# An event tracker; its id is the stack's output TrackingId."
        yield f"events:{'' if imported.try_recipe else ' {}'}"
        if imported.try_recipe:
            yield f"  try_recipe: {imported.try_recipe} # a run shows what three events change in its answers"
    if imported.filters:
        yield ""
        yield "filters:"
        for one in imported.filters:
            yield f"  - name: {one['name']}"
            yield f"    expression: {_quoted(one['expression'])}"
    yield ""
    if imported.mode == "serve":
        yield "mode: serve # keep the campaigns after a run (billed by the hour): one for each recipe above"
    else:
        yield "mode: experiment # delete campaigns after the evaluation; `serve` keeps them"
    yield "# notify: you@example.com # gets the verdict of every run"


def _quoted(value: Any) -> str:
    """As YAML reads it back, on one line, quoted only where it must be."""
    if not isinstance(value, str):
        return str(yaml.safe_dump(value)).removesuffix("...\n").strip()
    # In a flow mapping or before a comment these signs would end a plain value.
    style = '"' if not value.isprintable() else "'" if any(sign in value for sign in ",[]{}#") else None
    text = yaml.safe_dump(value, allow_unicode=True, width=float("inf"), default_style=style)
    return str(text).removesuffix("...\n").strip()


def _printable(text: str) -> str:
    """On one line, without what a YAML file may not hold."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
