"""Solutions: a recipe with its configuration, to be trained as versions."""

from __future__ import annotations

from typing import Any

from contract.tuning import TuningError, read_search
from personalize_engine.errors import invalid_input
from personalize_engine.jobs import quick, training
from personalize_engine.jobs.registry import BEING_CREATED
from personalize_engine.operations.common import check_limit, create, delete, find_active, refuse_while_used, settle
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, find, list_page, show
from personalize_engine.operations.versions import KIND as VERSION
from personalize_engine.serving.bind import BindError, bind, recipe_of
from personalize_engine.store.transaction import Transaction

KIND = Kind(kind="solution", member="solution", plural="solutions", within="datasetGroupArn")
NOT_YET = ("eventsConfig", "optimizationObjective")
"""Members of solutionConfig that would change the training and are not implemented: refused rather than ignored."""


@operation("CreateSolution")
def create_solution(context: Context, request: Request) -> Answer:
    """Retired recipes are accepted: this engine trains them.

    performAutoTraining is kept (as on AWS it is true unless the caller says otherwise) and shown, but this engine
    never trains by itself: versions come from CreateSolutionVersion alone. The recipes that can be trained so far read
    ids and times only, so columns excluded in trainingDataConfig change nothing.
    """
    config = request.get("solutionConfig", {})
    if request.get("performAutoML") or "autoMLConfig" in config:
        raise invalid_input(
            "performAutoML and solutionConfig.autoMLConfig are not supported: the service advises against AutoML."
            " Name a recipe in recipeArn; performHPO chooses its hyperparameters."
        )
    for member in NOT_YET:
        if member in config:
            raise invalid_input(f"solutionConfig.{member} is not supported yet by this engine")
    if "recipeArn" not in request:
        raise invalid_input("recipeArn must be given, as performAutoML is not true")
    _check_recipe(request["recipeArn"], request.get("eventType"), config)
    _check_search(request["recipeArn"], request.get("performHPO", False), config)
    arn = context.arn(f"solution/{request['name']}")
    body = {
        "datasetGroupArn": request["datasetGroupArn"],
        "recipeArn": request["recipeArn"],
        "eventType": request.get("eventType"),
        "performHPO": request.get("performHPO", False),
        "performAutoML": False,
        "performAutoTraining": request.get("performAutoTraining", True),
        "performIncrementalUpdate": request.get("performIncrementalUpdate", False),
        "solutionConfig": config,
    }
    with context.store.write() as transaction:
        group = find_active(transaction, request["datasetGroupArn"], "dataset-group")
        check_limit(transaction, KIND, parent=group.arn)
        _check_datasets(transaction, group.arn, request["recipeArn"])
        create(
            transaction,
            arn,
            KIND,
            request,
            body=body,
            parent=group.arn,
            job=quick.CREATE,
        )
    context.jobs.wake()
    return {"solutionArn": arn}


@operation("DescribeSolution")
def describe_solution(context: Context, request: Request) -> Answer:
    """With its newest version."""
    with context.store.read() as transaction:
        found = find(transaction, request["solutionArn"], KIND.kind)
        versions = transaction.page(training.KIND, parents=[found.arn])
    shown = show(KIND, found)
    if versions:
        shown["latestSolutionVersion"] = show(VERSION, versions[-1])
    return {"solution": shown}


@operation("ListSolutions")
def list_solutions(context: Context, request: Request) -> Answer:
    """Of a group, or all."""
    return list_page(context, request, KIND)


@operation("UpdateSolution")
def update_solution(context: Context, request: Request) -> Answer:
    """Auto-training settings are kept and shown; see CreateSolution for what they do here."""
    changed: dict[str, Any] = {
        name: request[name]
        for name in ("performAutoTraining", "performIncrementalUpdate", "solutionUpdateConfig")
        if name in request
    }
    if not changed:
        raise invalid_input("nothing to update: give performAutoTraining or solutionUpdateConfig")
    if "eventsConfig" in changed.get("solutionUpdateConfig", {}):
        raise invalid_input("solutionUpdateConfig.eventsConfig is not supported yet by this engine")
    with context.store.write() as transaction:
        found = find_active(transaction, request["solutionArn"], KIND.kind)
        settle(found, "updated")
        applied: dict[str, Any] = {name: value for name, value in changed.items() if name != "solutionUpdateConfig"}
        if "solutionUpdateConfig" in changed:
            applied["solutionConfig"] = {**found.body["solutionConfig"], **changed["solutionUpdateConfig"]}
        update = quick.new_update(changed, applied=applied)
        transaction.set_members(found.arn, **{quick.LATEST_UPDATE[KIND.kind]: update})
        transaction.enqueue(quick.update_kind(KIND.kind), found.arn)
    context.jobs.wake()
    return {"solutionArn": found.arn}


@operation("DeleteSolution")
def delete_solution(context: Context, request: Request) -> Answer:
    """Its versions go with it. Not while a campaign serves one, or one is being trained."""
    with context.store.write() as transaction:
        found = find(transaction, request["solutionArn"], KIND.kind)
        refuse_while_used(found, transaction.page("campaign", parents=[found.arn]))
        versions = transaction.page(training.KIND, parents=[found.arn])
        refuse_while_used(found, [version for version in versions if version.status in BEING_CREATED])
        delete(transaction, found)
    context.jobs.wake()
    return {}


def _check_recipe(arn: str, event_type: str | None, config: dict[str, Any]) -> None:
    recipe = recipe_of(arn)
    if recipe is None:
        raise invalid_input(f"recipeArn {arn} is no recipe that this engine knows; see ListRecipes")
    try:
        bind(recipe, config.get("algorithmHyperParameters", {}), config.get("featureTransformationParameters", {}))
    except BindError as error:
        raise invalid_input(str(error)) from None
    threshold = config.get("eventValueThreshold")
    if threshold is not None:
        try:
            float(threshold)
        except ValueError:
            raise invalid_input(f"solutionConfig.eventValueThreshold {threshold!r} is not a number") from None
        if event_type is None:
            raise invalid_input("solutionConfig.eventValueThreshold needs an eventType")


def _check_search(recipe_arn: str, performed: bool, config: dict[str, Any]) -> None:
    """An hpoConfig must be right even if performHPO does not ask for it; then it is kept and changes nothing."""
    recipe = recipe_of(recipe_arn)
    assert recipe is not None, "checked before"
    if performed or "hpoConfig" in config:
        try:
            read_search(recipe, config)
        except TuningError as error:
            raise invalid_input(str(error)) from None


def _check_datasets(transaction: Transaction, group: str, recipe_arn: str) -> None:
    recipe = recipe_of(recipe_arn)
    assert recipe is not None, "checked before"
    present = {row.body["datasetType"] for row in transaction.page("dataset", parents=[group])}
    for needed in recipe.required:
        if needed.value.upper() not in present:
            raise invalid_input(f"{recipe.name} needs a dataset of type {needed.value}, which {group} does not have")
