"""What CreateSolution and UpdateSolution may say about a training, checked before anything is made.

Sources: Amazon Personalize developer guide, "Creating and configuring a solution" and the pages below it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from contract import fields
from contract.recipes import Recipe
from contract.tuning import TuningError, read_search
from personalize_engine import avro
from personalize_engine.errors import invalid_input
from personalize_engine.operations.registry import Request
from personalize_engine.operations.shown import find
from personalize_engine.serving.bind import BindError, bind, recipe_of
from personalize_engine.store.transaction import Transaction

EXCLUDED, INCLUDED = "excludedDatasetColumns", "includedDatasetColumns"
DAYS = range(1, 31)
"""Between two automatic trainings."""


def checked_recipe(request: Request) -> Recipe:
    """The recipe of a CreateSolution request whose settings all fit it; InvalidInputException otherwise."""
    config = request.get("solutionConfig", {})
    if request.get("performAutoML") or "autoMLConfig" in config:
        raise invalid_input(
            "performAutoML and solutionConfig.autoMLConfig are not supported: the service advises against AutoML."
            " Name a recipe in recipeArn; performHPO chooses its hyperparameters."
        )
    if "recipeArn" not in request:
        raise invalid_input("recipeArn must be given, as performAutoML is not true")
    recipe = recipe_of(request["recipeArn"])
    if recipe is None:
        raise invalid_input(f"recipeArn {request['recipeArn']} is no recipe that this engine knows; see ListRecipes")
    check_incremental(request)
    check_schedule(config)
    check_events_config(recipe, config)
    if "optimizationObjective" in config:
        raise invalid_input("solutionConfig.optimizationObjective is not supported yet by this engine")
    _check_parameters(recipe, config)
    _check_search(recipe, request.get("performHPO", False), config)
    _check_threshold(request.get("eventType"), config.get("eventValueThreshold"))
    return recipe


def check_datasets(
    transaction: Transaction, group: str, recipe: Recipe, config: Mapping[str, Any]
) -> dict[str, list[str]]:
    """The columns of each dataset, by its type in capitals.

    InvalidInputException if the group lacks a dataset that the recipe needs, or a column of trainingDataConfig.
    """
    datasets = {
        row.body["datasetType"].upper(): avro.parse(find(transaction, row.body["schemaArn"], "schema").body["schema"])
        for row in transaction.page("dataset", parents=[group])
    }
    for needed in recipe.required:
        if needed.value.upper() not in datasets:
            raise invalid_input(f"{recipe.name} needs a dataset of type {needed.value}, which {group} does not have")
    columns = config.get("trainingDataConfig", {})
    for member in (EXCLUDED, INCLUDED):
        for kind, names in columns.get(member, {}).items():
            where = f"solutionConfig.trainingDataConfig.{member}"
            schema = datasets.get(kind.upper())
            if schema is None:
                raise invalid_input(f"{where}: {group} has no dataset of type {kind}")
            for name in names:
                if schema.column(name) is None:
                    raise invalid_input(f"{where}: the schema of {schema.kind.value} has no column {name}")
                if member == EXCLUDED and name in (*fields.REQUIRED[schema.kind], fields.EVENT_TYPE):
                    raise invalid_input(f"{where}: {name} of {schema.kind.value} cannot be excluded")
    excluded, included = ({kind.upper() for kind in columns.get(member, {})} for member in (EXCLUDED, INCLUDED))
    if both := excluded & included:
        raise invalid_input(f"solutionConfig.trainingDataConfig: {min(both)} is in {EXCLUDED} and in {INCLUDED}")
    return {kind: [column.name for column in schema.columns] for kind, schema in datasets.items()}


def check_incremental(request: Request) -> None:
    """performIncrementalUpdate is for a recipe that this engine does not have."""
    if request.get("performIncrementalUpdate"):
        raise invalid_input("performIncrementalUpdate is supported only for the semantic-similarity recipe")


def check_schedule(config: Mapping[str, Any]) -> None:
    """`autoTrainingConfig` of a solutionConfig or solutionUpdateConfig."""
    given = config.get("autoTrainingConfig", {}).get("schedulingExpression")
    if given is None:
        return
    found = re.fullmatch(r"rate\((\d+) (days?)\)", given)
    if found is None or int(found[1]) not in DAYS:
        raise invalid_input(
            f"autoTrainingConfig.schedulingExpression {given!r}: give rate(value unit) with a value from {DAYS[0]} to"
            f" {DAYS[-1]} and the unit day or days"
        )


def check_events_config(recipe: Recipe, config: Mapping[str, Any]) -> None:
    """`eventsConfig` of a solutionConfig or solutionUpdateConfig."""
    if "eventsConfig" not in config:
        return
    if not recipe.weighs_events:
        raise invalid_input(
            "eventsConfig can be given with the recipes User-Personalization-v2 and Personalized-Ranking-v2 only; this"
            f" solution uses {recipe.name}"
        )
    raise invalid_input("eventsConfig is not supported yet by this engine: give an eventType to train on one type")


def _check_parameters(recipe: Recipe, config: Mapping[str, Any]) -> None:
    given = config.get("algorithmHyperParameters", {})
    try:
        bind(recipe, given, config.get("featureTransformationParameters", {}))
    except BindError as error:
        raise invalid_input(str(error)) from None
    for parameter in recipe.hyperparameters:
        if parameter.only_tuned and parameter.name in given:
            raise invalid_input(
                f"solutionConfig.algorithmHyperParameters: {parameter.name} of {recipe.name} cannot be set; give"
                " performHPO and a range for it in hpoConfig"
            )


def _check_search(recipe: Recipe, performed: bool, config: Mapping[str, Any]) -> None:
    """An hpoConfig must be right even if performHPO does not ask for it; then it is kept and changes nothing."""
    if performed or "hpoConfig" in config:
        try:
            read_search(recipe, config)
        except TuningError as error:
            raise invalid_input(str(error)) from None


def _check_threshold(event_type: str | None, threshold: str | None) -> None:
    if threshold is None:
        return
    try:
        number = float(threshold)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise invalid_input(f"solutionConfig.eventValueThreshold {threshold!r} is not a number")
    if event_type is None:
        raise invalid_input("solutionConfig.eventValueThreshold needs an eventType")
