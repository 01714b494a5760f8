"""Recipe names bound to models and their parameters: the one place that knows which model stands behind a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from contract.recipes import RECIPES, Recipe
from personalize_engine.data.past import Past
from personalize_engine.models.base import Model, Progress, no_progress
from personalize_engine.models.co_occurrence import CoOccurrence
from personalize_engine.models.cold_start import ColdStart
from personalize_engine.models.hrnn import Hrnn
from personalize_engine.models.hrnn_sizing import Effort, sizing
from personalize_engine.models.popularity import Popularity
from personalize_engine.models.similar_items import SimilarItems
from personalize_engine.models.trending import Trending


@dataclass(frozen=True, kw_only=True)
class _Binding:
    """How a recipe's parameters become its model's; those that are not mentioned keep their names."""

    model: type[Model[Any]]
    renamed: Mapping[str, str] = field(default_factory=dict)
    """The recipe's name of a parameter: the model's."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the model that the recipe decides itself."""


_SUCCESSOR = _Binding(model=Hrnn, renamed={"apply_recency_bias": "recency_mask"}, fixed={"hidden_dimension": 149})
"""The -v2 recipes let nobody choose a size: that of their predecessors."""

_BINDINGS = {
    "aws-hrnn": _Binding(model=Hrnn),
    "aws-hrnn-metadata": _Binding(model=Hrnn),
    "aws-hrnn-coldstart": _Binding(model=ColdStart),
    "aws-user-personalization": _Binding(model=Hrnn),
    "aws-user-personalization-v2": _SUCCESSOR,
    "aws-personalized-ranking": _Binding(model=Hrnn),
    "aws-personalized-ranking-v2": _SUCCESSOR,
    "aws-sims": _Binding(model=CoOccurrence),
    "aws-similar-items": _Binding(model=SimilarItems),
    "aws-popularity-count": _Binding(model=Popularity),
    "aws-trending-now": _Binding(model=Trending),
}

MODELS: dict[str, type[Model[Any]]] = {name: binding.model for name, binding in _BINDINGS.items()}
"""By recipe: all of `contract.recipes`."""


class BindError(ValueError):
    """The recipe does not take these parameters; the message says which."""


def bind(recipe: Recipe, hyperparameters: Mapping[str, str], featurization: Mapping[str, str]) -> BaseModel:
    """The parameters of the recipe's model from a solution's configuration (strings); BindError if they do not fit."""
    binding = _BINDINGS[recipe.name]
    values: dict[str, Any] = {}
    for given, known, member in (
        (hyperparameters, recipe.hyperparameters, "algorithmHyperParameters"),
        (featurization, recipe.featurization, "featureTransformationParameters"),
    ):
        rows = {row.name: row for row in known}
        for name, text in given.items():
            if name not in rows:
                raise BindError(
                    f"solutionConfig.{member}: {recipe.name} has no parameter {name}. Provide a hyperparameter that is"
                    f" used in the algorithm: {', '.join(rows) or 'it has none'}."
                )
            try:
                values[name] = rows[name].parse(text)
            except ValueError as error:
                raise BindError(f"solutionConfig.{member}: {error}") from None
    values = {row.name: row.parse(row.default) for row in (*recipe.hyperparameters, *recipe.featurization)} | values
    try:
        return binding.model.Parameters.model_validate(
            {**{binding.renamed.get(name, name): value for name, value in values.items()}, **binding.fixed}
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise BindError(f"solutionConfig: {'.'.join(map(str, first['loc']))} {first['msg']}".strip()) from None


def fit(
    recipe: Recipe, past: Past, parameters: Any, *, seed: int, effort: Effort, progress: Progress = no_progress
) -> Model[Any]:
    """The recipe's model, trained with what `bind` gave; `effort` is for those that have a network to train."""
    model = MODELS[recipe.name]
    if issubclass(model, (Hrnn, ColdStart)):
        return model.fit(past, parameters, seed=seed, progress=progress, sizes=sizing(len(past), effort=effort))
    return model.fit(past, parameters, seed=seed, progress=progress)


def recipe_of(arn: str) -> Recipe | None:
    """The row of the table behind a recipe's ARN."""
    name = arn.rpartition("/")[2]
    row = RECIPES.get(name)
    return row if row is not None and row.arn == arn else None
