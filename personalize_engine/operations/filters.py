"""Filters: kept and described. Their expressions are not parsed yet beyond the datasets that they name."""

from __future__ import annotations

import re

from personalize_engine.errors import invalid_input
from personalize_engine.jobs import quick
from personalize_engine.operations.common import check_limit, create, delete
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, find, list_page
from personalize_engine.store.transaction import Transaction

KIND = Kind(kind="filter", member="filter", plural="Filters", within="datasetGroupArn")
_DATASETS = {"interactions": "INTERACTIONS", "items": "ITEMS", "users": "USERS", "currentuser": "USERS"}
_DATASETS |= {"currentitem": "ITEMS"}
_FIELD = re.compile(r"\b([A-Za-z]+)\.[A-Za-z_]")
_TEXT = re.compile(r'"[^"]*"')


@operation("CreateFilter")
def create_filter(context: Context, request: Request) -> Answer:
    """Refused if the expression names a dataset that the group does not have."""
    arn = context.arn(f"filter/{request['name']}")
    with context.store.write() as transaction:
        group = find_active_group(transaction, request["datasetGroupArn"])
        check_limit(transaction, KIND, parent=group)
        _check_datasets(transaction, group, request["filterExpression"])
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


def _check_datasets(transaction: Transaction, group: str, expression: str) -> None:
    present = {row.body["datasetType"] for row in transaction.page("dataset", parents=[group])}
    for name in dict.fromkeys(_FIELD.findall(_TEXT.sub('""', expression))):
        needed = _DATASETS.get(name.lower())
        if needed is None:
            raise invalid_input(f"filterExpression: {name} is no dataset; known: Interactions, Items, Users")
        if needed not in present:
            raise invalid_input(f"filterExpression names {name}, and {group} has no dataset of type {needed}")
