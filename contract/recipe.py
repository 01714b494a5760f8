"""What a row of the recipe table holds: words of the Personalize API, hyperparameters, and a recipe's properties."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class RecipeType(StrEnum):
    """`recipeType` of DescribeRecipe."""

    USER_PERSONALIZATION = "USER_PERSONALIZATION"
    POPULAR_ITEMS = "POPULAR_ITEMS"
    RELATED_ITEMS = "RELATED_ITEMS"
    PERSONALIZED_RANKING = "PERSONALIZED_RANKING"


class Question(StrEnum):
    """What the evaluation asks a campaign of a recipe, and what it judges the answer by."""

    USER = "user"
    """The user; judged on the user's held-out items."""
    COLD_ITEMS = "cold-items"
    """The user; judged on those held-out items that have no interaction in the past."""
    LAST_ITEM = "last-item"
    """The last item of the user's past; judged on the user's held-out items."""
    RANK_POPULAR = "rank-popular"
    """The user and the 100 most popular items of the past, to be put in order."""


class DatasetKind(StrEnum):
    """Dataset types, spelled as in the `datasetType` of the Personalize API."""

    INTERACTIONS = "Interactions"
    USERS = "Users"
    ITEMS = "Items"


ColdItems = Literal["never", "also", "only"]
"""Whether a recipe recommends items that nobody has interacted with: not at all, among others, or before all others."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One hyperparameter. It travels as a string; `parse` gives its typed value or says what is wrong."""

    name: str
    kind: Literal["integer", "continuous", "categorical"]
    default: str
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    tunable: bool = False
    """Whether hyperparameter optimisation may choose it."""
    only_tuned: bool = False
    """Whether it takes effect through hyperparameter optimisation alone: a solution cannot set it."""

    def allowed(self) -> str:
        """The allowed values in words, for error messages and documentation."""
        if self.values:
            return "one of " + ", ".join(self.values)
        low = "-inf" if self.low is None else f"{self.low:g}"
        high = "inf" if self.high is None else f"{self.high:g}"
        return f"{'an integer' if self.kind == 'integer' else 'a number'} in [{low}, {high}]"

    def parse(self, text: str) -> int | float | str:
        """Typed value of `text`; ValueError names the parameter and what it allows."""
        problem = ValueError(f"{self.name}={text!r} is not allowed: it must be {self.allowed()}")
        if self.kind == "categorical":
            found = [value for value in self.values if value.casefold() == text.casefold()]
            if not found:
                raise problem
            return found[0]
        try:
            value = int(text) if self.kind == "integer" else float(text)
        except ValueError:
            raise problem from None
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if not low <= value <= high or (isinstance(value, float) and math.isinf(value)):
            raise problem
        return value


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A row of the table."""

    name: str
    """As in the ARN, e.g. `aws-hrnn`."""
    word: str
    """Short fixed word in the names of what is made for it (the kind's part of a name has at most 22 characters)."""
    purpose: str
    """What it is for, in a few words: reports and documentation print it."""
    type: RecipeType
    question: Question
    algorithm: str
    """Last part of the algorithm's ARN."""
    feature_transformation: str | None = None
    """Last part of the feature transformation's ARN; None where the developer guide names none."""
    required: tuple[DatasetKind, ...] = (DatasetKind.INTERACTIONS,)
    optional: tuple[DatasetKind, ...] = ()
    metadata: tuple[DatasetKind, ...] = ()
    """Datasets whose metadata columns it learns from; of the interactions' columns, a request's context is made."""
    hyperparameters: tuple[Parameter, ...] = ()
    """`solutionConfig.algorithmHyperParameters`."""
    featurization: tuple[Parameter, ...] = ()
    """`solutionConfig.featureTransformationParameters`."""
    exploration: tuple[Parameter, ...] = ()
    """`campaignConfig.itemExplorationConfig`; empty for a recipe whose campaigns do not take one."""
    real_time: bool
    """Whether PutEvents changes a known user's recommendations without retraining."""
    trends: bool = False
    """Whether everybody's newest events change the answers to all, without retraining."""
    updates: bool = False
    """Whether a solution version can be made with trainingMode UPDATE: new items, without retraining."""
    scored: bool
    """Whether the answers have scores."""
    cold_items: ColdItems = "never"
    offers_metadata: bool = False
    """Whether its campaigns return item metadata on request without `enableMetadataWithRecommendations`."""
    weighs_events: bool = False
    """Whether `solutionConfig.eventsConfig` (weights of event types) can be given."""
    billed_by: Literal["hours", "interactions"] = "hours"
    """What its trainings are billed by, and with it which price its recommendations have: those of the v2 recipes have
    prices of their own (https://aws.amazon.com/personalize/pricing/)."""
    retired: bool = False
    """Whether CreateSolution refuses it on AWS. The engine trains it all the same."""
    successor: str | None = None
    """The recipe that the pipeline trains in its place on AWS."""
    exploration_weight: str | None = None
    """`explorationWeight` of the successor's campaign, when this recipe is served by it."""

    @property
    def arn(self) -> str:
        return f"arn:aws:personalize:::recipe/{self.name}"

    @property
    def uses_metadata(self) -> bool:
        """Whether it learns from any metadata column."""
        return bool(self.metadata)

    @property
    def explores(self) -> bool:
        """Whether its campaigns take an `itemExplorationConfig`."""
        return bool(self.exploration)

    def parameter(self, name: str) -> Parameter | None:
        """The hyperparameter or featurization parameter of that name."""
        return next((p for p in (*self.hyperparameters, *self.featurization) if p.name == name), None)
