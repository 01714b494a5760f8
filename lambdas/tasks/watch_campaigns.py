"""Counts the experiment's campaigns that nobody has asked for a day: each costs money for as long as it exists.

Run every hour by the option `operations`; the metric IdleCampaigns raises the alarm. CloudWatch itself cannot: an alarm
names its campaign, and those of a run have names that are known only then. Where there were no requests there are no
data points either, so what is missing counts as none.

With the option `park_idle` it parks them (lambdas.parking).

Calls: personalize:ListCampaigns, cloudwatch:GetMetricData; to park also personalize:DescribeCampaign,
personalize:DeleteCampaign, s3:GetObject serving/parked.json, s3:ListBucket, s3:PutObject serving/parked.json.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from contract.plan import ACTIVE
from contract.watching import WatchCampaigns, Watched
from lambdas import parking
from lambdas.aws import Clients
from lambdas.task import task

PATIENCE = timedelta(days=1)
"""A campaign without a request for so long is idle."""
_METRICS = ("GetRecommendations", "GetPersonalizedRanking")
_AT_ONCE = 500 // len(_METRICS)
"""Campaigns per GetMetricData, which takes 500 queries."""


def watch(event: WatchCampaigns, aws: Clients) -> Watched:
    """Looks at the campaigns whose names begin with the prefix; one that is younger than a day is not idle yet."""
    now = datetime.now(UTC)
    active = [campaign for campaign in parking.ours(event.prefix, aws) if campaign["status"] == ACTIVE]
    old = [campaign["campaignArn"] for campaign in active if campaign["creationDateTime"] < now - PATIENCE]
    asked = [_asked(old[start : start + _AT_ONCE], now, aws=aws) for start in range(0, len(old), _AT_ONCE)]
    used = set().union(*asked)
    idle = [arn for arn in old if arn not in used]
    parked = parking.park(idle, bucket=event.park_in, aws=aws) if event.park_in and idle else []
    return Watched(campaigns=len(active), idle=idle, parked=parked)


handler = task(WatchCampaigns, watch)


def _asked(arns: list[str], now: datetime, *, aws: Clients) -> set[str]:
    """Those of the campaigns that were asked for something within `PATIENCE`."""
    queries = [
        {
            "Id": f"m{number}_{position}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Personalize",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "CampaignArn", "Value": arn}],
                },
                "Period": 3600,
                "Stat": "Sum",  # the only one that these metrics have
            },
        }
        for position, arn in enumerate(arns)
        for number, metric in enumerate(_METRICS)
    ]
    pages: Any = aws.watch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=now - PATIENCE, EndTime=now
    )
    results = [result for page in pages for result in page["MetricDataResults"]]
    return {arns[int(result["Id"].rpartition("_")[2])] for result in results if sum(result["Values"]) > 0}
