"""Schemas: immutable, ACTIVE at once, deleted when no dataset uses them."""

from __future__ import annotations

from personalize_engine import avro
from personalize_engine.errors import invalid_input
from personalize_engine.operations.common import (
    add,
    check_limit,
    find,
    listing,
    members,
    refuse_while_used,
)
from personalize_engine.operations.registry import Answer, Context, Request, operation

KIND = "schema"


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
        check_limit(transaction, KIND, KIND)
        add(transaction, arn, KIND, name=request["name"], body={"schema": request["schema"]})
    return {"schemaArn": arn}


@operation("DescribeSchema")
def describe_schema(context: Context, request: Request) -> Answer:
    """With its text."""
    with context.store.read() as transaction:
        found = find(transaction, request["schemaArn"], KIND)
    return {"schema": members(found) | {"schemaArn": found.arn}}


@operation("ListSchemas")
def list_schemas(context: Context, request: Request) -> Answer:
    """Without the texts."""
    page, more = listing(context, request, KIND)
    return {"schemas": [members(found) | {"schemaArn": found.arn} for found in page], **more}


@operation("DeleteSchema")
def delete_schema(context: Context, request: Request) -> Answer:
    """Gone at once."""
    with context.store.write() as transaction:
        found = find(transaction, request["schemaArn"], KIND)
        refuse_while_used(found, transaction.referring("dataset", "schemaArn", found.arn))
        transaction.delete(found.arn)
    return {}
