"""Writes the tables of docs/recipes.md from the recipe table: `python -m tools.recipe_tables`.

Each table stands between two comments that name it; everything else on the page is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from contract.recipes import RECIPES, DatasetKind, Parameter, Recipe, RecipeType
from tools.blocks import replaced

MAKER = "tools/recipe_tables.py"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "recipes.md"

_ANSWERS = {
    RecipeType.USER_PERSONALIZATION: "items for a user",
    RecipeType.PERSONALIZED_RANKING: "your list, in order",
    RecipeType.RELATED_ITEMS: "items for an item",
    RecipeType.POPULAR_ITEMS: "items for everybody",
}
_COLD = {"never": "no", "also": "yes", "only": "before all others"}


def page(text: str) -> str:
    """The page with its tables as they should be."""
    for name, lines in (("overview", _overview()), ("hyperparameters", _hyperparameters())):
        text = replaced(text, name, MAKER, lines)
    return text


def _overview() -> Iterator[str]:
    yield "| recipe | answers with | learns from | your events count | scores | items without interactions | on AWS |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in RECIPES.values():
        cells = (
            f"[{row.name}](#{row.name})",
            _ANSWERS[row.type],
            _learns_from(row),
            "at once, everybody's" if row.trends else "at once" if row.real_time else "with the next training",
            "yes" if row.scored else "no",
            _COLD[row.cold_items],
            f"retired; {row.successor} instead" if row.retired else "offered",
        )
        yield f"| {' | '.join(cells)} |"


def _learns_from(row: Recipe) -> str:
    if not row.metadata:
        return "ids and times"
    of = {DatasetKind.INTERACTIONS: "interactions", DatasetKind.USERS: "users", DatasetKind.ITEMS: "items"}
    return f"ids and times, metadata of {', '.join(of[kind] for kind in row.metadata)}"


def _hyperparameters() -> Iterator[str]:
    yield "| recipe | parameter | default | allowed | found by optimisation |"
    yield "| --- | --- | --- | --- | --- |"
    for row in RECIPES.values():
        for parameter in (*row.hyperparameters, *row.featurization, *row.exploration):
            where = " (campaign)" if parameter in row.exploration else ""
            yield (
                f"| {row.name} | `{parameter.name}`{where} | {parameter.default} | {parameter.allowed()} |"
                f" {_tuned(parameter)} |"
            )


def _tuned(parameter: Parameter) -> str:
    if parameter.only_tuned:
        return "only so: a fixed value is refused"
    return "can be" if parameter.tunable else "no"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
