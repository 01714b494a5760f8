"""A MiniStack that is built otherwise is noticed at the start, not in a run."""

from __future__ import annotations

import types
from importlib import metadata

import pytest

from local_cloud.plugin.seams import WRITTEN_AGAINST, SeamMoved, expect, wrap


def module() -> types.ModuleType:
    made = types.ModuleType("ministack.example")

    def call(first: int, second: int) -> int:
        return first - second

    made.call = call  # type: ignore[attr-defined]
    return made


def test_the_pinned_version_is_the_one_that_the_seams_know() -> None:
    assert metadata.version("ministack") == WRITTEN_AGAINST


def test_a_function_is_wrapped_and_can_be_wrapped_again() -> None:
    made = module()
    for _ in range(2):
        wrap(made, "call", "first, second", lambda original: lambda first, second: original(first, second) * 10)
    assert made.call(3, 1) == 200


@pytest.mark.parametrize(
    ("name", "parameters", "problem"),
    [("gone", "first", "is gone"), ("call", "first", r"has the parameters \(first, second\), not \(first\)")],
)
def test_what_moved_is_named(name: str, parameters: str, problem: str) -> None:
    with pytest.raises(SeamMoved, match=rf"ministack\.example\.{name}: {problem}.*{WRITTEN_AGAINST}"):
        wrap(module(), name, parameters, lambda original: original)


def test_an_expectation_that_does_not_hold_is_named() -> None:
    with pytest.raises(SeamMoved, match="here: is different"):
        expect(False, "here", "is different")
