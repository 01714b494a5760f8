"""Solution versions: trainings, their progress to ACTIVE, and their metrics."""

from __future__ import annotations

import secrets

from contract.recipes import RECIPES
from personalize_engine.errors import IN_USE, LIMIT_EXCEEDED, ServiceError, invalid_input
from personalize_engine.jobs import forgetting, training
from personalize_engine.jobs.registry import ACTIVE, BEING_CREATED, CREATE_STOPPED
from personalize_engine.operations.common import LIMITS, create, find_active, refuse_while_used
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, find, list_page
from personalize_engine.serving.bind import recipe_of
from personalize_engine.store.transaction import Resource, Transaction

KIND = Kind(kind=training.KIND, member="solutionVersion", plural="solutionVersions", within="solutionArn")
COPIED = ("recipeArn", "eventType", "datasetGroupArn", "solutionConfig", "performHPO", "performAutoML", training.KNOWN)


@operation("CreateSolutionVersion")
def create_solution_version(context: Context, request: Request) -> Answer:
    """Trains the solution on what its dataset group holds when the training begins.

    trainingMode UPDATE takes the weights of the newest version and makes new items recommendable. On AWS the newest
    FULL version of aws-user-personalization is updated so every two hours by itself; here only when asked.
    """
    mode = request.get("trainingMode", "FULL")
    if mode == "AUTOTRAIN":
        raise invalid_input("trainingMode AUTOTRAIN marks versions of automatic training; use FULL or UPDATE")
    with context.store.write() as transaction:
        solution = find_active(transaction, request["solutionArn"], "solution")
        deletions = forgetting.deletions_under_way(transaction, solution.body["datasetGroupArn"])
        refuse_while_used(solution, deletions)
        updates = _version_to_update(transaction, solution) if mode == "UPDATE" else None
        if transaction.count(KIND.kind, statuses=BEING_CREATED) >= LIMITS["pending versions"]:
            limit = LIMITS["pending versions"]
            raise ServiceError(LIMIT_EXCEEDED, f"{limit} solution versions are being created: the limit.")
        arn = _new_arn(transaction, solution.arn)
        body = {name: solution.body.get(name) for name in COPIED}
        body |= {"solutionArn": solution.arn, "trainingMode": mode, "trainingType": "MANUAL"}
        body[training.UPDATES] = updates
        body[training.NUMBER] = transaction.count(KIND.kind, parent=solution.arn, statuses=(ACTIVE, *BEING_CREATED))
        create(
            transaction,
            arn,
            KIND,
            request,
            body=body,
            parent=solution.arn,
            scope=solution.arn,
            job=training.KIND,
        )
    context.jobs.wake()
    return {"solutionVersionArn": arn}


@operation("DescribeSolutionVersion")
def describe_solution_version(context: Context, request: Request) -> Answer:
    """trainingHours is there once it is ACTIVE: hours that went by, not the normalised hours that AWS bills."""
    return describe(context, request, KIND)


@operation("ListSolutionVersions")
def list_solution_versions(context: Context, request: Request) -> Answer:
    """Of a solution, or all."""
    return list_page(context, request, KIND, check_parent=lambda transaction, arn: find(transaction, arn, "solution"))


@operation("StopSolutionVersionCreation")
def stop_solution_version_creation(context: Context, request: Request) -> Answer:
    """Ends a training for good: CREATE STOPPED."""
    with context.store.write() as transaction:
        found = find(transaction, request["solutionVersionArn"], KIND.kind)
        if found.status not in BEING_CREATED:
            raise invalid_input(f"{found.arn} is in status {found.status}: only a training under way can be stopped")
        jobs = transaction.jobs_of(found.arn)
        for job in jobs:
            transaction.end_job(job)
        transaction.set_status(found.arn, CREATE_STOPPED)
    for job in jobs:
        context.jobs.cancel(job)
    return {}


@operation("GetSolutionMetrics")
def get_solution_metrics(context: Context, request: Request) -> Answer:
    """On the newest interactions of a tenth of the users (jobs.service_metrics)."""
    with context.store.read() as transaction:
        found = find(transaction, request["solutionVersionArn"], KIND.kind)
    if found.status in BEING_CREATED:
        raise ServiceError(IN_USE, f"{found.arn} is in status {found.status}; its metrics are there once it is ACTIVE")
    if found.status != ACTIVE:
        raise invalid_input(f"{found.arn} is in status {found.status} and has no metrics")
    return {"solutionVersionArn": found.arn, "metrics": found.body["_metrics"]}


def _version_to_update(transaction: Transaction, solution: Resource) -> str:
    """The newest version; InvalidInputException unless the recipe can be updated and was trained in full before."""
    recipe = recipe_of(solution.body["recipeArn"])
    if recipe is None or not recipe.updates:
        updated = " and ".join(name for name, row in RECIPES.items() if row.updates)
        raise invalid_input(f"trainingMode UPDATE is for the recipes {updated} only")
    active = [row for row in transaction.page(KIND.kind, parents=[solution.arn]) if row.status == ACTIVE]
    if not any(row.body["trainingMode"] == "FULL" for row in active):
        raise invalid_input(f"trainingMode UPDATE needs an ACTIVE version of {solution.arn} with trainingMode FULL")
    return active[-1].arn


def _new_arn(transaction: Transaction, solution: str) -> str:
    while True:
        arn = f"{solution}/{secrets.token_hex(4)}"
        if transaction.get(arn) is None:
            return arn
