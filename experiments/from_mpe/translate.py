"""From the configuration file to what an experiment says, and the list of what it does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contract.naming import MAX_EXPERIMENT, MAX_KIND
from contract.plan import Mode
from contract.recipes import RECIPES, DatasetKind, RecipeType
from experiments.from_mpe.columns import Columns, Unusable, datasets
from experiments.from_mpe.config import Config
from experiments.from_mpe.document import Finding, MpeError, Place
from experiments.from_mpe.ledger import Ledger, Left
from experiments.from_mpe.solutions import recipes

_MAX_FILTER = MAX_KIND - 2
"""Letters in a filter's name, as in `experiments.config.Filter`."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What the written file says."""

    name: str
    group: str
    """The dataset group's name in the file."""
    datasets: dict[DatasetKind, Columns]
    recipes: list[dict[str, Any]]
    tracker: bool
    try_recipe: str | None
    filters: list[dict[str, str]]
    mode: Mode
    left: tuple[Left, ...]
    """Of the file, what the experiment does not say."""


def translate(document: Mapping[str, Any], file: Path, *, name: str | None = None) -> Imported:
    """The experiment; MpeError with every finding if the document is no such configuration."""
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        raise MpeError([_finding(file, found) for found in _telling(error)]) from None
    ledger = Ledger()
    group = config.datasetGroup.serviceConfig.name
    ledger.carry("datasetGroup", "serviceConfig", "name")
    try:
        found = datasets(config, ledger)
    except Unusable as error:
        raise MpeError([Finding(file=file, place=error.place, problem=error.problem, hint=error.hint)]) from None
    chosen = recipes(config, found, ledger)
    mode: Mode = "serve" if _has_campaigns(config, chosen) else "experiment"
    return Imported(
        name=name or experiment_name(group),
        group=group,
        datasets=found,
        recipes=chosen,
        tracker=config.eventTracker is not None,
        try_recipe=_to_try(chosen) if config.eventTracker and mode == "experiment" else None,
        filters=_filters(config, ledger),
        mode=mode,
        left=ledger.left(document),
    )


def experiment_name(group: str) -> str:
    """From the dataset group's name: lower case, hyphens, at most as long as names may be.

    >>> experiment_name("My_Shop"), experiment_name("2nd-group")
    ('my-shop', 'group-2nd-group')
    """
    made = re.sub(r"[^a-z0-9]+", "-", group.lower()).strip("-")
    return (made if made[:1].isalpha() else f"group-{made}")[:MAX_EXPERIMENT].rstrip("-")


def _has_campaigns(config: Config, chosen: list[dict[str, Any]]) -> bool:
    names = {choice["recipe"] for choice in chosen}
    return any(solution.campaigns and solution.serviceConfig.recipe in names for solution in config.solutions or ())


def _to_try(chosen: list[dict[str, Any]]) -> str | None:
    """The first recipe whose answers follow a user's events."""
    rows = [RECIPES[choice["recipe"]] for choice in chosen]
    fit = [row.name for row in rows if row.real_time and row.type is RecipeType.USER_PERSONALIZATION]
    return fit[0] if fit else None


def _filters(config: Config, ledger: Ledger) -> list[dict[str, str]]:
    made: list[dict[str, str]] = []
    for number, one in enumerate(config.filters or ()):
        service, at = one.serviceConfig, ("filters", number, "serviceConfig")
        name = _filter_name(service.name, [other["name"] for other in made])
        made.append({"name": name, "expression": service.filterExpression})
        ledger.carry(*at, "filterExpression")
        ledger.leave(
            (*at, "name"),
            f"the filter is {name} here, within a longer name in Amazon Personalize",
            "applications take its ARN from `aws personalize list-filters`",
        )
    return made


def _filter_name(given: str, taken: list[str]) -> str:
    made = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-")
    made = (made if made[:1].isalpha() else f"filter-{made}")[:_MAX_FILTER].rstrip("-")
    number, name = 1, made
    while name in taken:
        number += 1
        ending = f"-{number}"
        name = made[: _MAX_FILTER - len(ending)].rstrip("-") + ending
    return name


_PLAIN = {
    "missing": "is missing",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}
"""Kinds of pydantic's errors whose own words speak of Python."""


def _telling(error: ValidationError) -> list[Any]:
    """One finding per place: a column's type that is neither a name nor a list of names gives two."""
    found: dict[Place, Any] = {}
    for one in error.errors(include_url=False):
        found.setdefault(_place(one["loc"]), one)
    return list(found.values())


def _place(location: tuple[int | str, ...]) -> Place:
    """Pydantic's location without the tags of its unions, which are not in the file."""
    return tuple(part for part in location if isinstance(part, int) or re.fullmatch(r"\w+", part))


def _finding(file: Path, found: Any) -> Finding:
    kind, context = found["type"], found.get("ctx", {})
    problem, hint = _PLAIN.get(kind, found["msg"].replace("Input should be", "must be")), ""
    if kind == "string_pattern_mismatch":
        problem, hint = f"{found['input']!r} is not allowed", f"It must match {context['pattern']}"
    elif kind == "literal_error":
        problem = f"{found['input']!r} is not allowed: it must be {context['expected']}"
    elif kind == "missing":
        hint = "See the README of the solution for a whole file"
    return Finding(file=file, place=_place(found["loc"]), problem=problem, hint=hint)
