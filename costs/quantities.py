"""How much of each meter a run takes: bounds from what is known before it starts.

What nobody can know before is bounded by assumptions, all of which are named here and told beside every estimate. The
hours that a training is billed are the least certain: AWS publishes no rule. Two measurements by AWS are known, of
User-Personalization on MovieLens (github.com/aws-samples/amazon-personalize-samples, PersonalizeCheatSheet2.0.md): 2.1
hours for 100 thousand interactions and 53.9 for 25 million; between and beyond them a power law is drawn, and the
range is a tenth of it to three times as much.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from contract.plan import MIN_PROVISIONED_TPS
from costs.meters import (
    CAMPAIGNS,
    FUNCTION_CALLS,
    FUNCTION_TIME,
    INGESTION,
    METERS,
    RECOMMENDATIONS,
    RECOMMENDATIONS_V2,
    REQUESTS,
    STATE_TRANSITIONS,
    TRAINED_INTERACTIONS,
    TRAINING_HOURS,
)
from costs.ranges import NOTHING, Range, exactly
from costs.work import Campaign, Data, Trained, Work

Quantities = dict[str, Range]
"""By meter, all of `costs.meters.METERS`."""

HOUR = 3600
GB = Range(1 / 2**30, 1e-9)
"""Of a byte: it is not said whether a gigabyte is counted in powers of two or of ten."""
_MEASURED = ((100_000, 2.135), (25_000_000, 53.9))
_SPREAD = Range(0.1, 3)
_SHORTEST = 0.02
"""Hours: a training is billed for at least about a minute."""
LONGEST = 23.0
"""Hours by the clock: then the machine gives up on a training."""
REQUESTS_A_SECOND = Range(20, 300)
"""While a campaign is asked."""
AROUND = Range(0.01, 0.5)
"""Hours that a campaign exists beside the time in which it is asked: until it is seen, judging, deletion."""
SAMPLED_MORE = 3
"""Users who are asked, where not all are, have at most so many times the mean's held-out interactions."""
EXAMPLE_REQUESTS = 50
"""At most, for the users that the report shows."""
PROBE_REQUESTS = Range(9, 1500)
"""To see what events change: three users, two looks a second for at most a minute each time."""
_LOOKS_AN_HOUR = 60
_STATES_A_LOOK = 3


def training_hours(interactions: int) -> Range:
    """Billed hours of one training of a recipe that is billed by hours."""
    (few, few_hours), (many, many_hours) = _MEASURED
    exponent = math.log(many_hours / few_hours) / math.log(many / few)
    middle = few_hours * (interactions / few) ** exponent
    return Range(max(_SHORTEST, middle * _SPREAD.low), max(_SHORTEST, middle * _SPREAD.high))


def quantities(work: Work, data: Data) -> Quantities:
    """As if nothing had been made by an earlier run."""
    found = dict.fromkeys(METERS, NOTHING)
    found[INGESTION] = Range(data.total_bytes * GB.low, data.total_bytes * GB.high)
    for trained in work.trainings:
        for meter, amount in _training(trained, work, data):
            found[meter] += amount
    for meter, amount in _frame(data):
        found[meter] += amount
    return found


def requests(campaign: Campaign, work: Work, data: Data) -> Range:
    """Recommendations requested of one campaign."""
    most = min(work.users, data.future_users)
    certain = data.all_have_a_past and not campaign.on_cold_items_only
    found = Range(most if certain else 0, most)
    if campaign.contexts:
        # A user has at most as many contexts as held-out interactions.
        share = min(1.0, SAMPLED_MORE * most / data.future_users) if most else 0.0
        rows = math.ceil(data.future_interactions * share)
        found += Range(0, rows * (1 + campaign.shuffled_fields) + EXAMPLE_REQUESTS)
    return found + PROBE_REQUESTS if campaign.probed else found


def billed_recommendations(sent: Range, tps_hours: Range) -> Range:
    """From requests and campaign hours × provisioned TPS.

    In each window of five minutes the larger of both counts: in all at least the larger sum, at most both.
    """
    floor = tps_hours * HOUR
    return Range(max(sent.low, floor.low), sent.high + floor.high)


def _training(trained: Trained, work: Work, data: Data) -> Iterator[tuple[str, Range]]:
    hours = training_hours(data.past_interactions)
    least, most = max(1, trained.tuning_jobs), 1 + trained.tuning_jobs
    if trained.by_interactions:
        yield TRAINED_INTERACTIONS, Range(data.past_interactions * least, data.past_interactions * most)
    else:
        yield TRAINING_HOURS, Range(hours.low * least, hours.high * most)
    looks = Range(2, _LOOKS_AN_HOUR * min(LONGEST, max(1.0, hours.high * most)))
    yield from _calls(looks, states=Range(20, 60), memory=0.25, seconds=Range(0.2, 3))
    for campaign in trained.campaigns:
        sent = requests(campaign, work, data)
        if work.serves:  # what is served already is asked the same, to weigh the two
            sent = Range(sent.low, 2 * sent.high)
        asking = Range(sent.low / REQUESTS_A_SECOND.high, sent.high / REQUESTS_A_SECOND.low)
        # In mode serve one that is kept, and perhaps one in which a new version is judged before it replaces another.
        active = asking * (1 / HOUR) + (Range(AROUND.low, 2 * AROUND.high) if work.serves else AROUND)
        tps_hours = active * MIN_PROVISIONED_TPS
        yield REQUESTS, sent
        yield CAMPAIGNS, tps_hours
        billed = billed_recommendations(sent, tps_hours)
        yield (RECOMMENDATIONS_V2 if trained.by_interactions else RECOMMENDATIONS), billed
        yield from _calls(Range(2, 360), states=Range(15, 60), memory=0.25, seconds=Range(0.2, 3))
        yield FUNCTION_TIME, asking * 1.75 + Range(3, 3 * 900)  # asking; judging: at most 15 minutes with 3 GB


def _frame(data: Data) -> Iterator[tuple[str, Range]]:
    """What every run has beside its trainings: checks, imports, baselines, comparison, report."""
    for _ in data.bytes:
        yield from _calls(Range(2, 180), states=Range(3, 10), memory=0.25, seconds=Range(0.2, 3))
    yield STATE_TRANSITIONS, Range(15, 40)
    yield FUNCTION_CALLS, Range(5, 20)
    yield FUNCTION_TIME, Range(5, 3 * 3 * 900)


def _calls(looks: Range, *, states: Range, memory: float, seconds: Range) -> Iterator[tuple[str, Range]]:
    """So many looks at something that is being made, by a function with so much memory (GB), and states around them."""
    yield STATE_TRANSITIONS, looks * _STATES_A_LOOK + states
    yield FUNCTION_CALLS, looks + exactly(1)
    yield FUNCTION_TIME, Range(looks.low * seconds.low, looks.high * seconds.high) * memory
