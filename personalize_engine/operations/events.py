"""PutEvents, PutItems, PutUsers: durable before they are answered."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from contract import fields
from contract.recipes import DatasetKind
from personalize_engine import avro
from personalize_engine.errors import invalid_input
from personalize_engine.operations.common import find_active
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.store.events import Event, add_events, put_records
from personalize_engine.store.transaction import Transaction

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
}


@operation("PutEvents")
def put_events(context: Context, request: Request) -> Answer:
    """An event with an eventId that is known is taken once. Events change the next answer of real-time recipes."""
    with context.store.write() as transaction:
        trackers = transaction.referring("event-tracker", "trackingId", request["trackingId"])
        if not trackers or trackers[0].status != "ACTIVE":
            raise invalid_input(f"trackingId {request['trackingId']} is no active event tracker's")
        group = str(trackers[0].parent)
        schema = _interactions_schema(transaction, group)
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
    given = _properties(event.get("properties"), f"{where}.properties")
    item_id = event.get("itemId", given.pop(fields.ITEM_ID, None))
    value = event.get("eventValue", given.pop(fields.EVENT_VALUE, None))
    if item_id is not None and not isinstance(item_id, str):
        raise invalid_input(f"{where}.properties: itemId must be a string")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise invalid_input(f"{where}.properties: eventValue must be a number")
    for name, content in given.items():
        if schema is not None and (column := schema.column(name)) is not None:
            _check_type(column, content, f"{where}.properties")
    sent: datetime = event["sentAt"]
    aware = sent if sent.tzinfo else sent.replace(tzinfo=UTC)
    at = int(aware.timestamp())
    if at >= fields.MILLISECONDS_FROM or at < 0:
        raise invalid_input(f"{where}.sentAt {sent} is no sensible moment; it must be Unix time in seconds")
    return Event(
        session_id=request["sessionId"],
        user_id=request.get("userId"),
        item_id=item_id,
        at=at,
        event_type=event["eventType"],
        event_value=value,
        event_id=event.get("eventId"),
        properties=json.dumps(given) if given else None,
    )


def _put(context: Context, request: Request, kind: DatasetKind, member: str, id_member: str) -> Answer:
    with context.store.write() as transaction:
        dataset = find_active(transaction, request["datasetArn"], "dataset")
        if dataset.body["datasetType"] != kind.value.upper():
            raise invalid_input(f"datasetArn {dataset.arn} is no dataset of type {kind.value}")
        schema = avro.parse(find_active(transaction, dataset.body["schemaArn"], "schema").body["schema"])
        records = {}
        for place, entry in enumerate(request[member], 1):
            where = f"{member}.{place}.member.properties"
            given = _properties(entry.get("properties"), where)
            for name, content in given.items():
                column = schema.column(name)
                if column is None:
                    raise invalid_input(f"{where}: the schema has no field {name}")
                _check_type(column, content, where)
            records[entry[id_member]] = given
        put_records(transaction, dataset.arn, records)
    return {}


def _properties(text: str | None, where: str) -> dict[str, Any]:
    """The JSON object of a `properties` string, with camelCase keys as column names (cabinType: CABIN_TYPE)."""
    if text is None:
        return {}
    try:
        given = json.loads(text)
    except ValueError as error:
        raise invalid_input(f"{where} is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise invalid_input(f"{where} must be a JSON object")
    return {_column_name(key): value for key, value in given.items()}


def _column_name(key: str) -> str:
    return key if key.upper() == key else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).upper()


def _check_type(column: avro.Column, content: Any, where: str) -> None:
    if content is None and column.nullable:
        return
    right = isinstance(content, _PYTHON_TYPES[column.type])
    if not right or (isinstance(content, bool) and column.type != "boolean"):
        raise invalid_input(f"{where}: {column.name} is {content!r}; the schema says {column.type}")


def _interactions_schema(transaction: Transaction, group: str) -> avro.Schema | None:
    for dataset in transaction.page("dataset", parents=[group]):
        if dataset.body["datasetType"] == DatasetKind.INTERACTIONS.value.upper():
            schema = transaction.get(dataset.body["schemaArn"])
            return avro.parse(schema.body["schema"]) if schema else None
    return None
