"""Reads the metrics that the service computed on its own split while it trained.

Calls: personalize:GetSolutionMetrics.
"""

from __future__ import annotations

from contract.plan import Measure, Measured
from lambdas.aws import Clients
from lambdas.task import task


def service_metrics(event: Measure, aws: Clients) -> Measured:
    """Metric names and values as GetSolutionMetrics gives them."""
    answer = aws.personalize.get_solution_metrics(solutionVersionArn=event.solution_version_arn)
    return Measured(metrics={name: float(value) for name, value in answer["metrics"].items()})


handler = task(Measure, service_metrics)
