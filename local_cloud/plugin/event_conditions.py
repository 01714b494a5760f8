"""Conditions on what an event says: `events:source` and `events:detail-type` of PutEvents.

Symptom without it: MiniStack knows neither key, so a role that may publish under one source only may publish nothing.
Seam: `iam_actions.request_tag_context`, whose keys the evaluator gets with every request, gains these two.
Test: tests/cloud/test_cloud_calls.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions

from local_cloud.plugin.seams import wrap

ACTION = "events:PutEvents"
KEYS = {"events:source": "Source", "events:detail-type": "DetailType"}
"""Condition key: member of an entry."""

Context = Callable[[str, str, bytes, Any], Mapping[str, Any]]


def install() -> None:
    """Add the keys."""
    wrap(iam_actions, "request_tag_context", "service, iam_action, body, params", _with_event)


def _with_event(context: Context) -> Context:
    def gather(service: str, iam_action: str, body: bytes, params: Any) -> Mapping[str, Any]:
        found = context(service, iam_action, body, params)
        return {**found, **_said(body)} if iam_action == ACTION else found

    return gather


def _said(body: bytes) -> dict[str, list[str]]:
    try:
        entries = json.loads(body)["Entries"]
        return {key: [str(entry[member]) for entry in entries if member in entry] for key, member in KEYS.items()}
    except (ValueError, KeyError, TypeError):  # refused by the service itself
        return {}
