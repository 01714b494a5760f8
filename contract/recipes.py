"""The recipe table: one row per Amazon Personalize recipe that the project knows.

A row says what a recipe answers, which datasets it reads, which hyperparameters it takes (names, defaults and ranges
as in the Amazon Personalize developer guide), whether AWS has retired it and what takes its place there.
"""

from __future__ import annotations

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
        if not (value >= (self.low if self.low is not None else value)) or not (
            value <= (self.high if self.high is not None else value)
        ):
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
    feature_transformation: str
    required: tuple[DatasetKind, ...] = (DatasetKind.INTERACTIONS,)
    optional: tuple[DatasetKind, ...] = ()
    hyperparameters: tuple[Parameter, ...] = ()
    """`solutionConfig.algorithmHyperParameters`."""
    featurization: tuple[Parameter, ...] = ()
    """`solutionConfig.featureTransformationParameters`."""
    real_time: bool
    """Whether PutEvents changes a known user's recommendations without retraining."""
    uses_metadata: bool
    retired: bool = False
    """Whether CreateSolution refuses it on AWS. The engine trains it all the same."""
    successor: str | None = None
    """The recipe that the pipeline trains in its place on AWS."""
    exploration_weight: str | None = None
    """`explorationWeight` of the successor's campaign, when this recipe is served by it."""

    @property
    def arn(self) -> str:
        return f"arn:aws:personalize:::recipe/{self.name}"

    def parameter(self, name: str) -> Parameter | None:
        """The hyperparameter or featurization parameter of that name."""
        return next((p for p in (*self.hyperparameters, *self.featurization) if p.name == name), None)


_HISTORY_PERCENTILES = (
    Parameter(name="min_user_history_length_percentile", kind="continuous", default="0.0", low=0, high=1),
    Parameter(name="max_user_history_length_percentile", kind="continuous", default="0.99", low=0, high=1),
)


def _recurrent(hidden_dimension: int) -> tuple[Parameter, ...]:
    return (
        Parameter(
            name="hidden_dimension", kind="integer", default=str(hidden_dimension), low=32, high=256, tunable=True
        ),
        Parameter(name="bptt", kind="integer", default="32", low=2, high=32, tunable=True),
        Parameter(name="recency_mask", kind="categorical", default="True", values=("True", "False"), tunable=True),
    )


_METADATA = (DatasetKind.USERS, DatasetKind.ITEMS)

_ROWS = (
    Recipe(
        name="aws-hrnn",
        word="hrnn",
        purpose="next items for a user from the order of their interactions",
        type=RecipeType.USER_PERSONALIZATION,
        question=Question.USER,
        algorithm="aws-hrnn",
        feature_transformation="JSON-percentile-filtering",
        hyperparameters=_recurrent(43),
        featurization=_HISTORY_PERCENTILES,
        real_time=True,
        uses_metadata=False,
        retired=True,
        successor="aws-user-personalization",
        exploration_weight="0",
    ),
    Recipe(
        name="aws-hrnn-metadata",
        word="hrnn-metadata",
        purpose="as aws-hrnn, with what is known of items, users and the moment",
        type=RecipeType.USER_PERSONALIZATION,
        question=Question.USER,
        algorithm="aws-hrnn-metadata",
        feature_transformation="featurize_metadata",
        optional=_METADATA,
        hyperparameters=_recurrent(43),
        featurization=_HISTORY_PERCENTILES,
        real_time=True,
        uses_metadata=True,
        retired=True,
        successor="aws-user-personalization",
        exploration_weight="0",
    ),
    Recipe(
        name="aws-hrnn-coldstart",
        word="hrnn-coldstart",
        purpose="new items for a user, from what the items are like",
        type=RecipeType.USER_PERSONALIZATION,
        question=Question.COLD_ITEMS,
        algorithm="aws-hrnn-coldstart",
        feature_transformation="featurize_coldstart",
        required=(DatasetKind.INTERACTIONS, DatasetKind.ITEMS),
        optional=(DatasetKind.USERS,),
        hyperparameters=_recurrent(149),
        featurization=(
            Parameter(name="cold_start_max_interactions", kind="integer", default="15", low=1),
            Parameter(name="cold_start_max_duration", kind="continuous", default="5.0", low=0),
            Parameter(
                name="cold_start_relative_from",
                kind="categorical",
                default="latestItem",
                values=("currentTime", "latestItem"),
            ),
            *_HISTORY_PERCENTILES,
        ),
        real_time=True,
        uses_metadata=True,
        retired=True,
        successor="aws-user-personalization",
        exploration_weight="1",
    ),
    Recipe(
        name="aws-user-personalization",
        word="user-personalization",
        purpose="next items for a user, with exploration of new items",
        type=RecipeType.USER_PERSONALIZATION,
        question=Question.USER,
        algorithm="aws-user-personalization",
        feature_transformation="aws-user-personalization",
        optional=_METADATA,
        hyperparameters=_recurrent(149),
        featurization=_HISTORY_PERCENTILES,
        real_time=True,
        uses_metadata=True,
    ),
    Recipe(
        name="aws-sims",
        word="sims",
        purpose="items that the same users interacted with",
        type=RecipeType.RELATED_ITEMS,
        question=Question.LAST_ITEM,
        algorithm="aws-sims",
        feature_transformation="sims",
        hyperparameters=(
            Parameter(name="popularity_discount_factor", kind="continuous", default="0.5", low=0, high=1, tunable=True),
            Parameter(name="min_cointeraction_count", kind="integer", default="3", low=0, high=10, tunable=True),
        ),
        featurization=(
            Parameter(name="min_user_history_length_percentile", kind="continuous", default="0.005", low=0, high=1),
            Parameter(name="max_user_history_length_percentile", kind="continuous", default="0.995", low=0, high=1),
            Parameter(name="min_item_interaction_count_percentile", kind="continuous", default="0.01", low=0, high=1),
            Parameter(name="max_item_interaction_count_percentile", kind="continuous", default="0.9", low=0, high=1),
        ),
        real_time=False,
        uses_metadata=False,
    ),
    Recipe(
        name="aws-popularity-count",
        word="popularity-count",
        purpose="the items that most users interacted with: the baseline",
        type=RecipeType.USER_PERSONALIZATION,
        question=Question.USER,
        algorithm="aws-popularity-count",
        feature_transformation="sims",
        real_time=False,
        uses_metadata=False,
    ),
)

RECIPES: dict[str, Recipe] = {row.name: row for row in _ROWS}
"""The table, by name."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """What is trained for a requested recipe, and how its campaign is configured.

    Two requested recipes with equal `trained` and `exclude_metadata` share one solution version.
    """

    requested: str
    trained: str
    exclude_metadata: bool
    """Whether the metadata columns are excluded from the training (aws-hrnn's successor learns from ids alone)."""
    exploration_weight: str | None
    carries_hyperparameters: bool
    """An unknown hyperparameter is refused by the service, so HRNN's are not carried over to a successor."""


def resolve(requested: str, *, on_aws: bool) -> Training:
    """The training behind a recipe's name. On AWS a retired recipe is trained as its successor; KeyError if unknown."""
    row = RECIPES[requested]
    if not (on_aws and row.retired and row.successor):
        return Training(
            requested=requested,
            trained=requested,
            exclude_metadata=False,
            exploration_weight=None,
            carries_hyperparameters=True,
        )
    return Training(
        requested=requested,
        trained=row.successor,
        exclude_metadata=not row.uses_metadata,
        exploration_weight=row.exploration_weight,
        carries_hyperparameters=False,
    )
