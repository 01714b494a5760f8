"""A past that was written is read as it was."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from personalize_engine.data.features import Described
from personalize_engine.data.past import Past
from personalize_engine.data.past_files import read, write


def past() -> Past:
    rows = [(f"u{n % 7}", f"ï{n % 5}", n) for n in range(40)]
    return Past.build([r[0] for r in rows], [r[1] for r in rows], np.array([r[2] for r in rows]))


def described(n: int) -> Described | None:
    table: dict[str, list[Any]] = {"KIND": [f"k{row % 2}" for row in range(n)], "SIZE": list(range(n))}
    return Described.learn(table, {"KIND": "categorical", "SIZE": "numerical"}, n=n)


def plain(value: Any) -> Any:
    """Something that can be compared."""
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.tolist())
    if isinstance(value, Described):
        return (value.encoder, [plain(getattr(value.rows, part)) for part in ("start", "index", "weight")])
    return getattr(value, "ids", value)


@pytest.mark.parametrize("with_all", [False, True])
def test_every_member_comes_back(tmp_path: Path, with_all: bool) -> None:
    written = past()
    if with_all:
        written = dataclasses.replace(
            written,
            item_described=described(len(written.items)),
            user_described=described(len(written.users)),
            event_described=described(len(written)),
            created=np.arange(len(written.items)),
        )
        members = [getattr(written, member.name) for member in dataclasses.fields(Past)]
        assert all(member is not None for member in members), "a member that this test does not know"
    write(written, tmp_path / "past")
    found = read(tmp_path / "past")
    for member in dataclasses.fields(Past):
        assert plain(getattr(found, member.name)) == plain(getattr(written, member.name)), member.name


def test_nobody_writes_to_what_others_read(tmp_path: Path) -> None:
    write(past(), tmp_path / "past")
    with pytest.raises(ValueError, match="read-only"):
        read(tmp_path / "past").at[0] = 1


def test_a_past_without_interactions(tmp_path: Path) -> None:
    write(Past.build([], [], np.zeros(0, np.int64)), tmp_path / "past")
    assert len(read(tmp_path / "past")) == 0
