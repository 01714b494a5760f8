"""Chooses the campaign in which a solution version is judged.

In mode `experiment` that is a campaign of its own, which is deleted afterwards. In mode `serve` it is the campaign that
applications use, unless that serves another version: then it is a trial campaign, and `weigh` decides whether the one
that applications use is updated.

Calls: personalize:DescribeCampaign.
"""

from __future__ import annotations

from contract.plan import ACTIVE, Ensure
from contract.promotion import Choose, Chosen
from contract.results import Promotion, served
from lambdas.aws import Clients
from lambdas.kinds import CREATING, KINDS, arn_of, describe
from lambdas.task import task


def choose_campaign(event: Choose, aws: Clients) -> Chosen:
    """The campaign, and what is served meanwhile."""
    ask = event.ask
    arn = _arn(event, ask.campaign)
    if ask.trial is None:
        return Chosen(campaign=ask.campaign, arn=arn, temporary=True)
    version = _served(arn, aws)
    if version is None:
        return Chosen(campaign=ask.campaign, arn=arn, temporary=False, promotion=Promotion(decision="first"))
    if version == event.version_arn:
        return Chosen(campaign=ask.campaign, arn=arn, temporary=False, promotion=Promotion(decision="unchanged"))
    return Chosen(
        campaign=ask.trial,
        arn=_arn(event, ask.trial),
        temporary=True,
        served_arn=arn,
        served_subject=served(ask.subject),
        promotion=Promotion(decision="kept", served_version_arn=version),
    )


handler = task(Choose, choose_campaign)


def _served(arn: str, aws: Clients) -> str | None:
    """ARN of the solution version that the campaign serves, or is about to; None: it cannot be asked."""
    campaign = describe(arn, row=KINDS["campaign"], aws=aws)
    if campaign is None or campaign["status"] != ACTIVE:
        return None
    update = campaign.get("latestCampaignUpdate") or {}
    follows = update.get("status") in {*CREATING, ACTIVE}
    return str(update["solutionVersionArn"] if follows else campaign["solutionVersionArn"])


def _arn(event: Choose, campaign: Ensure) -> str:
    return arn_of(campaign.name, row=KINDS["campaign"], beside=event.version_arn)
