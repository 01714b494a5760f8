"""Data deletion jobs: users leave a dataset group. They have no delete operation: they go with their group."""

from __future__ import annotations

from personalize_engine.errors import LIMIT_EXCEEDED, ServiceError, invalid_input
from personalize_engine.jobs import forgetting
from personalize_engine.operations.common import LIMITS, create, find_active, refuse_while_used
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, list_page

KIND = Kind(
    kind=forgetting.KIND, member="dataDeletionJob", plural="dataDeletionJobs", within="datasetGroupArn", name="jobName"
)


@operation("CreateDataDeletionJob")
def create_data_deletion_job(context: Context, request: Request) -> Answer:
    """Deletes the users of a CSV file with the one column USER_ID from datasets and models of a group.

    The service only advises against imports and trainings meanwhile, because it cannot guarantee the deletion then.
    Here neither begins while the other is under way.
    """
    location = request["dataSource"].get("dataLocation")
    if not location:
        raise invalid_input("dataSource.dataLocation must name the list of users")
    arn = context.arn(f"data-deletion-job/{request['jobName']}")
    with context.store.write() as transaction:
        group = find_active(transaction, request["datasetGroupArn"], "dataset-group")
        refuse_while_used(group, forgetting.under_way(transaction, group.arn))
        limit = LIMITS["pending deletions"]
        if transaction.count(KIND.kind, parent=group.arn, statuses=(forgetting.PENDING,)) >= limit:
            raise ServiceError(LIMIT_EXCEEDED, f"{limit} data deletion jobs of {group.arn} are pending: the limit.")
        body = {
            "datasetGroupArn": group.arn,
            "dataSource": {"dataLocation": location},
            "roleArn": request["roleArn"],
        }
        create(
            transaction,
            arn,
            KIND,
            request,
            body=body,
            parent=group.arn,
            job=forgetting.KIND,
            pending=forgetting.PENDING,
        )
    context.jobs.wake()
    return {"dataDeletionJobArn": arn}


@operation("DescribeDataDeletionJob")
def describe_data_deletion_job(context: Context, request: Request) -> Answer:
    """numDeleted is there once it is COMPLETED: rows of the datasets, events and what PutUsers brought included."""
    return describe(context, request, KIND)


@operation("ListDataDeletionJobs")
def list_data_deletion_jobs(context: Context, request: Request) -> Answer:
    """Of a group, or all."""
    return list_page(context, request, KIND)
