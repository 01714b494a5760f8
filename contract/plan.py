"""What travels between the states of the two machines: small JSON, as dataclasses.

`Settings` is written into the definition at synth. The first task turns it, the input and the manifest of the data
into a `Plan`; the parts of the plan are the inputs of the states behind it. `contract.as_json` writes and reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from contract.results import Promotion

ACTIVE: Final = "ACTIVE"
PENDING: Final = "PENDING"
DONE: Final = "DONE"

MIN_PROVISIONED_TPS: Final = 1
"""Requests per second that a new campaign is billed for at least, asked or not: as few as the service allows."""

Kind = Literal["dataset-import-job", "solution", "solution-version", "campaign"]
Mode = Literal["experiment", "serve"]


@dataclass(frozen=True, kw_only=True)
class RecipeSettings:
    """One recipe of the experiment, as written in its YAML."""

    recipe: str
    hyperparameters: dict[str, str] = field(default_factory=dict)
    featurization: dict[str, str] = field(default_factory=dict)
    exploration: dict[str, str] = field(default_factory=dict)
    """`itemExplorationConfig` of its campaign."""
    hpo: dict[str, Any] | None = None
    """`solutionConfig.hpoConfig`; None: no hyperparameter optimisation."""


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    users: int = 10_000
    """At most so many users are asked (a seeded sample)."""
    seed: int = 0
    resamples: int = 1000
    """Bootstrap resamples."""
    context: list[str] = field(default_factory=list)
    """Columns of the interactions that make up the context in which recipes that read it are asked."""
    ablation: bool = False
    """Whether recipes that learn from metadata are also trained without each field of it."""
    category: str | None = None
    """Column of the items by which new items are popular or not (contract.cold_start); None: there is none."""


@dataclass(frozen=True, kw_only=True)
class EventSettings:
    """The state "Try events"."""

    recipe: str
    tracking_id: str
    """Of the stack's event tracker."""


@dataclass(frozen=True, kw_only=True)
class GrownSchema:
    """A schema with columns that were added to a dataset's first one."""

    name: str
    """contract.naming.grown_schema"""
    text: str
    """As CreateSchema takes it."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that the stack knows when it is synthesized (ARNs may be CloudFormation tokens then)."""

    experiment: str
    prefix: str
    """contract.naming.prefix"""
    bucket: str
    dataset_group_arn: str
    dataset_arns: dict[str, str]
    """{"Interactions": arn, …}: the datasets the experiment has."""
    schema_columns: dict[str, list[str]]
    """{"Interactions": ["USER_ID", …], …} in the schema's order."""
    service_role_arn: str
    """The role that Personalize assumes to read the bucket."""
    recipes: list[RecipeSettings]
    evaluation: EvaluationSettings
    mode: Mode
    events: EventSettings | None = None
    max_cost: float | None = None
    """US dollars; None: no estimate stops a run."""
    grown_schemas: dict[str, GrownSchema] = field(default_factory=dict)
    """{"Items": …}: of the datasets that have columns which were added."""
    description: str = ""
    """The question that the experiment asks, in its author's words; also in `Run` and in the report."""


@dataclass(frozen=True, kw_only=True)
class CheckData:
    """Event of the first task."""

    settings: Settings
    input: Any
    """The execution's input, as given: {} or the optional fields of `Options`."""
    run_id: str
    """The execution's name."""
    started_at: str
    """The execution's start, ISO 8601."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The execution's input: every field may be left out. `Comment` is ignored, anything else is refused."""

    recipes: list[str] | None = None
    """Only these of the experiment's recipes."""
    mode: Mode | None = None
    """Instead of the experiment's."""
    train_afresh: bool = False
    """Train new solution versions even where equal inputs were trained before."""
    users: int | None = None
    """Instead of `evaluation.users`."""
    max_cost: float | None = None
    """Instead of the experiment's: US dollars."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What every later task of a run is told."""

    run_id: str
    started_at: str
    experiment: str
    backend: Literal["aws", "local"]
    bucket: str
    version: str
    """Of the data (contract.layout)."""
    mode: Mode
    evaluation: EvaluationSettings
    events: EventSettings | None = None
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class EstimateCost:
    """Event of `estimate_cost`."""

    run: Run


@dataclass(frozen=True, kw_only=True)
class Estimated:
    """Result of `estimate_cost`, in US dollars."""

    key: str
    """Of the whole estimate, in the bucket."""
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Ensure:
    """Event of `ensure`: make sure that this resource exists; asked again until it is ACTIVE."""

    kind: Kind
    name: str
    """With all that it is made from in its digest (contract.naming)."""
    request: dict[str, Any]
    """Members of the create call besides the name and the parent's ARN."""
    parent: str | None = None
    """ARN of what it is made in: the dataset, the solution, the solution version."""
    since: str
    """Start of the run: a failure older than this is made again, a younger one is reported."""
    afresh: bool = False
    """Only what was created since the start of the run counts as found."""
    run_id: str = ""
    """Of the run that wants it, for log lines and events."""


@dataclass(frozen=True, kw_only=True)
class Ensured:
    """Result of `ensure`. A resource that failed raises `ResourceFailed` instead."""

    arn: str
    status: Literal["ACTIVE", "PENDING"]
    new: bool = False
    """Whether it was made since the start of the run, and not found from an earlier one."""
    seconds: float | None = None
    """For a solution version: how long its training took."""
    hours: float | None = None
    """For a solution version: its trainingHours, which are what is billed."""
    active_from: str | None = None
    """For a campaign that is new: since when the run pays for it, ISO 8601. An older one costs without the run, too."""
    tuned: dict[str, str] = field(default_factory=dict)
    """For a solution version: what hyperparameter optimisation found best, if it was performed."""


@dataclass(frozen=True, kw_only=True)
class AddColumns:
    """Event of `add_columns`: let the dataset have this schema; asked again until it has, with an `Ensured`."""

    dataset_arn: str
    schema: GrownSchema
    since: str
    """Start of the run: an update that failed before it is tried again, one that fails later is reported."""
    run_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Event of `service_metrics`."""

    solution_version_arn: str
    run_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Result of `service_metrics`: what GetSolutionMetrics says."""

    metrics: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One requested recipe to be asked and judged on a training's solution version."""

    recipe: str
    """As requested."""
    subject: str
    """Under which its answers and judgement are kept: the recipe, or one of its variants (contract.results.variant)."""
    question: str
    campaign: Ensure
    """Without its parent: the solution version's ARN comes from the state before."""
    trial: Ensure | None = None
    """In mode serve: where a version is judged before it may replace the one that is served. Without its parent."""
    left_out: str | None = None
    """The field that this variant is trained without: `Items.GENRES`."""
    try_events: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Input of the second machine: train once, judge its recipes."""

    run: Run
    trained: str
    """The recipe that is trained."""
    solution: Ensure
    version: Ensure
    """Without its parent."""
    asks: list[Ask]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Result of the first task."""

    run: Run
    imports: list[Ensure]
    trainings: list[TrainingPlan]
    columns: list[AddColumns] = field(default_factory=list)
    """Before the imports."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Event of `ask`: one slice of the users. Repeated with the result's `next` until it is DONE."""

    run: Run
    recipe: str
    subject: str
    question: str
    campaign_arn: str
    next: int = 0
    requests: int = 0
    """Made for earlier slices."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    status: Literal["PENDING", "DONE"]
    next: int
    """The next user's position, and the next slice's number."""
    users: int
    """How many will have been asked in all."""
    requests: int = 0
    """Recommendations requested until now, earlier slices included."""


@dataclass(frozen=True, kw_only=True)
class Judging:
    """Event of `judge` (a recipe's answers) ."""

    run: Run
    recipe: str
    subject: str
    question: str


@dataclass(frozen=True, kw_only=True)
class Judged:
    key: str
    users: int


@dataclass(frozen=True, kw_only=True)
class JudgeBaselines:
    """Event of `judge_baselines`."""

    run: Run


@dataclass(frozen=True, kw_only=True)
class TryEvents:
    """Event of `try_events`."""

    run: Run
    campaign_arn: str


@dataclass(frozen=True, kw_only=True)
class Tried:
    """Result of `try_events`."""

    key: str
    """Of what was seen, in the bucket."""
    changed: int
    """Probe users whose recommendations changed."""
    probes: int
    requests: int
    """Recommendations requested."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """Event of `release`: delete the campaign; repeated until it is DONE. None: there is none."""

    campaign_arn: str | None
    run_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Released:
    status: Literal["PENDING", "DONE"]


@dataclass(frozen=True, kw_only=True)
class RecipeOutcome:
    """How one requested recipe, or a variant of it, ended."""

    subject: str
    status: Literal["succeeded", "failed"]
    reason: str | None = None
    """The error as the machine caught it: JSON text with `Error` and, nearly always, `Cause` (a time-out has none).
    The Cause of a failed function is JSON text in turn, with `errorType` and `errorMessage`."""
    requests: int = 0
    """Recommendations requested for the evaluation."""
    probing_requests: int = 0
    """Recommendations requested to try events."""
    campaign_from: str | None = None
    campaign_until: str | None = None
    """ISO 8601: between them the run paid for its campaign; None: it never became active."""
    promotion: Promotion | None = None
    """In mode serve."""


@dataclass(frozen=True, kw_only=True)
class TrainingOutcome:
    """Output of the second machine."""

    trained: str
    recipes: list[RecipeOutcome]
    solution_version_arn: str | None = None
    trained_now: bool = False
    """Whether this run trained it, and did not find it."""
    training_seconds: float | None = None
    training_hours: float | None = None
    """As the service bills them."""
    tuned_hyperparameters: dict[str, str] = field(default_factory=dict)
    service_metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Event of `compare`: writes report.json."""

    run: Run
    imported: list[Ensured]
    """One per import of the plan, in its order."""
    trainings: list[TrainingPlan]
    outcomes: list[TrainingOutcome]


@dataclass(frozen=True, kw_only=True)
class Compared:
    report_json: str
    """Key in the bucket."""
    failed: list[str]
    best: str | None
    verdict: str
    """A sentence for people: the notification's text."""


@dataclass(frozen=True, kw_only=True)
class WriteReport:
    """Event of `report`: renders report.html beside report.json."""

    run: Run


@dataclass(frozen=True, kw_only=True)
class Written:
    report_html: str
    """Key in the bucket."""
