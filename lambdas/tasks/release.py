"""Deletes a campaign, which costs money for as long as it exists; called again until it is gone.

Calls: personalize:DescribeCampaign, personalize:DeleteCampaign. With the option `operations` also events:PutEvents.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from contract.plan import DONE, PENDING, Release, Released
from lambdas.aws import Clients, error_code, error_message, is_denied
from lambdas.errors import NotAllowed
from lambdas.kinds import DELETING
from lambdas.status_events import announce
from lambdas.task import task


def release(event: Release, aws: Clients) -> Released:
    """DONE when there is no such campaign (any more)."""
    if not event.campaign_arn:
        return Released(status=DONE)
    try:
        campaign = aws.personalize.describe_campaign(campaignArn=event.campaign_arn)["campaign"]
        if campaign["status"] not in DELETING:
            aws.personalize.delete_campaign(campaignArn=event.campaign_arn)
            arn, name = event.campaign_arn, event.campaign_arn.rpartition("/")[2]
            announce(aws, run_id=event.run_id, kind="campaign", name=name, arn=arn, status="DELETE PENDING")
    except ClientError as error:
        code = error_code(error)
        if code == "ResourceNotFoundException":
            return Released(status=DONE)
        if is_denied(error):
            raise NotAllowed(
                f"{event.campaign_arn} is left, and costs money until it is deleted: {error_message(error)}. Allow it,"
                " then delete the campaign, or start again with the same input"
            ) from error
        if code != "ResourceInUseException":  # still being created or updated: delete it when that is over
            raise
    return Released(status=PENDING)


handler = task(Release, release)
