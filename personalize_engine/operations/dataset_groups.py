"""Dataset groups: what everything else lies in."""

from __future__ import annotations

from personalize_engine.errors import invalid_input
from personalize_engine.jobs import quick
from personalize_engine.operations.common import (
    check_limit,
    create,
    delete,
    find,
    listing,
    members,
    refuse_while_used,
)
from personalize_engine.operations.registry import Answer, Context, Request, operation

KIND = "dataset-group"
CHILDREN = ("solution", "filter", "event-tracker", "dataset")


@operation("CreateDatasetGroup")
def create_dataset_group(context: Context, request: Request) -> Answer:
    """Custom groups only. Key and role are kept, not used: the engine's files are not encrypted."""
    if request.get("domain"):
        raise invalid_input("domain: domain dataset groups are not supported by this engine")
    if ("kmsKeyArn" in request) != ("roleArn" in request):
        raise invalid_input("kmsKeyArn and roleArn must be given together")
    arn = context.arn(f"dataset-group/{request['name']}")
    body = {"kmsKeyArn": request.get("kmsKeyArn"), "roleArn": request.get("roleArn")}
    with context.store.write() as transaction:
        check_limit(transaction, KIND, KIND)
        create(transaction, arn, KIND, name=request["name"], body=body, tags=request.get("tags"), job=quick.CREATE)
    context.jobs.wake()
    return {"datasetGroupArn": arn}


@operation("DescribeDatasetGroup")
def describe_dataset_group(context: Context, request: Request) -> Answer:
    """The group alone."""
    with context.store.read() as transaction:
        found = find(transaction, request["datasetGroupArn"], KIND)
    return {"datasetGroup": members(found) | {"datasetGroupArn": found.arn}}


@operation("ListDatasetGroups")
def list_dataset_groups(context: Context, request: Request) -> Answer:
    """All of the account's."""
    page, more = listing(context, request, KIND)
    return {"datasetGroups": [members(found) | {"datasetGroupArn": found.arn} for found in page], **more}


@operation("DeleteDatasetGroup")
def delete_dataset_group(context: Context, request: Request) -> Answer:
    """Only when nothing lies in it."""
    with context.store.write() as transaction:
        found = find(transaction, request["datasetGroupArn"], KIND)
        for kind in CHILDREN:
            refuse_while_used(found, transaction.page(kind, parents=[found.arn]))
        delete(transaction, found)
    context.jobs.wake()
    return {}
