"""Solution versions: trainings, their progress to ACTIVE, and their metrics."""

from __future__ import annotations

import secrets

from personalize_engine.errors import IN_USE, LIMIT_EXCEEDED, ServiceError, invalid_input
from personalize_engine.jobs import training
from personalize_engine.jobs.registry import ACTIVE, BEING_CREATED, CREATE_STOPPED
from personalize_engine.operations.common import LIMITS, create, find_active
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, find, list_page
from personalize_engine.store.transaction import Transaction

KIND = Kind(kind=training.KIND, member="solutionVersion", plural="solutionVersions", within="solutionArn")
COPIED = ("recipeArn", "eventType", "datasetGroupArn", "solutionConfig", "performHPO", "performAutoML")


@operation("CreateSolutionVersion")
def create_solution_version(context: Context, request: Request) -> Answer:
    """Trains the solution on what its dataset group holds when the training begins."""
    mode = request.get("trainingMode", "FULL")
    if mode != "FULL":
        raise invalid_input(f"trainingMode {mode} is not supported yet by this engine: use FULL")
    with context.store.write() as transaction:
        solution = find_active(transaction, request["solutionArn"], "solution")
        if transaction.count(KIND.kind, statuses=BEING_CREATED) >= LIMITS["pending versions"]:
            limit = LIMITS["pending versions"]
            raise ServiceError(LIMIT_EXCEEDED, f"{limit} solution versions are being created: the limit.")
        arn = _new_arn(transaction, solution.arn)
        body = {name: solution.body.get(name) for name in COPIED}
        body |= {"solutionArn": solution.arn, "trainingMode": mode, "trainingType": "MANUAL"}
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


def _new_arn(transaction: Transaction, solution: str) -> str:
    while True:
        arn = f"{solution}/{secrets.token_hex(4)}"
        if transaction.get(arn) is None:
            return arn
