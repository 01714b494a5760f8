"""Event trackers: one per dataset group; their tracking id is what applications send events with."""

from __future__ import annotations

import uuid

from personalize_engine.errors import LIMIT_EXCEEDED, ServiceError
from personalize_engine.jobs import quick
from personalize_engine.operations.common import create, delete, find_active
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, find, list_page

KIND = Kind(kind="event-tracker", member="eventTracker", plural="eventTrackers", within="datasetGroupArn")


@operation("CreateEventTracker")
def create_event_tracker(context: Context, request: Request) -> Answer:
    """Its ARN ends in an id, not in its name."""
    arn = context.arn(f"event-tracker/{uuid.uuid4().hex[:8]}")
    tracking_id = str(uuid.uuid4())
    with context.store.write() as transaction:
        group = find_active(transaction, request["datasetGroupArn"], "dataset-group")
        if transaction.count(KIND.kind, parent=group.arn):
            raise ServiceError(LIMIT_EXCEEDED, f"{group.arn} has an event tracker already; a group may have one.")
        body = {"datasetGroupArn": group.arn, "trackingId": tracking_id, "accountId": context.account}
        create(
            transaction,
            arn,
            KIND,
            request,
            body=body,
            parent=group.arn,
            job=quick.CREATE,
        )
    context.jobs.wake()
    return {"eventTrackerArn": arn, "trackingId": tracking_id}


@operation("DescribeEventTracker")
def describe_event_tracker(context: Context, request: Request) -> Answer:
    """With its tracking id."""
    return describe(context, request, KIND)


@operation("ListEventTrackers")
def list_event_trackers(context: Context, request: Request) -> Answer:
    """Of a group, or all."""
    return list_page(context, request, KIND)


@operation("DeleteEventTracker")
def delete_event_tracker(context: Context, request: Request) -> Answer:
    """The events that came through it stay with the dataset group."""
    with context.store.write() as transaction:
        delete(transaction, find(transaction, request["eventTrackerArn"], KIND.kind))
    context.jobs.wake()
    return {}
