"""The pictures in docs/pictures/ show what the pages look like now."""

from __future__ import annotations

import json

import pytest

from tools.pictures import DIGESTS, DRAWN_BY, HEIGHTS, PICTURES, digests


@pytest.mark.parametrize("picture", HEIGHTS)
def test_what_draws_a_picture_is_as_it_was_when_it_was_taken(picture: str) -> None:
    assert (PICTURES / f"{picture}.png").stat().st_size > 10_000
    taken = json.loads(DIGESTS.read_text(encoding="utf-8"))[picture]
    assert digests()[picture] == taken, f"{', '.join(DRAWN_BY[picture])} changed: `make run`, then `make pictures`"


def test_every_picture_is_one_that_the_command_takes() -> None:
    assert {path.stem for path in PICTURES.glob("*.png")} == set(HEIGHTS) == set(DRAWN_BY)
