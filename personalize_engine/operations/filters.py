"""Filters: checked when they are made, kept as text; `operations.asking` applies them to requests."""

from __future__ import annotations

from collections.abc import Mapping

from contract.recipes import DatasetKind
from personalize_engine import avro
from personalize_engine.errors import invalid_input
from personalize_engine.filters.check import check
from personalize_engine.filters.expression import FilterError
from personalize_engine.filters.parse import parse
from personalize_engine.jobs import quick
from personalize_engine.operations.common import check_limit, create, delete
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, find, list_page
from personalize_engine.store.transaction import DELETING, Transaction

KIND = Kind(kind="filter", member="filter", plural="Filters", within="datasetGroupArn")


@operation("CreateFilter")
def create_filter(context: Context, request: Request) -> Answer:
    """Refused, with the place in the expression, if it is not one or does not fit the schemas of the group."""
    arn = context.arn(f"filter/{request['name']}")
    with context.store.write() as transaction:
        group = find_active_group(transaction, request["datasetGroupArn"])
        check_limit(transaction, KIND, parent=group)
        _check(transaction, group, request["filterExpression"])
        body = {"datasetGroupArn": group, "filterExpression": request["filterExpression"]}
        create(
            transaction,
            arn,
            KIND,
            request,
            body=body,
            parent=group,
            job=quick.CREATE,
        )
    context.jobs.wake()
    return {"filterArn": arn}


@operation("DescribeFilter")
def describe_filter(context: Context, request: Request) -> Answer:
    """With its expression."""
    return describe(context, request, KIND)


@operation("ListFilters")
def list_filters(context: Context, request: Request) -> Answer:
    """Of a group, or all. (The answer's member really begins with a capital letter.)"""
    return list_page(context, request, KIND)


@operation("DeleteFilter")
def delete_filter(context: Context, request: Request) -> Answer:
    """Nothing depends on a filter."""
    with context.store.write() as transaction:
        delete(transaction, find(transaction, request["filterArn"], KIND.kind))
    context.jobs.wake()
    return {}


def find_active_group(transaction: Transaction, arn: str) -> str:
    """The group's ARN. CreateFilter declares no ResourceInUseException: a group that is not ACTIVE is invalid input."""
    group = find(transaction, arn, "dataset-group")
    if group.status != "ACTIVE":
        raise invalid_input(f"{arn} is in status {group.status}; it must be ACTIVE")
    return group.arn


def _check(transaction: Transaction, group: str, expression: str) -> None:
    others = [row for row in transaction.page(KIND.kind, parents=[group]) if row.status not in DELETING]
    try:
        existing = [parse(row.body["filterExpression"]) for row in others]
        check(parse(expression), _schemas(transaction, group), existing)
    except FilterError as error:
        raise invalid_input(f"filterExpression: {error}") from None


def _schemas(transaction: Transaction, group: str) -> Mapping[DatasetKind, avro.Schema]:
    schemas = {}
    for row in transaction.page("dataset", parents=[group]):
        schema = avro.parse(find(transaction, row.body["schemaArn"], "schema").body["schema"])
        schemas[schema.kind] = schema
    return schemas
