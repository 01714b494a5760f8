"""Dataset groups: what everything else lies in."""

from __future__ import annotations

from personalize_engine.errors import invalid_input
from personalize_engine.jobs import forgetting, quick
from personalize_engine.operations.common import check_limit, create, delete, refuse_while_used
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, find, list_page

KIND = Kind(kind="dataset-group", member="datasetGroup", plural="datasetGroups")
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
        check_limit(transaction, KIND)
        create(transaction, arn, KIND, request, body=body, job=quick.CREATE)
    context.jobs.wake()
    return {"datasetGroupArn": arn}


@operation("DescribeDatasetGroup")
def describe_dataset_group(context: Context, request: Request) -> Answer:
    """The group alone."""
    return describe(context, request, KIND)


@operation("ListDatasetGroups")
def list_dataset_groups(context: Context, request: Request) -> Answer:
    """All of the account's."""
    return list_page(context, request, KIND)


@operation("DeleteDatasetGroup")
def delete_dataset_group(context: Context, request: Request) -> Answer:
    """Only when nothing lies in it; its data deletion jobs go with it."""
    with context.store.write() as transaction:
        found = find(transaction, request["datasetGroupArn"], KIND.kind)
        refuse_while_used(found, forgetting.deletions_under_way(transaction, found.arn))
        for kind in CHILDREN:
            refuse_while_used(found, transaction.page(kind, parents=[found.arn]))
        delete(transaction, found)
    context.jobs.wake()
    return {}
