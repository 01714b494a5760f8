"""Shows what new events change: plays a held-out user's past and then three future events as a user nobody knows.

Each probe is a user `probe-RUN-n-…` outside the evaluation, another one whenever this is repeated, because events that
were sent stay. First the newest part of a held-out user's past is sent as events, until the recommendations have
settled; then that user's first three future events, and the time is taken until the recommendations differ. Since the
events stay in the dataset, this runs in mode `experiment` only.

Calls: personalize:PutEvents, personalize:GetRecommendations; s3:GetObject data/*, s3:ListBucket,
s3:PutObject runs/*/events.json.
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from typing import Any

from contract import layout
from contract.fields import (
    EVENT_TYPE,
    EVENT_VALUE,
    IMPRESSION,
    ITEM_ID,
    MULTI_VALUE_SEPARATOR,
    RECOMMENDATION_ID,
    TIMESTAMP,
    USER_ID,
)
from contract.plan import Run, Tried, TryEvents
from contract.recipes import DatasetKind, Question
from evaluation.metrics import DEPTH
from lambdas.aws import Clients
from lambdas.errors import BadInput, DataMissing
from lambdas.published import Published
from lambdas.task import task

PROBES = 3
NEW_EVENTS = 3
REPLAYED = 100
"""At most so many events of the past, the newest ones."""
PER_CALL = 10
"""Events in one call of PutEvents (the service's limit)."""
DEFAULT_EVENT_TYPE = "interaction"
"""PutEvents wants a type even where the data have none."""
PAUSE = 0.5
"""Seconds between two looks at the recommendations."""
PATIENCE = 60.0
"""Seconds until a change is no longer waited for."""
_OWN_MEMBERS = {USER_ID, ITEM_ID, TIMESTAMP, EVENT_TYPE, EVENT_VALUE, IMPRESSION, RECOMMENDATION_ID}


def try_events(event: TryEvents, aws: Clients) -> Tried:
    """Writes what was seen: recommendations before and after, and the seconds until they changed."""
    run = event.run
    if run.events is None:
        raise BadInput("try_events was called for an experiment without an event tracker")
    travellers = _travellers(Published(run=run, aws=aws))
    rows = _rows(run, travellers, aws)
    attempt = secrets.token_hex(3)
    probes = [
        _probe(
            f"probe-{run.run_id}-{n}-{attempt}",
            *rows[user],
            campaign_arn=event.campaign_arn,
            tracking_id=run.events.tracking_id,
            aws=aws,
        )
        for n, user in enumerate(travellers, start=1)
    ]
    requests = sum(probe.pop("requests") for probe in probes)
    seconds = [probe["seconds"] for probe in probes if probe["changed"]]
    seen = {
        "recipe": run.events.recipe,
        "probes_changed": len(seconds),
        "median_seconds": round(median(seconds), 3) if seconds else None,
        "probes": probes,
    }
    key = layout.events(run.run_id)
    aws.write_json(run.bucket, key, seen)
    return Tried(key=key, changed=len(seconds), probes=len(probes), requests=requests)


handler = task(TryEvents, try_events)


def _travellers(published: Published) -> list[str]:
    """A few of the evaluated users, drawn by the run's seed: of those with enough future to send, if there are any."""
    evaluated = [case.user for case in published.cases(Question.USER)]
    if not evaluated:
        raise DataMissing("no user has both a past and held-out interactions to send as events")
    able = [user for user in evaluated if len(published.future.numbers(user)) >= NEW_EVENTS] or evaluated
    return random.Random(published.run.evaluation.seed).sample(able, min(PROBES, len(able)))


Row = dict[str, str]


def _rows(run: Run, users: list[str], aws: Clients) -> dict[str, tuple[list[Row], list[Row]]]:
    """(past, future) rows of each user with all columns, oldest first."""
    found: dict[str, tuple[list[Row], list[Row]]] = {user: ([], []) for user in users}
    for part, key in enumerate((layout.past(run.version, DatasetKind.INTERACTIONS), layout.future(run.version))):
        for row in aws.read_csv(run.bucket, key):
            if row[USER_ID] in found:
                found[row[USER_ID]][part].append(row)
    for parts in found.values():
        for rows in parts:
            rows.sort(key=lambda row: int(row[TIMESTAMP]))
    return found


def _probe(
    probe: str, past: list[Row], future: list[Row], *, campaign_arn: str, tracking_id: str, aws: Clients
) -> dict[str, Any]:
    requests = 0

    def recommended(user: str = probe) -> list[str]:
        nonlocal requests
        requests += 1
        answer = aws.runtime.get_recommendations(campaignArn=campaign_arn, userId=user, numResults=DEPTH)
        return [row["itemId"] for row in answer["itemList"]]

    replayed, sent = past[-REPLAYED:], future[:NEW_EVENTS]
    unknown = recommended()
    _send(tracking_id, probe, replayed, aws)
    before = _settled(recommended, unknown)
    _send(tracking_id, probe, sent, aws)
    seconds, after = _until_changed(recommended, before)
    return {
        "user_id": probe,
        "replayed_events": len(replayed),
        "new_events": [row[ITEM_ID] for row in sent],
        "changed": seconds is not None,
        "seconds": seconds,
        "before": before,
        "after": after,
        "requests": requests,
    }


def _settled(recommended: Callable[[], list[str]], unknown: list[str]) -> list[str]:
    """Recommendations that no longer are those of an unknown user and stay the same for one pause."""
    _, seen = _until_changed(recommended, unknown)
    for _ in range(int(PATIENCE / PAUSE)):
        time.sleep(PAUSE)
        again = recommended()
        if again == seen:
            break
        seen = again
    return seen


def _until_changed(recommended: Callable[[], list[str]], before: list[str]) -> tuple[float | None, list[str]]:
    """Seconds until the recommendations differ, or None if they do not in time; and the recommendations."""
    began = time.monotonic()
    while True:
        seen = recommended()
        waited = time.monotonic() - began
        if seen != before:
            return round(waited, 3), seen
        if waited > PATIENCE:
            return None, seen
        time.sleep(PAUSE)


def _send(tracking_id: str, probe: str, rows: list[Row], aws: Clients) -> None:
    for begin in range(0, len(rows), PER_CALL):
        aws.events.put_events(
            trackingId=tracking_id,
            userId=probe,
            sessionId=probe,
            eventList=[event_of(row) for row in rows[begin : begin + PER_CALL]],
        )


def event_of(row: Row) -> dict[str, Any]:
    """A row of the interactions file as PutEvents wants it; empty cells are left out.

    Metadata columns travel in `properties` under camelCase names (CABIN_TYPE: cabinType).
    """
    made: dict[str, Any] = {
        "eventType": row.get(EVENT_TYPE) or DEFAULT_EVENT_TYPE,
        "itemId": row[ITEM_ID],
        "sentAt": datetime.fromtimestamp(int(row[TIMESTAMP]), UTC),
    }
    if value := row.get(EVENT_VALUE):
        made["eventValue"] = float(value)
    if shown := row.get(IMPRESSION):
        made["impression"] = shown.split(MULTI_VALUE_SEPARATOR)
    properties = {_camel(name): value for name, value in row.items() if value and name not in _OWN_MEMBERS}
    if properties:
        made["properties"] = json.dumps(properties)
    return made


def _camel(column: str) -> str:
    first, *rest = column.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)
