"""The experiment as a type: what a YAML file in this folder may say.

Frozen pydantic models that refuse unknown fields. `experiments.load` reads a file into an `Experiment` and turns
every finding into file, line, field, problem and hint. Cross-field rules (a recipe's required datasets, reserved
columns, quotas) are validators here, so that nothing wrong is ever synthesized.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from contract import fields, naming
from contract.holdout import DEFAULT_SHARE, share_from_text
from contract.plan import Mode
from contract.recipes import RECIPES, DatasetKind, Parameter, RecipeType
from contract.tuning import TuningError
from experiments.options import Environment, EnvironmentName, StackOptions
from experiments.parts import Part, unknown, wrong
from experiments.sources import DataFile, Files, Generated, MovieLens, Source
from experiments.tuning import Tuning

__all__ = [
    "AfterTime",
    "ColdItems",
    "Column",
    "DataFile",
    "Evaluation",
    "Events",
    "Experiment",
    "Files",
    "Filter",
    "Generated",
    "GlueJob",
    "HoldOut",
    "LastShare",
    "MovieLens",
    "RecipeChoice",
    "Schemas",
    "Source",
]


class Column(Part):
    """A metadata column of a dataset, as the service's schema declares it (the required columns are implied)."""

    name: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=64)]
    type: Literal["string", "int", "long", "float", "double", "boolean"]
    categorical: bool = False
    textual: bool = False
    nullable: bool = False
    """Declared as a union with null: cells may be empty."""
    added: bool = False
    """Not there when the stack was first deployed. CloudFormation keeps the schema without it, and the next run adds
    the column to the dataset, which keeps its data; a column that is not marked so replaces the dataset group."""


class Schemas(Part):
    """The columns of each dataset besides the required ones. A dataset that is left out does not exist."""

    interactions: tuple[Column, ...] = ()
    users: tuple[Column, ...] | None = None
    items: tuple[Column, ...] | None = None

    def columns(self, kind: DatasetKind) -> tuple[Column, ...] | None:
        """Required columns first, then the declared ones; None if the experiment has no such dataset."""
        declared: tuple[Column, ...] | None = getattr(self, kind.value.lower())
        if declared is None:
            return None
        required = tuple(Column(name=n, type=t) for n, t in fields.REQUIRED[kind].items())
        return required + declared

    @property
    def kinds(self) -> tuple[DatasetKind, ...]:
        return tuple(kind for kind in DatasetKind if self.columns(kind) is not None)

    @property
    def grown(self) -> tuple[DatasetKind, ...]:
        """Those that have columns which were added."""
        return tuple(kind for kind in self.kinds if any(column.added for column in self.columns(kind) or ()))

    @model_validator(mode="after")
    def _within_quotas(self) -> Schemas:
        for kind in self.kinds:
            declared = getattr(self, kind.value.lower())
            names = [column.name for column in self.columns(kind) or ()]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"{kind.value}: the column {name} is declared twice (required ones are implied)")
            metadata = [c for c in declared if c.name not in fields.RESERVED[kind]]
            if len(metadata) > fields.MAX_METADATA[kind]:
                raise ValueError(
                    f"{kind.value}: {len(metadata)} metadata columns; the service allows {fields.MAX_METADATA[kind]}"
                )
            if kind is not DatasetKind.INTERACTIONS and not declared:
                raise ValueError(f"{kind.value}: at least one metadata column is needed; leave the dataset out instead")
            for column in declared:
                reserved = fields.RESERVED[kind].get(column.name)
                if reserved and column.type != reserved:
                    raise ValueError(f"{kind.value}: {column.name} is reserved and must have the type {reserved}")
                if (column.categorical or column.textual) and column.type != "string":
                    raise ValueError(f"{kind.value}: {column.name}: only a string can be categorical or textual")
                if not reserved and column.type == "string" and not (column.categorical or column.textual):
                    raise ValueError(
                        f"{kind.value}: {column.name}: a string column must be categorical: true"
                        + (" or textual: true" if kind is DatasetKind.ITEMS else "")
                    )
                if column.textual and kind is not DatasetKind.ITEMS:
                    raise ValueError(f"{kind.value}: {column.name}: only Items may have a textual column")
        return self

    @model_validator(mode="after")
    def _may_be_added(self) -> Schemas:
        """Amazon Personalize developer guide, "Replacing a dataset's schema to add new columns"."""
        for kind in self.grown:
            declared: tuple[Column, ...] = getattr(self, kind.value.lower())
            place, column = next((number, column) for number, column in enumerate(declared) if column.added)
            if kind is DatasetKind.INTERACTIONS:
                raise wrong(
                    f"{column.name}: Amazon Personalize adds columns to Items and Users only; without `added: true` the"
                    " next deploy makes a new dataset group",
                    at=(kind.value.lower(), place, "added"),
                )
            if all(column.added for column in declared):
                raise wrong(
                    f"{kind.value}: all columns are marked as added; those of the first deploy are not",
                    at=(kind.value.lower(), place, "added"),
                )
            for place, column in enumerate(declared):
                if column.added and not column.nullable:
                    raise wrong(
                        f"{column.name}: a column that is added must be nullable: true, because the rows that are there"
                        " have no value for it",
                        at=(kind.value.lower(), place, "nullable"),
                    )
        return self


MAX_DENOMINATOR = 1_000_000
"""Of a share: integer arithmetic on it stays within 64 bits for any number of rows."""


def _share(value: Any) -> Fraction:
    share = value if isinstance(value, Fraction) else share_from_text(str(value))
    if share.denominator > MAX_DENOMINATOR:
        raise ValueError(f"share {value} has more than six decimal places")
    return share


class LastShare(Part):
    """Per user, the newest ceil(share * n) interactions are the future."""

    kind: Literal["last"] = "last"
    share: Annotated[Fraction, BeforeValidator(_share)] = DEFAULT_SHARE
    """Exact: taken from the text of the file."""


class AfterTime(Part):
    """Everything at or after a moment (Unix seconds) is the future."""

    kind: Literal["after"]
    timestamp: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _in_seconds(self) -> AfterTime:
        if self.timestamp >= fields.MILLISECONDS_FROM:
            raise wrong(f"{self.timestamp} is in milliseconds; write {self.timestamp // 1000}", at=("timestamp",))
        return self


class ColdItems(Part):
    """Every interaction with the cold items is the future: a seeded share of the items, or the newest of them."""

    kind: Literal["cold"]
    items: Literal["random", "newest"] = "random"
    share: Annotated[Fraction, BeforeValidator(_share)] = Fraction(1, 2)
    seed: int = 0


HoldOut = Annotated[LastShare | AfterTime | ColdItems, Field(discriminator="kind")]


def _tuning(value: Any) -> Any:
    return {True: {}, False: None}[value] if isinstance(value, bool) else value


_SETTINGS = ("hyperparameters", "exploration")
"""Members of a recipe choice whose values are kept as text, as the service takes them."""


class RecipeChoice(Part):
    """A recipe to compare. In the YAML its name alone will do."""

    recipe: str
    hyperparameters: dict[str, str] = Field(default_factory=dict)
    """By their documented names; both algorithm and featurization ones."""
    exploration: dict[str, str] = Field(default_factory=dict)
    """`itemExplorationConfig` of the campaign, for a recipe that explores: by the names of the service."""
    hpo: Annotated[Tuning | None, BeforeValidator(_tuning, json_schema_input_type=bool | Tuning | None)] = None
    """Hyperparameter optimisation before the training: `true`, or how. On AWS every training it makes is billed."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """As the YAML may say it: a name, or an object whose parameters may be numbers."""
        made = handler.resolve_ref_schema(handler(core))
        names = {"type": "string", "enum": list(RECIPES)}
        plain = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
        properties = made["properties"]
        properties |= {"recipe": names} | {member: properties[member] | plain for member in _SETTINGS}
        return {"anyOf": [names, made]}

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"recipe": value}
        if not isinstance(value, dict):
            return value
        given = {member: value[member] for member in _SETTINGS if isinstance(value.get(member), dict)}
        return value | {member: {k: str(v) for k, v in settings.items()} for member, settings in given.items()}

    @model_validator(mode="after")
    def _known(self) -> RecipeChoice:
        row = RECIPES.get(self.recipe)
        if row is None:
            raise unknown("recipe", self.recipe, known=RECIPES, at=("recipe",))
        settable = [parameter for parameter in row.hyperparameters if not parameter.only_tuned]
        self._check("hyperparameters", self.hyperparameters, (*settable, *row.featurization))
        if self.exploration and not row.explores:
            raise wrong(f"{self.recipe} takes no settings for exploration", at=("exploration",))
        self._check("exploration", self.exploration, row.exploration)
        if self.hpo is not None:
            try:
                self.hpo.hpo_config(row, self.hyperparameters)
            except TuningError as error:
                raise wrong(error.problem, at=("hpo",)) from None
        return self

    def _check(self, member: str, given: dict[str, str], known: tuple[Parameter, ...]) -> None:
        parameters = {parameter.name: parameter for parameter in known}
        for key, text in given.items():
            if key not in parameters:
                what = "hyperparameter" if member == "hyperparameters" else f"setting for {member}"
                raise unknown(f"{what} of {self.recipe}", key, known=list(parameters), at=(member, key))
            try:
                parameters[key].parse(text)
            except ValueError as error:
                raise wrong(str(error), at=(member, key)) from None


class Evaluation(Part):
    """How recipes are judged on the future."""

    users: Annotated[int, Field(ge=1)] = 10_000
    seed: int = 0
    resamples: Annotated[int, Field(ge=100, le=10_000)] = 1000
    context: tuple[str, ...] | None = None
    """Columns of the interactions that recipes which read a context are told when they are asked; not given: all
    categorical ones. An empty list asks without a context."""
    ablation: bool = False
    """Whether recipes that learn from metadata are also trained without each field, three times each, to tell what the
    field brings. On AWS every training is billed: not done there unless `max_cost` allows it."""
    category: str | None = None
    """Column of the items by which new items are called popular, beside a recipe for cold items; not given: the first
    categorical one."""


class Filter(Part):
    """A filter that the stack declares."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=naming.MAX_KIND - 2)]
    expression: Annotated[str, Field(max_length=2500)]


class Events(Part):
    """Declares an event tracker; with `try_recipe` the run also shows what three events change."""

    try_recipe: str | None = None


class GlueJob(Part):
    """Declares an AWS Glue job that prepares the data on Spark, for data that one machine cannot hold. Nothing starts
    it but you."""

    workers: Annotated[int, Field(ge=2, le=299)] = 10
    """Workers of type G.1X (4 cores, 16 GB), the driver included."""
    minutes: Annotated[int, Field(ge=1, le=2880)] = 240
    """After so many a run is stopped, so that a bill is bounded."""


def _address(value: str) -> str:
    name, _, host = value.partition("@")
    if not name or not host or "@" in host or any(letter.isspace() for letter in value):
        raise ValueError(f"{value!r} is no e-mail address such as name@example.com")
    return value


class Experiment(Part):
    """One experiment: a data source, its schemas, the recipes to compare, the hold-out, what to measure."""

    name: Annotated[str, Field(pattern=rf"^{naming.EXPERIMENT_PATTERN}$", max_length=naming.MAX_EXPERIMENT)]
    description: str = ""
    data: Source
    schemas: Schemas = Schemas()
    holdout: HoldOut = LastShare()
    recipes: Annotated[tuple[RecipeChoice, ...], Field(min_length=1, max_length=10)]
    """As many as a dataset group may have solutions, by default."""
    evaluation: Evaluation = Evaluation()
    events: Events | None = None
    filters: tuple[Filter, ...] = ()
    mode: Mode = "experiment"
    max_cost: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """US dollars that a run may cost at most. A run whose estimate may exceed it stops before anything is billed, in
    the local cloud too, where the estimate is what it would cost on AWS. Without it no estimate stops a run."""
    spark_job: GlueJob | None = None
    notify: Annotated[str, AfterValidator(_address)] | None = None
    """E-mail address that the notification topic sends to."""
    stack: StackOptions = StackOptions()
    """Options of the stack, such as a key of your own, alarms, a schedule (docs/options.md)."""
    environments: dict[EnvironmentName, Environment] = Field(default_factory=dict)
    """What is different in an environment (`-c env=NAME`): options of the stack, `mode`, `max_cost`. An environment
    that is not named here has none."""

    @model_validator(mode="after")
    def _fits_together(self) -> Experiment:
        names = [choice.recipe for choice in self.recipes]
        for name in names:
            if names.count(name) > 1:
                raise wrong(f"{name} is listed twice", at=("recipes", len(names) - 1 - names[::-1].index(name)))
            for needed in RECIPES[name].required:
                if needed not in self.schemas.kinds:
                    raise wrong(
                        f"{name} needs the dataset {needed.value}, which schemas does not have",
                        at=("recipes", names.index(name)),
                    )
        if self.events and self.events.try_recipe:
            at = ("events", "try_recipe")
            if self.events.try_recipe not in names:
                raise unknown("recipe of this experiment", self.events.try_recipe, known=names, at=at)
            row = RECIPES[self.events.try_recipe]
            if not row.real_time or row.type is not RecipeType.USER_PERSONALIZATION:
                raise wrong(f"{row.name} does not change with events; choose a real-time recipe", at=at)
        offered = [column.name for column in self.schemas.interactions]
        for number, name in enumerate(self.evaluation.context or ()):
            if name not in offered:
                raise unknown("column of interactions", name, known=offered, at=("evaluation", "context", number))
        categories = [column.name for column in self.schemas.items or () if column.categorical]
        if self.evaluation.category not in {None, *categories}:
            at = ("evaluation", "category")
            raise unknown("categorical column of items", str(self.evaluation.category), known=categories, at=at)
        for number, declared in enumerate(self.filters):
            if declared.name in [other.name for other in self.filters[:number]]:
                raise wrong(f"the filter {declared.name} is declared twice", at=("filters", number, "name"))
            if new := self._added_in(declared.expression):
                raise wrong(
                    f"{new} is added by a run, and the filter is made before that, with the stack: filter by it with a"
                    " filter that you create after the run",
                    at=("filters", number, "expression"),
                )
        if isinstance(self.data, Files):
            self._maps_its_columns(self.data)
        for name in (naming.DEFAULT_ENVIRONMENT, *self.environments):
            if (options := self.in_environment(name).stack).park_idle and not options.operations:
                where = ("environments", name) if name in self.environments else ("stack",)
                raise wrong("park_idle needs operations: true, which watches the campaigns", at=(*where, "park_idle"))
        return self

    def in_environment(self, name: str) -> Experiment:
        """The experiment as it is deployed there: what the environment says replaces what is said for all."""
        given = self.environments.get(name)
        if given is None:
            return self
        said = {field: getattr(given, field) for field in given.model_fields_set}
        options = {field: value for field, value in said.items() if field in StackOptions.model_fields}
        own = {field: value for field, value in said.items() if field not in options and value is not None}
        return self.model_copy(update={**own, "stack": self.stack.model_copy(update=options)})

    @property
    def context(self) -> tuple[str, ...]:
        """Columns of the interactions in whose values users are asked."""
        if self.evaluation.context is not None:
            return self.evaluation.context
        reserved = fields.RESERVED[DatasetKind.INTERACTIONS]
        return tuple(c.name for c in self.schemas.interactions if c.categorical and c.name not in reserved)

    @property
    def category(self) -> str | None:
        """Column of the items by which new items are called popular."""
        first = next((column.name for column in self.schemas.items or () if column.categorical), None)
        return self.evaluation.category or first

    def _added_in(self, expression: str) -> str | None:
        """The first field of a filter's expression that is a column which was added: `Items.GENRE`."""
        named = re.findall(r"\b(\w+)\.(\w+)\b", expression.upper())
        added = {
            (kind.value.upper(), column.name): f"{kind.value}.{column.name}"
            for kind in self.schemas.grown
            for column in self.schemas.columns(kind) or ()
            if column.added
        }
        aliases = {"CURRENTUSER": "USERS", "CURRENTITEM": "ITEMS"}
        found = (added.get((aliases.get(kind, kind), name)) for kind, name in named)
        return next((name for name in found if name), None)

    def _maps_its_columns(self, data: Files) -> None:
        """Each dataset has a file, and each file's mapping names exactly the columns of its schema."""
        for kind in DatasetKind:
            part, declared = kind.value.lower(), self.schemas.columns(kind)
            file: DataFile | None = getattr(data, part)
            if declared is None:
                if file is not None:
                    raise wrong(f"is read, but schemas does not declare {part}", at=("data", part))
                continue
            if file is None:
                raise wrong(
                    f"data has no file for the dataset {kind.value}: add data.{part}, or remove schemas.{part}",
                    at=("schemas", part),
                )
            names = [column.name for column in declared]
            for name in file.columns:
                if name not in names:
                    raise unknown("column of the schema", name, known=names, at=("data", part, "columns", name))
            for name in names:
                if name not in file.columns:
                    raise wrong(f"no column of the file is given for {name}", at=("data", part, "columns"))
