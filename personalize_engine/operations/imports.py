"""Dataset import jobs. They have no delete operation: they go with their dataset."""

from __future__ import annotations

from personalize_engine.errors import LIMIT_EXCEEDED, ServiceError, invalid_input
from personalize_engine.jobs import importing
from personalize_engine.jobs.registry import BEING_CREATED
from personalize_engine.operations.common import LIMITS, create, find, find_active, listing, members, settle
from personalize_engine.operations.registry import Answer, Context, Request, operation

KIND = importing.KIND


@operation("CreateDatasetImportJob")
def create_dataset_import_job(context: Context, request: Request) -> Answer:
    """FULL replaces the dataset's rows; INCREMENTAL ends in CREATE FAILED (not supported yet)."""
    location = request["dataSource"].get("dataLocation")
    if not location:
        raise invalid_input("dataSource.dataLocation must name the data")
    arn = context.arn(f"dataset-import-job/{request['jobName']}")
    body = {
        "datasetArn": request["datasetArn"],
        "dataSource": {"dataLocation": location},
        "roleArn": request.get("roleArn"),
        "importMode": request.get("importMode", "FULL"),
        "publishAttributionMetricsToS3": request.get("publishAttributionMetricsToS3", False),
    }
    with context.store.write() as transaction:
        dataset = find_active(transaction, request["datasetArn"], "dataset")
        settle(dataset, "imported into")
        if transaction.count(KIND, statuses=BEING_CREATED) >= LIMITS["pending imports"]:
            raise ServiceError(LIMIT_EXCEEDED, f"{LIMITS['pending imports']} import jobs are pending: the limit.")
        create(
            transaction,
            arn,
            KIND,
            name=request["jobName"],
            body=body,
            tags=request.get("tags"),
            parent=dataset.arn,
            job=KIND,
        )
    context.jobs.wake()
    return {"datasetImportJobArn": arn}


@operation("DescribeDatasetImportJob")
def describe_dataset_import_job(context: Context, request: Request) -> Answer:
    """With its failureReason."""
    with context.store.read() as transaction:
        found = find(transaction, request["datasetImportJobArn"], KIND)
    return {"datasetImportJob": members(found, name="jobName") | {"datasetImportJobArn": found.arn}}


@operation("ListDatasetImportJobs")
def list_dataset_import_jobs(context: Context, request: Request) -> Answer:
    """Of a dataset, or all."""
    dataset = request.get("datasetArn")
    page, more = listing(context, request, KIND, parents=(lambda _: [dataset]) if dataset else None)
    jobs = [members(found, name="jobName") | {"datasetImportJobArn": found.arn} for found in page]
    return {"datasetImportJobs": jobs, **more}
