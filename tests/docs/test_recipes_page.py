"""docs/recipes.md has a section for every recipe, and its tables say what the recipe table says."""

from __future__ import annotations

import re

import pytest

from contract.recipes import RECIPES
from tools.recipe_tables import PAGE, page

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_tables_are_up_to_date() -> None:
    assert page(TEXT) == TEXT, "run `make snapshots`"
    with pytest.raises(ValueError, match="around the table overview once"):
        page("no tables here")


def test_every_recipe_has_a_section_and_no_other() -> None:
    assert sorted(re.findall(r"^### (aws-[\w-]+)$", TEXT, flags=re.MULTILINE)) == sorted(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_section_says_what_differs_from_the_service(name: str) -> None:
    section = re.split(r"^### ", TEXT, flags=re.MULTILINE)
    (own,) = [part for part in section if part.startswith(f"{name}\n")]
    for needed in ("**Use it**", "**Differs from the service**"):
        assert needed in own
