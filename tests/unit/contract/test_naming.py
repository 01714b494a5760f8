"""Names: repeatable, new for changed inputs, within the service's limits, never inside a neighbour's grants."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import naming
from contract.recipes import RECIPES

experiments = st.from_regex(rf"\A{naming.EXPERIMENT_PATTERN}\Z", fullmatch=True).filter(
    lambda text: len(text) <= naming.MAX_EXPERIMENT
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(experiments, st.sampled_from([row.word for row in RECIPES.values()]), json_values)
def test_a_name_is_repeatable_and_valid_for_the_service(experiment: str, kind: str, value: object) -> None:
    made = naming.name(naming.prefix(experiment), kind, value)
    assert made == naming.name(naming.prefix(experiment), kind, value)
    assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9\-_]*", made)
    assert len(made) <= naming.MAX_NAME


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert naming.digest(value) == naming.digest(dict(reversed(value.items())))


@given(json_values, json_values)
def test_other_inputs_give_another_digest(one: object, other: object) -> None:
    same = naming.canonical_json(one) == naming.canonical_json(other)
    assert (naming.digest(one) == naming.digest(other)) == same


@given(experiments)
def test_a_grant_of_one_experiment_does_not_cover_a_longer_name(experiment: str) -> None:
    grant = f"{naming.prefix(experiment)}-"
    for longer in (f"{experiment}-b", f"{experiment}2", f"{experiment}-"):
        if len(longer) <= naming.MAX_EXPERIMENT:
            assert not naming.name(naming.prefix(longer), "hrnn", 1).startswith(grant)


@given(experiments)
def test_a_name_that_would_lie_inside_anothers_grant_is_refused(experiment: str) -> None:
    inside = naming.prefix(experiment)
    if len(inside) <= naming.MAX_EXPERIMENT:
        for name in (inside, f"{inside}-b"[: naming.MAX_EXPERIMENT]):
            with pytest.raises(ValueError, match="choose another"):
                naming.prefix(name)


def test_environments_do_not_share_names() -> None:
    assert naming.prefix("quickstart", "dev") != naming.prefix("quickstart", "prod")


@pytest.mark.parametrize("wrong", ["", "Quick", "9lives", "with_underscore", "x" * 25])
def test_a_wrong_experiment_name_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="at most 24 characters"):
        naming.prefix(wrong)


def test_attempts_differ_and_stay_within_the_limit() -> None:
    base = naming.name(naming.prefix("x" * 24), "x" * 22, 1)
    names = [naming.attempt(base, n) for n in range(1, 12)]
    assert len(set(names)) == len(names)
    assert all(len(name) <= naming.MAX_NAME for name in names)


def test_every_word_of_the_recipe_table_fits_and_is_unique() -> None:
    words = [row.word for row in RECIPES.values()]
    assert len(set(words)) == len(words)
    assert max(map(len, words)) <= naming.MAX_KIND
