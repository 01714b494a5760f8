"""Lets a dataset have a schema with more columns, and says whether it has it yet; the machine calls again until it has.

CloudFormation goes on knowing the dataset's first schema. The ones made here are deleted after the dataset, when the
stack goes, by `delete_schemas`. Solutions that exist do not train on new columns: a run makes others (the columns are
part of their names).

Source: Amazon Personalize developer guide, "Replacing a dataset's schema to add new columns".

Calls: personalize:CreateSchema, personalize:DescribeDataset, personalize:UpdateDataset. With the option `operations`
also events:PutEvents (lambdas.status_events).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from contract.plan import ACTIVE, PENDING, AddColumns, Ensured
from lambdas.aws import Clients, error_code, error_message
from lambdas.errors import ResourceFailed
from lambdas.kinds import CREATING, FAILED
from lambdas.status_events import announce
from lambdas.task import task

_REFUSED = frozenset({"InvalidInputException", "ResourceNotFoundException"})
_KEEP = "Columns that were added cannot be taken away or changed again: declare them as they were"


def add_columns(wanted: AddColumns, aws: Clients) -> Ensured:
    """Makes the schema and updates the dataset. PENDING: ask again later; ResourceFailed: it failed during this run."""
    dataset = aws.personalize.describe_dataset(datasetArn=wanted.dataset_arn)["dataset"]
    schema_arn = f"{wanted.dataset_arn.rsplit(':', 1)[0]}:schema/{wanted.schema.name}"
    update = dataset.get("latestDatasetUpdate") or {}
    status = update.get("status", "")
    if dataset["status"] in CREATING or status in CREATING:
        return _ensured(wanted, PENDING)
    if update.get("schemaArn") == schema_arn and status in FAILED:
        _raise_if_recent(wanted, update, aws=aws)
    elif schema_arn in {dataset["schemaArn"], update.get("schemaArn")}:
        new = bool(update) and update["creationDateTime"] >= datetime.fromisoformat(wanted.since)
        if new:
            _announce(wanted, ACTIVE, aws=aws)
        return _ensured(wanted, ACTIVE, new=new)
    _create(wanted, aws.personalize)
    if _update(wanted, schema_arn, aws.personalize):
        _announce(wanted, "UPDATE PENDING", aws=aws)
    return _ensured(wanted, PENDING)


handler = task(AddColumns, add_columns)


def _create(wanted: AddColumns, personalize: Any) -> None:
    """The schema, unless an earlier look has made it."""
    try:
        personalize.create_schema(name=wanted.schema.name, schema=wanted.schema.text)
    except ClientError as error:
        if error_code(error) in _REFUSED:
            raise ResourceFailed(f"the schema {wanted.schema.name} was refused: {error_message(error)}") from None
        if error_code(error) != "ResourceAlreadyExistsException":
            raise


def _update(wanted: AddColumns, schema_arn: str, personalize: Any) -> bool:
    """Whether the update has begun; it has not while an import works on the dataset."""
    try:
        personalize.update_dataset(datasetArn=wanted.dataset_arn, schemaArn=schema_arn)
    except ClientError as error:
        if error_code(error) in _REFUSED:
            said = error_message(error)
            raise ResourceFailed(f"{wanted.dataset_arn} does not take the new columns: {said}. {_KEEP}") from None
        if error_code(error) != "ResourceInUseException":
            raise
        return False
    return True


def _raise_if_recent(wanted: AddColumns, update: dict[str, Any], *, aws: Clients) -> None:
    """A failure of this run is reported, an older one made good by the caller."""
    if update["lastUpdatedDateTime"] < datetime.fromisoformat(wanted.since):
        return
    reason = update.get("failureReason") or "no reason given"
    _announce(wanted, "UPDATE FAILED", aws=aws, reason=reason)
    raise ResourceFailed(
        f"{wanted.dataset_arn}: adding columns failed: {reason}. Started again, the run tries it once more"
    )


def _announce(wanted: AddColumns, status: str, *, aws: Clients, reason: str | None = None) -> None:
    arn, name = wanted.dataset_arn, wanted.schema.name
    announce(aws, run_id=wanted.run_id, kind="dataset", name=name, arn=arn, status=status, reason=reason)


def _ensured(wanted: AddColumns, status: Any, *, new: bool = False) -> Ensured:
    return Ensured(arn=wanted.dataset_arn, status=status, new=new)
