"""The recipe table: one row per Amazon Personalize recipe that the project knows.

A row says what a recipe answers, which datasets it reads, which hyperparameters it takes, how its answers come about,
whether AWS has retired it and what takes its place there. What differs by recipe is a column of
`contract.recipe.Recipe`, for everybody to read: no other code names recipes.

Sources, all in the Amazon Personalize developer guide (https://docs.aws.amazon.com/personalize/latest/dg/): each
recipe's own page (native-recipe-hrnn, -hrnn-metadata, -hrnn-coldstart, -new-item-USER_PERSONALIZATION,
-user-personalization-v2, -search, -personalized-ranking-v2, -sims, -similar-items, -popularity, -trending-now) for
ARNs, hyperparameters, defaults, ranges and datasets; getting-real-time-recommendations and rankings for scores;
API_CampaignConfig for exploration; API_CreateSolutionVersion for UPDATE; optimizing-solution-events-config for the
weights of event types. Where the guide calls the setting of Trending-Now `Trend discovery frequency`, its code sends
trend_discovery_frequency.
"""

from __future__ import annotations

from dataclasses import dataclass

from contract.recipe import ColdItems, DatasetKind, Parameter, Question, Recipe, RecipeType

__all__ = [
    "RECIPES",
    "ColdItems",
    "DatasetKind",
    "Parameter",
    "Question",
    "Recipe",
    "RecipeType",
    "Training",
    "resolve",
]


def _share(name: str, default: str, *, tunable: bool = False) -> Parameter:
    return Parameter(name=name, kind="continuous", default=default, low=0, high=1, tunable=tunable)


def _history_percentiles(low: str = "0.0", high: str = "0.99") -> tuple[Parameter, ...]:
    return (_share("min_user_history_length_percentile", low), _share("max_user_history_length_percentile", high))


def _recurrent(hidden_dimension: int) -> tuple[Parameter, ...]:
    return (
        Parameter(
            name="hidden_dimension", kind="integer", default=str(hidden_dimension), low=32, high=256, tunable=True
        ),
        Parameter(name="bptt", kind="integer", default="32", low=2, high=32, tunable=True),
        Parameter(name="recency_mask", kind="categorical", default="True", values=("True", "False"), tunable=True),
    )


def _dimension(name: str) -> Parameter:
    return Parameter(name=name, kind="integer", default="100", low=30, high=200, tunable=True, only_tuned=True)


_RECENCY_BIAS = (Parameter(name="apply_recency_bias", kind="categorical", default="true", values=("true", "false")),)
_EXPLORATION = (
    _share("explorationWeight", "0.3"),
    Parameter(name="explorationItemAgeCutOff", kind="continuous", default="30.0", low=0),
)
_OPTIONAL = (DatasetKind.USERS, DatasetKind.ITEMS)
_ALL = (DatasetKind.INTERACTIONS, DatasetKind.USERS, DatasetKind.ITEMS)

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
        featurization=_history_percentiles(),
        real_time=True,
        scored=True,
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
        optional=_OPTIONAL,
        metadata=_ALL,
        hyperparameters=_recurrent(43),
        featurization=_history_percentiles(),
        real_time=True,
        scored=True,
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
        metadata=_ALL,
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
            *_history_percentiles(),
        ),
        real_time=True,
        updates=True,
        scored=True,
        cold_items="only",
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
        optional=_OPTIONAL,
        metadata=_ALL,
        hyperparameters=_recurrent(149),
        featurization=_history_percentiles(),
        exploration=_EXPLORATION,
        real_time=True,
        updates=True,
        scored=True,
        cold_items="also",
    ),
    Recipe(
        name="aws-user-personalization-v2",
        word="personalization-v2",
        purpose="next items for a user, from all that is known, without settings for exploration",
        type=RecipeType.USER_PERSONALIZATION,
        question=Question.USER,
        algorithm="aws-user-personalization-v2",
        optional=_OPTIONAL,
        metadata=_ALL,
        hyperparameters=_RECENCY_BIAS,
        real_time=True,
        scored=True,
        offers_metadata=True,
        weighs_events=True,
        billed_by="interactions",
    ),
    Recipe(
        name="aws-personalized-ranking",
        word="ranking",
        purpose="a given list of items in the order of a user's interest",
        type=RecipeType.PERSONALIZED_RANKING,
        question=Question.RANK_POPULAR,
        algorithm="aws-personalized-ranking",
        feature_transformation="JSON-percentile-filtering",
        optional=_OPTIONAL,
        metadata=_ALL,
        hyperparameters=_recurrent(149),
        featurization=_history_percentiles(),
        real_time=True,
        scored=True,
    ),
    Recipe(
        name="aws-personalized-ranking-v2",
        word="ranking-v2",
        purpose="as aws-personalized-ranking, with its size chosen for you",
        type=RecipeType.PERSONALIZED_RANKING,
        question=Question.RANK_POPULAR,
        algorithm="aws-personalized-ranking-v2",
        optional=_OPTIONAL,
        metadata=_ALL,
        hyperparameters=_RECENCY_BIAS,
        real_time=True,
        scored=True,
        offers_metadata=True,
        weighs_events=True,
        billed_by="interactions",
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
            _share("popularity_discount_factor", "0.5", tunable=True),
            Parameter(name="min_cointeraction_count", kind="integer", default="3", low=0, high=10, tunable=True),
        ),
        featurization=(
            *_history_percentiles("0.005", "0.995"),
            _share("min_item_interaction_count_percentile", "0.01"),
            _share("max_item_interaction_count_percentile", "0.9"),
        ),
        real_time=False,
        scored=False,
    ),
    Recipe(
        name="aws-similar-items",
        word="similar-items",
        purpose="items that go together, and items that are alike",
        type=RecipeType.RELATED_ITEMS,
        question=Question.LAST_ITEM,
        algorithm="aws-similar-items",
        optional=(DatasetKind.ITEMS,),
        metadata=(DatasetKind.ITEMS,),
        hyperparameters=(
            _share("popularity_discount_factor", "0.0"),
            _dimension("item_id_hidden_dim"),
            _dimension("item_metadata_hidden_dim"),
        ),
        real_time=False,
        scored=False,
        cold_items="also",
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
        scored=False,
    ),
    Recipe(
        name="aws-trending-now",
        word="trending-now",
        purpose="the items whose interactions increase fastest now",
        type=RecipeType.POPULAR_ITEMS,
        question=Question.USER,
        algorithm="aws-trending-now-custom",
        featurization=(
            Parameter(
                name="trend_discovery_frequency",
                kind="categorical",
                default="2 hours",
                values=("30 minutes", "1 hour", "2 hours", "3 hours", "1 day"),
            ),
        ),
        real_time=False,
        trends=True,
        scored=False,
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
