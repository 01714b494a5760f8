"""What the page asks of the service: which campaigns there are, what they recommend, and what an event changes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from contract.fields import REQUIRED, RESERVED
from contract.recipes import RECIPES, DatasetKind, Recipe, RecipeType

SHOWN = 15
"""Items of a list."""
PATIENCE = 30.0
"""Seconds until a filter or a campaign must be there."""
_PREFIX = "look-"
"""Of the filters and campaigns that the page makes."""


class LookError(Exception):
    """What the service refused, in its words."""


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """One column of the page."""

    arn: str
    name: str
    recipe: Recipe

    @property
    def wants_item(self) -> bool:
        """Whether it is asked about an item instead of a user."""
        return self.recipe.type is RecipeType.RELATED_ITEMS


@dataclass(frozen=True, kw_only=True)
class Recommended:
    """One place of a list."""

    item: str
    score: float | None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the caller wants to know."""

    user: str = ""
    item: str = ""
    context: Mapping[str, str] | None = None
    filter_expression: str = ""


class Service:
    """The campaigns of one dataset group."""

    def __init__(self, *, personalize: Any, runtime: Any, events: Any, group_arn: str) -> None:
        self.personalize, self.runtime, self.events, self.group_arn = personalize, runtime, events, group_arn

    def campaigns(self) -> list[Campaign]:
        """Of the group's solutions that can be asked for a list, by recipe in the order of the recipe table."""
        found = []
        for solution in self._pages("list_solutions", "solutions", datasetGroupArn=self.group_arn):
            recipe = RECIPES.get(str(solution.get("recipeArn", "")).rpartition("/")[2])
            if recipe is None or recipe.type is RecipeType.PERSONALIZED_RANKING:
                continue
            for row in self._pages("list_campaigns", "campaigns", solutionArn=solution["solutionArn"]):
                if row["status"] == "ACTIVE":
                    found.append(Campaign(arn=row["campaignArn"], name=row["name"], recipe=recipe))
        order = list(RECIPES)
        return sorted(found, key=lambda campaign: (order.index(campaign.recipe.name), campaign.name))

    def make_campaigns(self) -> None:
        """A campaign for the newest ACTIVE version of every solution that has none: where a run has deleted its own."""
        made = []
        for number, solution in enumerate(self._pages("list_solutions", "solutions", datasetGroupArn=self.group_arn)):
            arn = solution["solutionArn"]
            versions = self._pages("list_solution_versions", "solutionVersions", solutionArn=arn)
            active = [row["solutionVersionArn"] for row in versions if row["status"] == "ACTIVE"]
            if active and not self._pages("list_campaigns", "campaigns", solutionArn=arn):
                request = {"name": f"{_PREFIX}{number}", "solutionVersionArn": active[-1], "minProvisionedTPS": 1}
                made.append(self.personalize.create_campaign(**request)["campaignArn"])
        for arn in made:
            self._until_active("describe_campaign", "campaign", campaignArn=arn)

    @cached_property
    def context_fields(self) -> tuple[str, ...]:
        """Metadata columns of the interactions, which a request may tell."""
        for dataset in self._pages("list_datasets", "datasets", datasetGroupArn=self.group_arn):
            if dataset["datasetType"].upper() == DatasetKind.INTERACTIONS.value.upper():
                about = self.personalize.describe_dataset(datasetArn=dataset["datasetArn"])["dataset"]
                schema = self.personalize.describe_schema(schemaArn=about["schemaArn"])["schema"]["schema"]
                names = [field["name"] for field in json.loads(schema)["fields"]]
                own = {*REQUIRED[DatasetKind.INTERACTIONS], *RESERVED[DatasetKind.INTERACTIONS]}
                return tuple(name for name in names if name not in own)
        return ()

    @cached_property
    def tracking_id(self) -> str:
        """Of the group's event tracker; one is made if there is none."""
        for tracker in self._pages("list_event_trackers", "eventTrackers", datasetGroupArn=self.group_arn):
            about = self.personalize.describe_event_tracker(eventTrackerArn=tracker["eventTrackerArn"])
            return str(about["eventTracker"]["trackingId"])
        made = self.personalize.create_event_tracker(name=f"{_PREFIX}events", datasetGroupArn=self.group_arn)
        self._until_active("describe_event_tracker", "eventTracker", eventTrackerArn=made["eventTrackerArn"])
        return str(made["trackingId"])

    def recommend(self, campaign: Campaign, asked: Asked) -> list[Recommended]:
        """The campaign's answer; LookError with the service's message if it refuses."""
        request: dict[str, Any] = {"campaignArn": campaign.arn, "numResults": SHOWN}
        if campaign.wants_item:
            request["itemId"] = asked.item
        elif asked.user:
            request["userId"] = asked.user
        if campaign.recipe.uses_metadata and asked.context and not campaign.wants_item:
            request["context"] = dict(asked.context)
        try:
            if asked.filter_expression:
                request["filterArn"] = self._filter(asked.filter_expression)
            answer = self.runtime.get_recommendations(**request)
        except ClientError as error:
            raise LookError(error.response["Error"]["Message"]) from error
        return [Recommended(item=row["itemId"], score=row.get("score")) for row in answer["itemList"]]

    def send(self, user: str, item: str, *, event_type: str, context: Mapping[str, str]) -> None:
        """An event of now; LookError if it is refused."""
        event: dict[str, Any] = {"eventType": event_type, "itemId": item, "sentAt": time.time()}
        if context:
            event["properties"] = json.dumps({_camel(name): value for name, value in context.items()})
        try:
            self.events.put_events(
                trackingId=self.tracking_id, userId=user, sessionId=f"{_PREFIX}{user}"[:256], eventList=[event]
            )
        except ClientError as error:
            raise LookError(error.response["Error"]["Message"]) from error

    def _filter(self, expression: str) -> str:
        """The ARN of a filter with that expression. The page's own one makes room: a group may have ten."""
        rows = self._pages("list_filters", "Filters", datasetGroupArn=self.group_arn)
        name = f"{_PREFIX}{hashlib.sha256(expression.encode()).hexdigest()[:12]}"
        for row in rows:
            if row["name"] == name and row["status"] == "ACTIVE":
                return str(row["filterArn"])
        for row in rows:
            if row["name"].startswith(_PREFIX):
                self.personalize.delete_filter(filterArn=row["filterArn"])
        made = self.personalize.create_filter(name=name, datasetGroupArn=self.group_arn, filterExpression=expression)[
            "filterArn"
        ]
        self._until_active("describe_filter", "filter", filterArn=made)
        return str(made)

    def _until_active(self, operation: str, member: str, **request: str) -> None:
        limit = time.monotonic() + PATIENCE
        while True:
            found = getattr(self.personalize, operation)(**request)[member]
            if found["status"] == "ACTIVE":
                return
            if found["status"].endswith("FAILED") or time.monotonic() > limit:
                raise LookError(found.get("failureReason") or f"{found.get('name')} is {found['status']}")
            time.sleep(0.05)

    def _pages(self, operation: str, member: str, **request: str) -> Sequence[dict[str, Any]]:
        pages = self.personalize.get_paginator(operation).paginate(**request)
        return [row for page in pages for row in page[member]]


def _camel(column: str) -> str:
    first, *rest = column.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)
