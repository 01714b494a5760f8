"""Estimates what the run costs before anything is billed, and stops it if that may be more than `max_cost`.

The run is estimated as if it were on AWS and as if nothing had been made before, in the local cloud too. A local run
is never stopped unless the experiment (or the execution's input) has a `max_cost`; on AWS it also stops where no price
of the region is known, and where `evaluation.ablation` multiplies the trainings and no `max_cost` allows it.

Calls: s3:GetObject runs/*/plan.json, s3:GetObject data/*/past/* (its size), s3:PutObject runs/*/costs.json.
"""

from __future__ import annotations

from contract import layout
from contract.as_json import from_json, to_json
from contract.manifest import Manifest
from contract.plan import EstimateCost, Estimated, Run
from costs import prices
from costs.estimate import estimate, why_not_asked, why_too_much
from costs.report import Expected
from costs.work import Work, data_of
from lambdas.aws import Clients
from lambdas.errors import NoPrice, TooExpensive
from lambdas.task import task

ELSEWHERE = "us-east-1"
"""Whose prices a local run is told in a region without a table."""


def estimate_cost(event: EstimateCost, aws: Clients) -> Estimated:
    """Writes the estimate; NoPrice or TooExpensive end the run."""
    run = event.run
    kept = aws.read_json(run.bucket, layout.plan(run.run_id))
    manifest, work = Manifest.from_json(kept["manifest"]), from_json(Work, kept["work"], where="work")
    sizes = {kind: aws.size(run.bucket, file.key) for kind, file in manifest.files.past.items()}
    data = data_of(manifest, sizes)
    made = estimate(work, data, prices_of(work.region, run))
    key = layout.costs(run.run_id)
    aws.write_json(run.bucket, key, to_json(Expected.of(work, data, made)))
    refused = why_too_much(made, work, run.experiment)
    if refused is None and run.backend == "aws":
        refused = why_not_asked(made, work, run.experiment)
    if refused:
        raise TooExpensive(refused)
    return Estimated(key=key, low=made.total.low, high=made.total.high)


handler = task(EstimateCost, estimate_cost)


def prices_of(region: str, run: Run) -> prices.Prices:
    """The region's table; for a local run in a region without one, that of `ELSEWHERE`."""
    try:
        return prices.load(region)
    except prices.NoPrice as error:
        if run.backend == "local":
            return prices.load(ELSEWHERE)
        raise NoPrice(f"{error}; then deploy again. Nothing was imported or trained") from None
