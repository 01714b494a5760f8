"""Event trackers: one per dataset group; their tracking id is what applications send events with."""

from __future__ import annotations

import uuid

from personalize_engine.errors import LIMIT_EXCEEDED, ServiceError
from personalize_engine.jobs import quick
from personalize_engine.operations.common import create, delete, find, find_active, listing, members
from personalize_engine.operations.registry import Answer, Context, Request, operation

KIND = "event-tracker"


@operation("CreateEventTracker")
def create_event_tracker(context: Context, request: Request) -> Answer:
    """Its ARN ends in an id, not in its name."""
    arn = context.arn(f"event-tracker/{uuid.uuid4().hex[:8]}")
    tracking_id = str(uuid.uuid4())
    with context.store.write() as transaction:
        group = find_active(transaction, request["datasetGroupArn"], "dataset-group")
        if transaction.count(KIND, parent=group.arn):
            raise ServiceError(LIMIT_EXCEEDED, f"{group.arn} has an event tracker already; a group may have one.")
        body = {"datasetGroupArn": group.arn, "trackingId": tracking_id, "accountId": context.account}
        create(
            transaction,
            arn,
            KIND,
            name=request["name"],
            body=body,
            tags=request.get("tags"),
            parent=group.arn,
            job=quick.CREATE,
        )
    context.jobs.wake()
    return {"eventTrackerArn": arn, "trackingId": tracking_id}


@operation("DescribeEventTracker")
def describe_event_tracker(context: Context, request: Request) -> Answer:
    """With its tracking id."""
    with context.store.read() as transaction:
        found = find(transaction, request["eventTrackerArn"], KIND)
    return {"eventTracker": members(found) | {"eventTrackerArn": found.arn}}


@operation("ListEventTrackers")
def list_event_trackers(context: Context, request: Request) -> Answer:
    """Of a group, or all."""
    group = request.get("datasetGroupArn")
    page, more = listing(context, request, KIND, parents=(lambda _: [group]) if group else None)
    return {"eventTrackers": [members(found) | {"eventTrackerArn": found.arn} for found in page], **more}


@operation("DeleteEventTracker")
def delete_event_tracker(context: Context, request: Request) -> Answer:
    """The events that came through it stay with the dataset group."""
    with context.store.write() as transaction:
        delete(transaction, find(transaction, request["eventTrackerArn"], KIND))
    context.jobs.wake()
    return {}
