"""What a task measured, as a metric of CloudWatch: written as a log line (embedded metric format), so it needs no call.

Only where the stack has the option `operations`, which sets POWERTOOLS_METRICS_NAMESPACE and POWERTOOLS_SERVICE_NAME,
the one dimension: each further one would multiply what custom metrics cost. Lambda and Step Functions count errors and
time by themselves; these are the figures that only a task knows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from contract.plan import ACTIVE, DONE, Asked, Ensured, Estimated
from contract.watching import Watched

Measure = tuple[str, MetricUnit, float]


def measures_of(result: Any) -> Iterator[Measure]:
    """Of a task's result: name, unit, value."""
    if isinstance(result, Estimated):
        yield "EstimatedDollars", MetricUnit.NoUnit, result.high
    elif isinstance(result, Ensured) and result.status == ACTIVE and result.new:
        yield "ResourcesMade", MetricUnit.Count, 1
        if result.hours is not None:
            yield "TrainingHours", MetricUnit.NoUnit, result.hours
    elif isinstance(result, Asked) and result.status == DONE:
        yield "RequestsOfRuns", MetricUnit.Count, result.requests
    elif isinstance(result, Watched):
        yield "Campaigns", MetricUnit.Count, result.campaigns
        yield "IdleCampaigns", MetricUnit.Count, len(result.idle) - len(result.parked)
        if result.parked:
            yield "ParkedCampaigns", MetricUnit.Count, len(result.parked)


def publish(result: Any) -> None:
    """Write what is to be written."""
    if not os.environ.get("POWERTOOLS_METRICS_NAMESPACE"):
        return
    metrics = EphemeralMetrics()
    for name, unit, value in measures_of(result):
        metrics.add_metric(name=name, unit=unit, value=value)
    if metrics.metric_set:
        metrics.flush_metrics()
