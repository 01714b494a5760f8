"""The figures on the pages are those that are kept, and what is kept is figures alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.load import names
from tools.figures import KEPT, PAGES, page


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_a_page_is_up_to_date(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count("made by tools/figures.py") >= 2
    assert page(text) == text, "run `python -m tools.figures`"
    assert page(text.replace("| 0.", "| 9.")) == text


def test_a_comment_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="has no end"):
        page("<!-- movielens-hrnn table: made by tools/figures.py -->\n")


def test_an_empty_part_is_filled_and_nothing_behind_it_is_lost() -> None:
    empty = "<!-- movielens-hrnn table: made by tools/figures.py -->\n<!-- end of movielens-hrnn table -->\n\nBehind.\n"
    assert page(empty).endswith(" |\n<!-- end of movielens-hrnn table -->\n\nBehind.\n")


@pytest.mark.parametrize("file", sorted(KEPT.glob("*.json")), ids=lambda file: file.stem)
def test_nothing_but_figures_is_kept(file: Path) -> None:
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert kept["experiment"] in names()
    assert not {"titles", "examples", "events"} & set(kept)
