"""PutEvents, PutItems, PutUsers: durable before they are answered."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from contract import fields
from contract.recipes import DatasetKind
from personalize_engine import avro
from personalize_engine.errors import invalid_input
from personalize_engine.operations import properties
from personalize_engine.operations.common import find_active
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.serving.datasets import held
from personalize_engine.store.events import Event, add_events, as_float
from personalize_engine.store.records import put_records

MAX_EVENT_BYTES = 10 * 1024
"""Of one event (developer guide, "Endpoints and quotas")."""


@operation("PutEvents")
def put_events(context: Context, request: Request) -> Answer:
    """An event with an eventId that is known is taken once. Events change the next answer of real-time recipes.

    Properties that the schema does not know are ignored.
    """
    with context.store.write() as transaction:
        trackers = transaction.referring("event-tracker", "trackingId", request["trackingId"])
        if not trackers or trackers[0].status != "ACTIVE":
            raise invalid_input(f"trackingId {request['trackingId']} is no active event tracker's")
        group = str(trackers[0].parent)
        interactions = held(transaction, group).get(DatasetKind.INTERACTIONS)
        schema = interactions.schema if interactions else None
        events = [
            _event(event, f"eventList.{place}.member", request, schema)
            for place, event in enumerate(request["eventList"], 1)
        ]
        add_events(transaction, group, events)
    return {}


@operation("PutItems")
def put_items(context: Context, request: Request) -> Answer:
    """Adds or replaces items of an Items dataset."""
    return _put(context, request, DatasetKind.ITEMS, "items", "itemId")


@operation("PutUsers")
def put_users(context: Context, request: Request) -> Answer:
    """Adds or replaces users of a Users dataset."""
    return _put(context, request, DatasetKind.USERS, "users", "userId")


def _event(event: dict[str, Any], where: str, request: Request, schema: avro.Schema | None) -> Event:
    if (size := len(json.dumps(event, ensure_ascii=False, default=str).encode())) > MAX_EVENT_BYTES:
        raise invalid_input(f"{where} has {size} bytes; an event may have {MAX_EVENT_BYTES}")
    given = properties.parse(event.get("properties"), f"{where}.properties")
    properties.refuse_reserved(given, f"{where}.properties")
    item_id = event.get("itemId", given.pop(fields.ITEM_ID, None))
    if item_id is not None and (not isinstance(item_id, str) or not 0 < len(item_id) <= fields.MAX_ID_LENGTH):
        raise invalid_input(f"{where}.properties: itemId must be a string of 1 to {fields.MAX_ID_LENGTH} characters")
    impression = event.get("impression")
    return Event(
        session_id=request["sessionId"],
        user_id=request.get("userId"),
        item_id=item_id,
        at=_moment(event["sentAt"], f"{where}.sentAt"),
        event_type=event["eventType"],
        event_value=_value(event.get("eventValue", given.pop(fields.EVENT_VALUE, None)), where),
        event_id=event.get("eventId"),
        properties=_known(given, schema, f"{where}.properties"),
        impression=json.dumps(impression) if impression else None,
        recommendation_id=event.get("recommendationId"),
    )


def _value(content: Any, where: str) -> float | None:
    if content is None:
        return None
    number = properties.finite(content)
    if number is None or math.isinf(as_float(number)):
        raise invalid_input(f"{where}: eventValue must be a number that a float of 32 bits can hold")
    return as_float(number)


def _moment(sent: datetime, where: str) -> int:
    """Unix seconds."""
    aware = sent if sent.tzinfo else sent.replace(tzinfo=UTC)
    at = int(aware.timestamp())
    if at >= fields.MILLISECONDS_FROM or at < 0:
        raise invalid_input(f"{where} {sent} is no sensible moment; it must be Unix time in seconds")
    return at


def _known(given: dict[str, Any], schema: avro.Schema | None, where: str) -> str | None:
    """The metadata as it is kept."""
    columns = {column.name: column for column in schema.metadata} if schema else {}
    kept = {name: properties.typed(columns[name], content, where) for name, content in given.items() if name in columns}
    return json.dumps(kept) if kept else None


def _put(context: Context, request: Request, kind: DatasetKind, member: str, id_member: str) -> Answer:
    with context.store.write() as transaction:
        dataset = find_active(transaction, request["datasetArn"], "dataset")
        if dataset.body["datasetType"] != kind.value.upper():
            raise invalid_input(f"datasetArn {dataset.arn} is no dataset of type {kind.value}")
        schema = avro.parse(find_active(transaction, dataset.body["schemaArn"], "schema").body["schema"])
        columns = {column.name: column for column in schema.columns if column.name not in fields.REQUIRED[kind]}
        records = {}
        for place, entry in enumerate(request[member], 1):
            where = f"{member}.{place}.member.properties"
            given = properties.parse(entry.get("properties"), where)
            if unknown := [name for name in given if name not in columns]:
                raise invalid_input(f"{where}: the schema has no field {unknown[0][:100]}")
            records[entry[id_member]] = {
                name: properties.typed(columns[name], content, where) for name, content in given.items()
            }
        put_records(transaction, dataset.arn, records)
    return {}
