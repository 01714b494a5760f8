"""Schemas: immutable, ACTIVE at once, deleted when no dataset uses them."""

from __future__ import annotations

from personalize_engine import avro
from personalize_engine.errors import invalid_input
from personalize_engine.jobs.updates import LATEST_UPDATE
from personalize_engine.operations.common import add, check_limit, refuse_while_used
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, find, list_page

KIND = Kind(kind="schema", member="schema", plural="schemas")


@operation("CreateSchema")
def create_schema(context: Context, request: Request) -> Answer:
    """The text must be a schema of the service."""
    if request.get("domain"):
        raise invalid_input("domain: domain dataset groups are not supported by this engine")
    try:
        avro.parse(request["schema"])
    except avro.SchemaError as error:
        raise invalid_input(f"Invalid schema: {error}") from None
    arn = context.arn(f"schema/{request['name']}")
    with context.store.write() as transaction:
        check_limit(transaction, KIND)
        add(transaction, arn, KIND, request, body={"schema": request["schema"]})
    return {"schemaArn": arn}


@operation("DescribeSchema")
def describe_schema(context: Context, request: Request) -> Answer:
    """With its text."""
    return describe(context, request, KIND)


@operation("ListSchemas")
def list_schemas(context: Context, request: Request) -> Answer:
    """Without the texts."""
    return list_page(context, request, KIND)


@operation("DeleteSchema")
def delete_schema(context: Context, request: Request) -> Answer:
    """Gone at once."""
    with context.store.write() as transaction:
        found = find(transaction, request["schemaArn"], KIND.kind)
        for member in ("schemaArn", f"{LATEST_UPDATE['dataset']}.schemaArn"):  # an update may be under way
            refuse_while_used(found, transaction.referring("dataset", member, found.arn))
        transaction.delete(found.arn)
    return {}
