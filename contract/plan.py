"""What travels between the states of the two machines: small JSON, as dataclasses.

`Settings` is written into the definition at synth. The first task turns it, the input and the manifest of the data
into a `Plan`; the parts of the plan are the inputs of the states behind it. `asdict` gives the JSON; `from_json`
reads it back and refuses unknown or missing members by name.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

T = TypeVar("T")

ACTIVE: Final = "ACTIVE"
PENDING: Final = "PENDING"
DONE: Final = "DONE"

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


@dataclass(frozen=True, kw_only=True)
class EventSettings:
    """The state "Try events"."""

    recipe: str
    tracking_id: str
    """Of the stack's event tracker."""


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


@dataclass(frozen=True, kw_only=True)
class Ensured:
    """Result of `ensure`. A resource that failed raises `ResourceFailed` instead."""

    arn: str
    status: Literal["ACTIVE", "PENDING"]
    seconds: float | None = None
    """For a solution version: how long its training took."""
    tuned: dict[str, str] = field(default_factory=dict)
    """For a solution version: what hyperparameter optimisation found best, if it was performed."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Event of `service_metrics`."""

    solution_version_arn: str


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


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Event of `ask`: one slice of the users. Repeated with the result's `next` until it is DONE."""

    run: Run
    recipe: str
    subject: str
    question: str
    campaign_arn: str
    next: int = 0


@dataclass(frozen=True, kw_only=True)
class Asked:
    status: Literal["PENDING", "DONE"]
    next: int
    """The next user's position, and the next slice's number."""
    users: int
    """How many will have been asked in all."""


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


@dataclass(frozen=True, kw_only=True)
class Release:
    """Event of `release`: delete the campaign; repeated until it is DONE. None: there is none."""

    campaign_arn: str | None


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


@dataclass(frozen=True, kw_only=True)
class TrainingOutcome:
    """Output of the second machine."""

    trained: str
    recipes: list[RecipeOutcome]
    solution_version_arn: str | None = None
    training_seconds: float | None = None
    tuned_hyperparameters: dict[str, str] = field(default_factory=dict)
    service_metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Event of `compare`: writes report.json."""

    run: Run
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


def to_json(value: Any) -> Any:
    """Plain JSON values of a dataclass of this module."""
    return dataclasses.asdict(value)


def from_json(wanted: type[T], value: Any, *, where: str = "event") -> T:
    """`value` as the dataclass `wanted`, nested ones included; ValueError names the member that is wrong."""
    return typing.cast(T, _read(wanted, value, where))


def _read(wanted: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if wanted is Any:
        return value
    if dataclasses.is_dataclass(wanted):
        return _read_dataclass(wanted, value, where)
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{where} is {value!r}; allowed: {', '.join(map(str, arguments))}")
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (inner,) = [a for a in arguments if a is not type(None)]
        return _read(inner, value, where)
    expected = origin or wanted
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise ValueError(f"{where} is {value!r}; expected {expected.__name__}")
    if origin is list:
        return [_read(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict:
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    return value


def _read_dataclass(wanted: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {value!r}; expected an object")
    hints = typing.get_type_hints(wanted)
    fields = {f.name: f for f in dataclasses.fields(wanted)}
    if unknown := sorted(set(value) - set(fields)):
        raise ValueError(f"{where} has the unknown member {unknown[0]!r}; known: {', '.join(fields)}")
    made = {}
    for key, entry in fields.items():
        if key in value:
            made[key] = _read(hints[key], value[key], f"{where}.{key}")
        elif entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where} lacks the member {key!r}")
    return wanted(**made)
