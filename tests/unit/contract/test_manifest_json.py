"""The manifest survives JSON, and what is wrong with one is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.as_json import to_json
from contract.manifest import Counts, Dropped, File, Files, Manifest

MANIFEST = Manifest(
    version="0123abcd",
    experiment="exp",
    holdout={"kind": "last", "share": "1/10"},
    counts={"past": Counts(interactions=2, users=1, items=2), "future": Counts(interactions=1, users=1, items=1)},
    files=Files(
        past={
            "Interactions": File(key="data/0123abcd/past/interactions.csv", sha256="00", rows=2, columns=["USER_ID"])
        },
        future=File(key="data/0123abcd/future/interactions.csv", sha256="00", rows=1, columns=["USER_ID"]),
    ),
    dropped=[Dropped(reason="no item", rows=1, first_lines=[7])],
    repeats_share=0.25,
)


def test_json_and_back() -> None:
    assert Manifest.from_json(json.loads(json.dumps(to_json(MANIFEST)))) == MANIFEST


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": 2}, "schema 2; this program reads 1"),
        ({"version": None}, "version is None"),
        ({"files": {"past": {}}}, "lacks the member 'future'"),
        ({"colour": "red"}, "unknown member 'colour'"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Manifest.from_json(to_json(MANIFEST) | changes)


def test_not_an_object() -> None:
    with pytest.raises(ValueError, match="expected an object"):
        Manifest.from_json([])
