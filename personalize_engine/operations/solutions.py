"""Solutions: a recipe with its configuration, to be trained as versions."""

from __future__ import annotations

from typing import Any

from personalize_engine.errors import invalid_input
from personalize_engine.jobs import quick, training
from personalize_engine.jobs.registry import BEING_CREATED
from personalize_engine.jobs.updates import begin_update
from personalize_engine.operations import solution_config
from personalize_engine.operations.common import check_limit, create, delete, find_active, refuse_while_used, settle
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, find, list_page, show
from personalize_engine.operations.versions import KIND as VERSION
from personalize_engine.serving.bind import recipe_of

KIND = Kind(kind="solution", member="solution", plural="solutions", within="datasetGroupArn")


@operation("CreateSolution")
def create_solution(context: Context, request: Request) -> Answer:
    """Retired recipes are accepted: this engine trains them.

    performAutoTraining is kept (as on AWS it is true unless the caller says otherwise) and shown, but this engine
    never trains by itself: versions come from CreateSolutionVersion alone.
    """
    config = request.get("solutionConfig", {})
    recipe = solution_config.checked_recipe(request)
    arn = context.arn(f"solution/{request['name']}")
    body = {
        "datasetGroupArn": request["datasetGroupArn"],
        "recipeArn": request["recipeArn"],
        "eventType": request.get("eventType"),
        "performHPO": request.get("performHPO", False),
        "performAutoML": False,
        "performAutoTraining": request.get("performAutoTraining", True),
        "performIncrementalUpdate": False,
        "solutionConfig": config,
    }
    with context.store.write() as transaction:
        group = find_active(transaction, request["datasetGroupArn"], "dataset-group")
        check_limit(transaction, KIND, parent=group.arn)
        known = solution_config.check_datasets(transaction, group.arn, recipe, config)
        create(
            transaction,
            arn,
            KIND,
            request,
            body=body | {training.KNOWN: known},
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
    solution_config.check_incremental(request)
    solution_config.check_schedule(changed.get("solutionUpdateConfig", {}))
    with context.store.write() as transaction:
        found = find_active(transaction, request["solutionArn"], KIND.kind)
        settle(found, "updated")
        recipe = recipe_of(found.body["recipeArn"])
        assert recipe is not None, "CreateSolution lets no unknown recipe pass"
        solution_config.check_events_config(recipe, changed.get("solutionUpdateConfig", {}))
        applied: dict[str, Any] = {name: value for name, value in changed.items() if name != "solutionUpdateConfig"}
        if "solutionUpdateConfig" in changed:
            applied["solutionConfig"] = {**found.body["solutionConfig"], **changed["solutionUpdateConfig"]}
        begin_update(transaction, found, shown=changed, applied=applied)
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
