"""What a user did: as of the training, and for real-time recipes what they have done since."""

from __future__ import annotations

import json

from contract import fields
from personalize_engine.models.base import Interaction
from personalize_engine.serving.trained import NEWEST, Trained
from personalize_engine.store.database import Store
from personalize_engine.store.events import Event, newest_events


def history_of(trained: Trained, store: Store, user_id: str) -> list[Interaction]:
    """A user's newest interactions, oldest first; events pass the solution's event type and threshold, as in training.

    An anonymous visitor is asked for by session id.
    """
    history = trained.history(user_id)
    if not trained.recipe.real_time:
        return history
    with store.read() as transaction:
        events = newest_events(
            transaction,
            trained.dataset_group,
            user_id,
            after=trained.events_until,
            limit=NEWEST,
            selection=trained.selection,
        )
    if not events:
        return history
    history += [interaction_of(event) for event in events]
    history.sort(key=lambda event: event.at)
    return history[-NEWEST:]


def interaction_of(event: Event) -> Interaction:
    """The event as models see it."""
    assert event.item_id is not None, "events without an item are not asked for"
    properties = json.loads(event.properties) if event.properties else {}
    properties = {name: value for name, value in properties.items() if value is not None}
    properties[fields.EVENT_TYPE] = event.event_type
    return Interaction(item_id=event.item_id, at=event.at, event_type=event.event_type, properties=properties)
