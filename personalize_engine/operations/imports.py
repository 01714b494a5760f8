"""Dataset import jobs. They have no delete operation: they go with their dataset."""

from __future__ import annotations

from personalize_engine.errors import LIMIT_EXCEEDED, ServiceError, invalid_input
from personalize_engine.jobs import forgetting, importing
from personalize_engine.jobs.registry import BEING_CREATED
from personalize_engine.operations.common import LIMITS, create, find_active, refuse_while_used, settle
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, list_page
from personalize_engine.serving.datasets import LAYERS

KIND = Kind(
    kind=importing.KIND, member="datasetImportJob", plural="datasetImportJobs", within="datasetArn", name="jobName"
)


@operation("CreateDatasetImportJob")
def create_dataset_import_job(context: Context, request: Request) -> Answer:
    """FULL replaces what was imported, INCREMENTAL adds to it: items and users with a known id are replaced."""
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
        refuse_while_used(dataset, forgetting.deletions_under_way(transaction, dataset.body["datasetGroupArn"]))
        if body["importMode"] == "INCREMENTAL" and not dataset.body.get(LAYERS):
            raise invalid_input(f"importMode INCREMENTAL adds to a FULL import, which {dataset.arn} does not have yet")
        if transaction.count(KIND.kind, statuses=BEING_CREATED) >= LIMITS["pending imports"]:
            raise ServiceError(LIMIT_EXCEEDED, f"{LIMITS['pending imports']} import jobs are pending: the limit.")
        create(
            transaction,
            arn,
            KIND,
            request,
            body=body,
            parent=dataset.arn,
            job=importing.KIND,
        )
    context.jobs.wake()
    return {"datasetImportJobArn": arn}


@operation("DescribeDatasetImportJob")
def describe_dataset_import_job(context: Context, request: Request) -> Answer:
    """With its failureReason."""
    return describe(context, request, KIND)


@operation("ListDatasetImportJobs")
def list_dataset_import_jobs(context: Context, request: Request) -> Answer:
    """Of a dataset, or all."""
    return list_page(context, request, KIND)
