"""report.json as types: what other programs read. Version 1.

`Report.to_json` and `Report.from_json` are inverse; reading refuses an unknown version.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from contract.cold_start import ColdStart

SCHEMA = 1

View = Literal["returned", "reranked", "unseen"]
VIEWS: tuple[View, ...] = ("returned", "reranked", "unseen")
CUTOFFS = (5, 10, 25)
RANK_METRICS: tuple[str, ...] = (
    "mean_reciprocal_rank_at_25",
    *(f"normalized_discounted_cumulative_gain_at_{k}" for k in CUTOFFS),
    *(f"precision_at_{k}" for k in CUTOFFS),
    *(f"recall_at_{k}" for k in CUTOFFS),
    *(f"hit_rate_at_{k}" for k in CUTOFFS),
)
"""Metrics that have one value per user (`coverage` has one per recipe). Service names where the service has them."""
METRICS: tuple[str, ...] = (*RANK_METRICS, "coverage")
SERVICE_METRICS: tuple[str, ...] = tuple(name for name in METRICS if not name.startswith(("recall", "hit_rate")))
"""What GetSolutionMetrics reports of a recipe that recommends items."""
JUDGE_METRIC = "normalized_discounted_cumulative_gain_at_10"
"""What `best` is decided by."""
REPEATS_DECIDE = 0.05
"""If more than this share of the held-out rows repeats the user's past, `returned` decides, else `unseen`."""

Values = dict[str, dict[str, float]]
"""{view: {metric: value}}"""
Intervals = dict[str, dict[str, list[float]]]
"""{view: {metric: [low, high]}}, 95 %"""
Status = Literal["succeeded", "failed", "skipped"]


def shuffled(recipe: str, field_name: str) -> str:
    """The subject of what the recipe answers when this field of its contexts is another request's."""
    return f"{recipe}, {field_name} shuffled"


def variant(recipe: str, *, left_out: str | None, training: int) -> str:
    """The subject of a training for comparison: without a field, or once more; the recipe's own is its name."""
    without = f" without {left_out}" if left_out else ""
    return f"{recipe}{without}" + (f", training {training}" if training > 1 else "")


def served(recipe: str) -> str:
    """The subject of what the campaign answers that applications use, before this run's version may replace its."""
    return f"{recipe} as served"


def without_context(recipe: str) -> str:
    """The subject of what the recipe answers when it is not told the context."""
    return f"{recipe} without context"


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """In mode serve: what became of the campaign that applications use."""

    decision: Literal["first", "unchanged", "replaced", "kept"]
    """first: nothing was served before; unchanged: this very version was; kept: what was served is better."""
    view: View | None = None
    """Of the difference; None: nothing was weighed, as the next four."""
    difference: float | None = None
    """JUDGE_METRIC of this run's version minus that of the one served until then, asked about the same users."""
    low: float | None = None
    high: float | None = None
    """95 %, paired"""
    served: float | None = None
    """JUDGE_METRIC of what was served."""
    served_version_arn: str | None = None
    """What was served until then."""


@dataclass(kw_only=True)
class Band:
    """Users or held-out items that are alike, and how much of what they wanted was among the first 25."""

    name: str
    size: int
    """Users, or held-out (user, item) pairs."""
    recall: float
    of: list[int] = field(default_factory=list)
    """For users: the fewest and the most interactions of their past."""


@dataclass(kw_only=True)
class RecipeResult:
    """One requested recipe: what was trained for it and how it did."""

    recipe_requested: str
    recipe_trained: str
    approximation: bool
    """True: the engine's local model, not Amazon Personalize, was trained."""
    question: str
    """What was asked (contract.recipes.Question)."""
    status: Status
    failure_reason: str | None = None
    solution_version_arn: str | None = None
    training_seconds: float | None = None
    tuned_hyperparameters: dict[str, str] = field(default_factory=dict)
    """What hyperparameter optimisation found best; empty if none was performed."""
    promotion: Promotion | None = None
    """In mode serve."""
    evaluated_users: int = 0
    short_lists: int = 0
    """Users for whom fewer than 25 unseen items came back."""
    metrics: Values = field(default_factory=dict)
    confidence: Intervals = field(default_factory=dict)
    metrics_without_context: Values = field(default_factory=dict)
    """Where the recipe was asked in a context: its answers without it, judged on the same rows."""
    service_metrics: dict[str, float] = field(default_factory=dict)
    recall_by_activity: list[Band] = field(default_factory=list)
    """In the view that decides, as is `recall_by_popularity`."""
    recall_by_popularity: list[Band] = field(default_factory=list)
    per_user: list[float] = field(default_factory=list)
    """JUDGE_METRIC of each user in the view that decides, so that two runs can be compared in pairs."""
    users_digest: str = ""
    """Of the users behind `per_user` and their order: with equal digests and data, equal places are one user."""


@dataclass(kw_only=True)
class BaselineResult:
    """A ranking made from the past alone."""

    metrics: Values
    confidence: Intervals = field(default_factory=dict)
    recall_by_activity: list[Band] = field(default_factory=list)
    recall_by_popularity: list[Band] = field(default_factory=list)
    per_user: list[float] = field(default_factory=list)
    users_digest: str = ""


@dataclass(kw_only=True)
class Comparison:
    """Paired difference a - b of one metric in the view that decides, with its 95 % interval over users."""

    a: str
    b: str
    metric: str
    difference: float
    low: float
    high: float


@dataclass(kw_only=True)
class Importance:
    """What one metadata field brings a recipe: the paired difference (with it - without it) of a metric over users."""

    recipe: str
    field: str
    """`Items.GENRES`"""
    how: Literal["shuffled", "left out"]
    """Shuffled: each request was told another request's value. Left out: trained and asked without the field."""
    metric: str
    trainings: int
    """With the field and without it, each; a user's value is their mean."""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    """95 %"""
    failure_reason: str | None = None
    """Why there is no figure."""


@dataclass(kw_only=True)
class CostLine:
    """One billable quantity (costs.meters): as it was estimated before the run, and as it came to be."""

    meter: str
    words: str
    unit: str
    estimated: list[float]
    """[low, high]"""
    actual: list[float] | None = None
    """[low, high], equal where it is known exactly; None: not measured."""
    estimated_dollars: list[float] | None = None
    """None: it has no price of its own."""
    actual_dollars: list[float] | None = None


@dataclass(kw_only=True)
class Costs:
    """What the run cost. Of a local run, what its quantities would cost on AWS: nothing was billed."""

    region: str
    """Whose prices these are."""
    lines: list[CostLine]
    assumptions: list[str]
    """Behind the estimate."""
    estimated_dollars: list[float]
    """[low, high], of all lines"""
    actual_dollars: list[float]
    """[low, high], of the lines that were measured"""
    notes: list[str] = field(default_factory=list)
    """On what was measured."""
    max_cost: float | None = None


@dataclass(kw_only=True)
class Example:
    """One user of the evaluation: what they did, what each recipe recommended, what they did next. Item ids."""

    user: str
    past: list[str]
    """The newest ones, oldest first."""
    future: list[str]
    """The held-out ones, oldest first."""
    answers: list[dict[str, Any]]
    """{"recipe", "context", "items"}, best first."""


@dataclass(kw_only=True)
class Report:
    """The whole of report.json."""

    experiment: str
    run_id: str
    backend: Literal["aws", "local"]
    started_at: str
    """ISO 8601, UTC."""
    finished_at: str
    data: dict[str, Any]
    """The manifest's counts, and what was dropped and why (data_prep.publish)."""
    hold_out: dict[str, Any]
    evaluated_users: int
    judged_by: View
    recipes: dict[str, RecipeResult]
    baselines: dict[str, BaselineResult]
    comparisons: list[Comparison]
    best: str | None
    events: dict[str, Any] | None = None
    costs: Costs | None = None
    cold_start: ColdStart | None = None
    """Where a recipe was asked for cold items."""
    importance: list[Importance] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    """What the source calls the items of `examples` and `events`."""
    description: str = ""
    """The question that the experiment asks, in its author's words."""
    schema: int = SCHEMA

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, `schema` first."""
        made = asdict(self)
        return {"schema": made.pop("schema"), **made}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Report:
        """The inverse of `to_json`; ValueError for another version."""
        if value.get("schema") != SCHEMA:
            raise ValueError(f"report.json has schema {value.get('schema')!r}; this program reads {SCHEMA}")
        rest = dict(value)
        rest["recipes"] = {name: RecipeResult(**_promoted(_with_bands(row))) for name, row in value["recipes"].items()}
        rest["baselines"] = {name: BaselineResult(**_with_bands(row)) for name, row in value["baselines"].items()}
        rest["comparisons"] = [Comparison(**row) for row in value["comparisons"]]
        rest["importance"] = [Importance(**row) for row in value.get("importance", [])]
        if costs := value.get("costs"):
            rest["costs"] = Costs(**costs | {"lines": [CostLine(**line) for line in costs["lines"]]})
        if found := value.get("cold_start"):
            rest["cold_start"] = ColdStart.from_json(found)
        rest["examples"] = [Example(**row) for row in value.get("examples", [])]
        return cls(**rest)


def _with_bands(row: dict[str, Any]) -> dict[str, Any]:
    names = ("recall_by_activity", "recall_by_popularity")
    return row | {name: [Band(**band) for band in row.get(name, [])] for name in names}


def _promoted(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"promotion": Promotion(**row["promotion"]) if row.get("promotion") else None}
