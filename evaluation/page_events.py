"""The part of the page on the state "Try events" (lambdas.tasks.try_events): what new events changed.

The shape of `report.events` is the task's; a part that is not as expected is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract.results import Report
from evaluation.markup import Cell, Group, Row, escape, table
from evaluation.nested import is_number, nested, scalar
from evaluation.page_examples import shown
from evaluation.words import MISSING, seconds

SHOWN = 10
"""Places of a list that are compared and printed."""


def events(report: Report) -> str:
    """A sentence on how many probes changed and how soon, and a row per probe; empty text without events."""
    seen = report.events
    if not seen:
        return ""
    said = (
        "<p>Users nobody knows were given the newest part of a held-out user's past and then that user's next events,"
        " to see whether the recommendations follow without training. This changes no figure of the comparison.</p>"
    )
    probes = seen.get("probes")
    if not isinstance(probes, list) or not probes or not all(_is_probe(probe) for probe in probes):
        return said + nested(seen)
    took = seen.get("median_seconds")
    changed = sum(bool(probe.get("changed")) for probe in probes)
    said += f"<p><strong>{changed} of {len(probes)} changed</strong>"
    said += f", after {seconds(took)} (median)" if is_number(took) else ""
    said += f". Asked: {scalar(seen.get('recipe'))}.</p>"
    columns = ["Events replayed", "New events", "Changed after", "First ten before", "First ten after"]
    rest = {
        key: value for key, value in seen.items() if key not in {"probes", "recipe", "median_seconds", "probes_changed"}
    }
    return (
        said
        + table(
            "What each probe was recommended",
            columns,
            [Group(rows=[_row(probe, report.titles) for probe in probes])],
            first="Probe",
            note="Best first; bold after the events: was not among the first ten before.",
        )
        + nested(rest)
    )


def _is_probe(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), list) for key in ("before", "after"))


def _row(probe: dict[str, Any], titles: Mapping[str, str]) -> Row:
    before, after = probe["before"][:SHOWN], probe["after"][:SHOWN]
    took = probe.get("seconds")
    new = probe.get("new_events")
    return Row(
        head=escape(probe.get("user_id", MISSING)),
        cells=[
            Cell(html=scalar(probe.get("replayed_events")), kind="n"),
            Cell(html=shown(new, titles) if isinstance(new, list) else MISSING),
            Cell(html=seconds(took) if is_number(took) else "not in time", kind="n"),
            Cell(html=shown(before, titles), kind="t"),
            Cell(html=shown(after, titles, marked=[item for item in after if item not in before]), kind="t"),
        ],
    )
