"""The estimate of a run before it starts: quantities, US dollars, and the assumptions behind both."""

from __future__ import annotations

from dataclasses import dataclass

from contract.plan import MIN_PROVISIONED_TPS
from costs.meters import METERS, RECOMMENDATIONS, RECOMMENDATIONS_V2
from costs.prices import Prices
from costs.quantities import (
    AROUND,
    HOUR,
    LONGEST,
    REQUESTS_A_SECOND,
    Quantities,
    quantities,
    training_hours,
)
from costs.ranges import NOTHING, Range
from costs.work import Data, Work


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run will take, and what that costs."""

    region: str
    quantities: Quantities
    dollars: dict[str, Range]
    """By meter that has a price."""
    assumptions: list[str]

    @property
    def total(self) -> Range:
        return sum(self.dollars.values(), NOTHING)


def estimate(work: Work, data: Data, prices: Prices) -> Estimate:
    """As if it ran on AWS and nothing had been made by an earlier run."""
    found = quantities(work, data)
    return Estimate(
        region=prices.region,
        quantities=found,
        dollars=dollars(found, prices),
        assumptions=[*_assumptions(work, data, prices)],
    )


def dollars(amounts: Quantities, prices: Prices) -> dict[str, Range]:
    """By meter that has a price."""
    return {
        meter: Range(price.of(amounts[meter].low), price.of(amounts[meter].high))
        for meter, price in ((name, prices.of[name]) for name, row in METERS.items() if row.priced)
    }


def kept_per_day(work: Work, prices: Prices) -> float:
    """US dollars a day for the campaigns that the run leaves, asked by nobody; 0 if it deletes them."""
    if not work.serves:
        return 0.0
    requests = 24 * HOUR * MIN_PROVISIONED_TPS
    return sum(
        len(trained.campaigns)
        * prices.of[RECOMMENDATIONS_V2 if trained.by_interactions else RECOMMENDATIONS].of(requests)
        for trained in work.trainings
    )


def why_too_much(made: Estimate, work: Work, experiment: str) -> str | None:
    """What is said when the run may not begin; None if it may."""
    limit = work.max_cost
    if limit is None or made.total.high <= limit:
        return None
    parts = sorted(((row.high, METERS[name].words) for name, row in made.dollars.items()), reverse=True)
    most = ", ".join(f"{words} up to ${high:,.2f}" for high, words in parts[:2])
    return (
        f"this run may cost ${made.total.high:,.2f} on AWS (estimate: {_between(made)}; {most}), and max_cost allows"
        f" ${limit:,.2f}. Nothing was imported or trained. To spend less, ask for fewer recipes or users"
        ' (input {"recipes": […], "users": …}), less hpo, no ablation; to allow it, raise max_cost in'
        f" experiments/{experiment}.yaml and deploy again, or start this run with"
        f' {{"max_cost": {_rounded_up(made.total.high)}}}. `make estimate EXPERIMENT={experiment}` shows it in full'
    )


def why_not_asked(made: Estimate, work: Work, experiment: str) -> str | None:
    """Ablation multiplies what is billed: on AWS only a limit that somebody set allows it."""
    if not work.ablation or work.max_cost is not None:
        return None
    return (
        f"evaluation.ablation makes this {len(work.trainings)} trainings, all of them billed: {_between(made)}. If you"
        f" want that, set max_cost: {_rounded_up(made.total.high)} in"
        f" experiments/{experiment}.yaml and deploy again, or start this run with"
        f' {{"max_cost": {_rounded_up(made.total.high)}}}; if not, take evaluation.ablation out'
    )


def _between(made: Estimate) -> str:
    return f"${made.total.low:,.2f} to ${made.total.high:,.2f}"


def _rounded_up(value: float) -> int:
    return int(value) + 1


def _assumptions(work: Work, data: Data, prices: Prices) -> list[str]:
    hours = training_hours(data.past_interactions)
    asked = min(work.users, data.future_users)
    made = [
        f"Prices of {prices.region}, on demand, without free tiers and discounts, looked up on {prices.oldest}"
        " (costs/prices.json).",
        "Nothing is found from earlier runs: what exists already is not billed again.",
        f"{len(work.trainings)} trainings on {data.past_interactions:,} interactions; one that is billed by hours takes"
        f" {hours.low:.2g} to {hours.high:.2g} of them: AWS publishes no rule, two measurements of it are scaled"
        " (costs/quantities.py).",
        f"{asked:,} users are asked, at {REQUESTS_A_SECOND.low:g} to {REQUESTS_A_SECOND.high:g} requests a second; each"
        f" campaign exists {AROUND.low * 60:.0f} to {AROUND.high * 60:.0f} minutes longer than it is asked, at"
        f" {MIN_PROVISIONED_TPS} provisioned request a second.",
        *(
            ["In mode serve each recipe may be asked twice, in two campaigns: a new version, and what is served."]
            if work.serves
            else []
        ),
        f"A training is given up after {LONGEST:g} hours by the clock. Storage, S3 requests, logs and notifications are"
        " not counted: cents.",
    ]
    if jobs := sum(trained.tuning_jobs for trained in work.trainings):
        made.append(f"Hyperparameter optimisation makes up to {jobs} more trainings, each billed like one.")
    if any(campaign.contexts for trained in work.trainings for campaign in trained.campaigns):
        made.append("Where recipes read a context, every held-out interaction may be one of its own.")
    if left := kept_per_day(work, prices):
        made.append(f"Not included: the campaigns that are kept cost ${left:,.2f} a day from then on, asked or not.")
    return made
