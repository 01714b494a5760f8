"""Moments at which a stack is destroyed: a run is brought to a phase, and some random time into it."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployed_stack import Deployed

from local_cloud import cdk
from local_cloud.leftovers import leftovers
from local_cloud.services import LocalCloud

RECIPE = "aws-popularity-count"
POLL = 0.02
LIMIT = 60.0
"""Seconds until a phase must have been reached."""
LATER = 0.5
"""At most so many seconds into a phase."""
BEING_MADE = ("CREATE PENDING", "CREATE IN_PROGRESS")


@dataclass(frozen=True)
class Form:
    """The stack as one version of the experiment's file makes it."""

    line: cdk.LocalCdk
    file: Path


@dataclass
class Ours:
    """The stack that is deployed and destroyed again and again, and its other forms."""

    deployed: Deployed
    edited: Form
    """One of the items' columns is new."""
    grown: Form
    """The same column, marked as added."""
    draw: random.Random

    @property
    def cloud(self) -> LocalCloud:
        return self.deployed.cloud

    def start(self, **given: Any) -> str:
        return self.deployed.start({"recipes": [RECIPE], "users": 40, **given})

    def run(self, **given: Any) -> dict[str, Any]:
        ended = self.deployed.ended(self.start(**given))
        assert ended["status"] == "SUCCEEDED", ended.get("cause")
        return ended

    def until(self, kind: str, *statuses: str) -> None:
        """Until a resource of ours has one of these statuses, or is made already: a run may be faster than we look."""
        limit = time.monotonic() + LIMIT
        while not any(row["status"] in {*statuses, "ACTIVE"} for row in self.rows(kind)):
            assert time.monotonic() < limit, f"no {kind} in {statuses}"
            time.sleep(POLL)

    def rows(self, kind: str) -> Iterator[dict[str, Any]]:
        personalize, group = self.cloud.client("personalize"), self.deployed.outputs["DatasetGroupArn"]
        match kind:
            case "update of a dataset":
                for dataset in personalize.list_datasets(datasetGroupArn=group)["datasets"]:
                    described = personalize.describe_dataset(datasetArn=dataset["datasetArn"])["dataset"]
                    yield from [described[member] for member in ("latestDatasetUpdate",) if member in described]
            case "import job":
                for dataset in personalize.list_datasets(datasetGroupArn=group)["datasets"]:
                    jobs = personalize.list_dataset_import_jobs(datasetArn=dataset["datasetArn"])
                    yield from jobs["datasetImportJobs"]
            case "solution":
                yield from personalize.list_solutions(datasetGroupArn=group)["solutions"]
            case "solution version":
                for solution in self.rows("solution"):
                    arn = solution["solutionArn"]
                    yield from personalize.list_solution_versions(solutionArn=arn)["solutionVersions"]
            case "campaign":
                for solution in self.rows("solution"):
                    yield from personalize.list_campaigns(solutionArn=solution["solutionArn"])["campaigns"]

    def deploy(self, form: Form) -> None:
        """In the place of what is deployed, and publish its data."""
        self.deployed.command_line, self.deployed.experiment = form.line, str(form.file)
        self.deployed.deploy()
        self.deployed.publish()

    def later(self) -> None:
        time.sleep(self.draw.uniform(0, LATER))


def importing(ours: Ours) -> None:
    """An import."""
    ours.start()
    ours.until("import job", *BEING_MADE)
    ours.later()


def half_created(ours: Ours) -> None:
    """A solution, or a campaign, that is not there yet."""
    ours.start(mode="serve")
    ours.until(ours.draw.choice(("solution", "campaign")), *BEING_MADE)


def training(ours: Ours) -> None:
    """A training."""
    ours.start()
    ours.until("solution version", *BEING_MADE)
    ours.later()


def asking(ours: Ours) -> None:
    """A campaign that is being asked."""
    ours.start(mode="serve")
    ours.until("campaign", "ACTIVE")
    ours.later()


def failed(ours: Ours) -> None:
    """The service may not read the bucket, so the import fails, and the run with it."""
    ours.cloud.client("s3").delete_bucket_policy(Bucket=ours.deployed.outputs["DataBucketName"])
    ended = ours.deployed.ended(ours.start())
    assert ended["status"] == "FAILED"
    assert any(row["status"] == "CREATE FAILED" for row in ours.rows("import job"))


def killed(ours: Ours) -> None:
    """Somebody stopped the run: what it started goes on by itself."""
    execution = ours.start()
    ours.until("solution version", *BEING_MADE)
    ours.later()
    ours.cloud.client("stepfunctions").stop_execution(executionArn=execution)


def serving(ours: Ours) -> None:
    """A campaign that was kept."""
    ours.run(mode="serve")
    assert [row["status"] for row in ours.rows("campaign")] == ["ACTIVE"]


def updating(ours: Ours) -> None:
    """A campaign that is about to serve another version."""
    ours.run(mode="serve")
    before = len(list(ours.rows("solution version")))
    ours.start(mode="serve", train_afresh=True)
    limit = time.monotonic() + LIMIT
    while not [row for row in list(ours.rows("solution version"))[before:] if row["status"] == "ACTIVE"]:
        assert time.monotonic() < limit, "no second version"
        time.sleep(POLL)
    ours.later()


def over(ours: Ours) -> None:
    """A run that ended as it should."""
    ours.run()


def replaced(ours: Ours) -> None:
    """A schema was edited, so the dataset group was replaced, while the old one served."""
    ours.run(mode="serve")
    old = ours.deployed.outputs["DatasetGroupArn"]
    ours.deploy(ours.edited)
    new = ours.deployed.outputs["DatasetGroupArn"]
    assert new != old
    groups = [row["datasetGroupArn"] for row in ours.cloud.client("personalize").list_dataset_groups()["datasetGroups"]]
    assert old not in groups
    assert new in groups
    ours.start()
    ours.until("import job", *BEING_MADE)
    ours.later()


def growing(ours: Ours) -> None:
    """A column that is being added to a dataset, while a campaign serves what was trained without it."""
    ours.run(mode="serve")
    group = ours.deployed.outputs["DatasetGroupArn"]
    ours.deploy(ours.grown)
    assert ours.deployed.outputs["DatasetGroupArn"] == group
    ours.start()
    ours.until("update of a dataset", *BEING_MADE)
    ours.later()


def outgrown(ours: Ours) -> None:
    """A dataset group was replaced whose dataset had got a column."""
    ours.deploy(ours.grown)
    ours.run()
    grown = [row["schemaArn"] for row in ours.rows("update of a dataset")]
    assert grown
    ours.deploy(ours.edited)
    schemas = ours.cloud.client("personalize").list_schemas()["schemas"]
    assert not {row["schemaArn"] for row in schemas} & {*grown}


PHASES: dict[str, Callable[[Ours], None]] = {
    "importing": importing,
    "half-created": half_created,
    "training": training,
    "asking": asking,
    "failed": failed,
    "killed": killed,
    "serving": serving,
    "updating": updating,
    "over": over,
    "replaced": replaced,
    "growing": growing,
    "outgrown": outgrown,
}


def alive(cloud: LocalCloud, foreign: set[str]) -> Counter[str]:
    """How many resources of Personalize, and others, are there beside the foreign ones."""
    found = set(leftovers(cloud)) - foreign
    return Counter("Personalize" if entry.startswith("Personalize ") else "others" for entry in found)


def everything(cloud: LocalCloud) -> dict[str, str]:
    """All there is, with what can be read of it: equal before and after means nothing was left and nothing touched."""
    found = dict.fromkeys(leftovers(cloud), "")
    personalize = cloud.client("personalize")
    for entry in found:
        kind, _, name = entry.rpartition(" ")
        if kind.startswith("Personalize "):
            member = kind.removeprefix("Personalize ")
            operation = "describe_" + "".join(f"_{c.lower()}" if c.isupper() else c for c in member)
            described = getattr(personalize, operation)(**{f"{member}Arn": name})
            found[entry] = str(described[member])
        elif kind == "bucket":
            found[entry] = _bucket(cloud, name)
        elif kind == "role":
            found[entry] = _role(cloud, name)
        elif kind == "stack":
            stack = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
            found[entry] = str((stack["StackId"], stack["StackStatus"], stack.get("LastUpdatedTime")))
    return found


def _bucket(cloud: LocalCloud, name: str) -> str:
    s3 = cloud.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=name)
    objects = sorted((row["Key"], row["ETag"]) for page in pages for row in page.get("Contents", []))
    return str((objects, s3.get_bucket_policy(Bucket=name)["Policy"]))


def _role(cloud: LocalCloud, name: str) -> str:
    iam = cloud.client("iam")
    policies = [iam.get_role_policy(RoleName=name, PolicyName=p) for p in _inline(iam, name)]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    return str((trust, [policy["PolicyDocument"] for policy in policies], attached))


def _inline(iam: Any, name: str) -> list[str]:
    return list(iam.list_role_policies(RoleName=name)["PolicyNames"])
