"""What is counted: meters with a price in `prices.json`, and two that explain the bill of the campaigns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Meter:
    """One billable quantity of a run."""

    name: str
    """In `prices.json` and in report.json."""
    words: str
    """For people."""
    unit: str
    priced: bool = True
    """False: it has no price of its own, it goes into another meter."""


INGESTION = "ingestion"
TRAINING_HOURS = "training-hours"
TRAINED_INTERACTIONS = "trained-interactions"
REQUESTS = "requests-sent"
CAMPAIGNS = "campaign-tps-hours"
RECOMMENDATIONS = "recommendations"
RECOMMENDATIONS_V2 = "recommendations-v2"
STATE_TRANSITIONS = "state-transitions"
FUNCTION_TIME = "function-time"
FUNCTION_CALLS = "function-calls"

_ROWS = (
    Meter(name=INGESTION, words="Data ingestion", unit="GB"),
    Meter(name=TRAINING_HOURS, words="Training", unit="training hours"),
    Meter(name=TRAINED_INTERACTIONS, words="Training of v2 recipes", unit="interactions"),
    Meter(name=REQUESTS, words="Recommendations requested", unit="requests", priced=False),
    Meter(name=CAMPAIGNS, words="Campaigns: hours × provisioned TPS", unit="TPS-hours", priced=False),
    Meter(name=RECOMMENDATIONS, words="Recommendations billed", unit="requests"),
    Meter(name=RECOMMENDATIONS_V2, words="Recommendations billed, v2 recipes", unit="requests"),
    Meter(name=STATE_TRANSITIONS, words="Step Functions", unit="state transitions"),
    Meter(name=FUNCTION_TIME, words="Lambda, time", unit="GB-seconds"),
    Meter(name=FUNCTION_CALLS, words="Lambda, calls", unit="calls"),
)
METERS: dict[str, Meter] = {row.name: row for row in _ROWS}
"""By name, in the order in which they are shown."""
