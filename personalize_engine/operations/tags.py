"""Tags on every kind of resource that AWS allows them on (not on schemas)."""

from __future__ import annotations

from personalize_engine.errors import NOT_FOUND, ServiceError, invalid_input
from personalize_engine.operations.common import set_tags
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.store.transaction import Transaction


@operation("TagResource")
def tag_resource(context: Context, request: Request) -> Answer:
    """Adds tags, or gives those that are there new values."""
    with context.store.write() as transaction:
        set_tags(transaction, _taggable(transaction, request["resourceArn"]), request["tags"])
    return {}


@operation("UntagResource")
def untag_resource(context: Context, request: Request) -> Answer:
    """Keys that are not there are no error."""
    with context.store.write() as transaction:
        transaction.untag(_taggable(transaction, request["resourceArn"]), request["tagKeys"])
    return {}


@operation("ListTagsForResource")
def list_tags_for_resource(context: Context, request: Request) -> Answer:
    """In the order of their keys."""
    with context.store.read() as transaction:
        tags = transaction.tags(_taggable(transaction, request["resourceArn"]))
    return {"tags": [{"tagKey": key, "tagValue": tags[key]} for key in sorted(tags)]}


def _taggable(transaction: Transaction, arn: str) -> str:
    found = transaction.get(arn)
    if found is None:
        raise ServiceError(NOT_FOUND, f"Resource not found: {arn}")
    if found.kind == "schema":
        raise invalid_input(f"resourceArn {arn}: schemas cannot be tagged")
    return arn
