"""What `ensure` needs to know of each kind of resource: one row per kind.

Names of calls and members are those of boto3's `personalize` client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contract.plan import Kind
from lambdas.aws import Clients, error_code

CREATING = frozenset({"CREATE PENDING", "CREATE IN_PROGRESS", "CREATE STOPPING"})
DELETING = frozenset({"DELETE PENDING", "DELETE IN_PROGRESS"})
FAILED = frozenset({"CREATE FAILED", "CREATE STOPPED"})


@dataclass(frozen=True, kw_only=True)
class Row:
    """How resources of a kind are made, found, looked at and deleted."""

    create: str
    describe: str
    name: str
    """Member of the create call that holds the name."""
    parent: str
    """Member of the create call that holds the parent's ARN."""
    arn: str
    """Member that holds the ARN: in the answer to create, in the request to describe and delete, in lists."""
    described: str
    """Member of describe's answer that holds the description."""
    resource: str | None = None
    """First part of the ARN's resource, if the ARN follows from the name."""
    listing: str | None = None
    """Call that lists what was made in the parent, for kinds whose names carry an attempt number."""
    listed: str = ""
    """Member of that call's answer."""
    listed_name: str | None = None
    """Member of a list's entry that holds the name; None: only describe tells it."""
    delete: str | None = None
    """None: the service has no such operation; what failed is tried again under the next attempt's name."""


KINDS: dict[Kind, Row] = {
    "dataset-import-job": Row(
        create="create_dataset_import_job",
        describe="describe_dataset_import_job",
        name="jobName",
        parent="datasetArn",
        arn="datasetImportJobArn",
        described="datasetImportJob",
        resource="dataset-import-job",
        listing="list_dataset_import_jobs",
        listed="datasetImportJobs",
        listed_name="jobName",
    ),
    "solution": Row(
        create="create_solution",
        describe="describe_solution",
        name="name",
        parent="datasetGroupArn",
        arn="solutionArn",
        described="solution",
        resource="solution",
        delete="delete_solution",
    ),
    "solution-version": Row(
        create="create_solution_version",
        describe="describe_solution_version",
        name="name",
        parent="solutionArn",
        arn="solutionVersionArn",
        described="solutionVersion",
        listing="list_solution_versions",
        listed="solutionVersions",
    ),
    "campaign": Row(
        create="create_campaign",
        describe="describe_campaign",
        name="name",
        parent="solutionVersionArn",
        arn="campaignArn",
        described="campaign",
        resource="campaign",
        delete="delete_campaign",
    ),
}


def arn_of(name: str, *, row: Row, beside: str) -> str:
    """`arn:PARTITION:personalize:REGION:ACCOUNT:RESOURCE/NAME`, in the account of the ARN `beside`."""
    return f"{beside.rsplit(':', 1)[0]}:{row.resource}/{name}"


def describe(arn: str, *, row: Row, aws: Clients) -> dict[str, Any] | None:
    """What the service tells of the resource; None if there is none."""
    try:
        described: dict[str, Any] = getattr(aws.personalize, row.describe)(**{row.arn: arn})[row.described]
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise
    return described
