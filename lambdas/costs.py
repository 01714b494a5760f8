"""What the run cost: the estimate that was kept, beside what its tasks noted."""

from __future__ import annotations

from contract import layout
from contract.as_json import from_json
from contract.plan import Compare
from contract.results import Costs
from costs import prices
from costs.actual import measured
from costs.report import Expected, costs
from lambdas.aws import Clients


def costs_of(event: Compare, aws: Clients) -> Costs:
    """NoSuchObject if no estimate was kept."""
    kept = aws.read_json(event.run.bucket, layout.costs(event.run.run_id))
    expected = from_json(Expected, kept, where="costs.json")
    found = measured(expected.data, event.imported, event.outcomes)
    return costs(expected, found, prices.load(expected.region))
