"""Datasets: one of each type in a group; their rows come from import jobs."""

from __future__ import annotations

from contract.recipes import DatasetKind
from personalize_engine import avro
from personalize_engine.errors import invalid_input
from personalize_engine.jobs import importing, quick, training
from personalize_engine.jobs.registry import BEING_CREATED
from personalize_engine.jobs.updates import begin_update
from personalize_engine.operations.common import create, delete, find_active, refuse_while_used, settle
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, find, list_page
from personalize_engine.store.transaction import Transaction

KIND = Kind(kind="dataset", member="dataset", plural="datasets", within="datasetGroupArn")


@operation("CreateDataset")
def create_dataset(context: Context, request: Request) -> Answer:
    """The schema must be one of the dataset's type."""
    kind = _dataset_kind(request["datasetType"])
    with context.store.write() as transaction:
        group = find_active(transaction, request["datasetGroupArn"], "dataset-group")
        _check_schema(transaction, request["schemaArn"], kind)
        arn = context.arn(f"dataset/{group.name}/{kind.value.upper()}")
        body = {
            "datasetGroupArn": group.arn,
            "schemaArn": request["schemaArn"],
            "datasetType": kind.value.upper(),
        }
        create(
            transaction,
            arn,
            KIND,
            request,
            body=body,
            parent=group.arn,
            scope=group.arn,
            job=quick.CREATE,
        )
    context.jobs.wake()
    return {"datasetArn": arn}


@operation("DescribeDataset")
def describe_dataset(context: Context, request: Request) -> Answer:
    """With its newest update."""
    return describe(context, request, KIND)


@operation("ListDatasets")
def list_datasets(context: Context, request: Request) -> Answer:
    """Of a group, or all."""
    return list_page(context, request, KIND)


@operation("UpdateDataset")
def update_dataset(context: Context, request: Request) -> Answer:
    """A schema with more columns, for the imports to come; solutions that exist do not train on them."""
    with context.store.write() as transaction:
        found = find_active(transaction, request["datasetArn"], KIND.kind)
        settle(found, "updated")
        wanted = _check_schema(transaction, request["schemaArn"], _dataset_kind(found.body["datasetType"]))
        _check_growth(avro.parse(find(transaction, found.body["schemaArn"], "schema").body["schema"]), wanted)
        shown = {"schemaArn": request["schemaArn"]}
        begin_update(transaction, found, shown=shown, applied=shown)
    context.jobs.wake()
    return {"datasetArn": found.arn}


@operation("DeleteDataset")
def delete_dataset(context: Context, request: Request) -> Answer:
    """Its import jobs and rows go with it. Not while an import or a training of the group is under way."""
    with context.store.write() as transaction:
        found = find(transaction, request["datasetArn"], KIND.kind)
        imports = transaction.page(importing.KIND, parents=[found.arn])
        solutions = [row.arn for row in transaction.page("solution", parents=[found.body["datasetGroupArn"]])]
        versions = transaction.page(training.KIND, parents=solutions)
        refuse_while_used(found, [row for row in (*imports, *versions) if row.status in BEING_CREATED])
        delete(transaction, found)
    context.jobs.wake()
    return {}


def _dataset_kind(text: str) -> DatasetKind:
    for kind in DatasetKind:
        if kind.value.upper() == text.upper():
            return kind
    raise invalid_input(f"datasetType {text} is not supported; known: {', '.join(kind.value for kind in DatasetKind)}")


def _check_schema(transaction: Transaction, arn: str, kind: DatasetKind) -> avro.Schema:
    schema = avro.parse(find(transaction, arn, "schema").body["schema"])
    if schema.kind is not kind:
        raise invalid_input(f"schemaArn {arn} is a schema of {schema.kind.value}; the dataset is of {kind.value}")
    return schema


def _check_growth(before: avro.Schema, wanted: avro.Schema) -> None:
    """Developer guide, "Replacing a dataset's schema to add new columns": all fields stay, new ones support null."""
    if before.kind is DatasetKind.INTERACTIONS:
        raise invalid_input("The schema of an Interactions dataset cannot be replaced")
    for column in before.columns:
        if wanted.column(column.name) != column:
            raise invalid_input(f"schemaArn: field {column.name} must stay as it is in the dataset's schema")
    for column in wanted.columns:
        if before.column(column.name) is None and not column.nullable:
            raise invalid_input(f"schemaArn: field {column.name}: a new field must support null")
