"""The experiment as a type: what a YAML file in this folder may say.

Frozen pydantic models that refuse unknown fields. `experiments.load` reads a file into an `Experiment` and turns
every finding into file, line, field, problem and hint. Cross-field rules (a recipe's required datasets, reserved
columns, quotas) are validators here, so that nothing wrong is ever synthesized.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from contract import fields, naming
from contract.holdout import DEFAULT_SHARE, share_from_text
from contract.plan import Mode
from contract.recipes import RECIPES, DatasetKind, Parameter, RecipeType
from contract.tuning import TuningError
from experiments.tuning import Tuning


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _unknown(what: str, given: str, *, known: Iterable[str], at: tuple[str | int, ...]) -> PydanticCustomError:
    """An error that tells `experiments.load` what would have been right and where below the model it is."""
    context: dict[str, Any] = {"what": what, "given": given, "known": list(known), "at": at}
    return PydanticCustomError("unknown_name", "unknown {what} '{given}'", context)


def _wrong(message: str, *, at: tuple[str | int, ...]) -> PydanticCustomError:
    """An error about something below the model."""
    return PydanticCustomError("wrong", "{message}", {"message": message, "at": at})


class Column(_Part):
    """A metadata column of a dataset, as the service's schema declares it (the required columns are implied)."""

    name: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=64)]
    type: Literal["string", "int", "long", "float", "double", "boolean"]
    categorical: bool = False
    textual: bool = False
    nullable: bool = False
    """Declared as a union with null: cells may be empty."""


class Schemas(_Part):
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


MAX_GENERATED = 20_000_000
"""Users times items of generated data."""


class Generated(_Part):
    """Generated data with a known structure: sessions, drifting taste, repeats, item metadata, new items."""

    kind: Literal["generated"]
    users: Annotated[int, Field(ge=50, le=1_000_000)] = 600
    items: Annotated[int, Field(ge=50, le=100_000)] = 400
    events_per_user: Annotated[int, Field(ge=5, le=1000)] = 60
    seed: Annotated[int, Field(ge=0)] = 7
    occasions: bool = False
    """Whether visits have an occasion (the column OCCASION) on which it depends what visitors turn to: a context."""

    @model_validator(mode="after")
    def _in_memory(self) -> Generated:
        if self.users * self.items > MAX_GENERATED:
            raise ValueError(f"users times items must be at most {MAX_GENERATED:,}: generated data are made in memory")
        return self


class MovieLens(_Part):
    """A folder in one of the MovieLens layouts (`DATA=` or `path`): ml-100k, ml-1m, latest-small or later."""

    kind: Literal["movielens"]
    path: str | None = None
    min_rating: Annotated[float, Field(ge=0, le=5)] = 0
    """Ratings below this are left out."""


class DataFile(_Part):
    """One file and how its columns map to the dataset's: CSV with a header (also .gz), or .parquet."""

    path: str
    columns: dict[str, str]
    """{column of the schema: column of the file}"""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    timestamp: Annotated[str, Field(pattern=r"^(seconds|milliseconds|iso|.*%.*)$")] = "seconds"
    """How TIMESTAMP and CREATION_TIMESTAMP are written: `seconds`, `milliseconds`, `iso`, or a strptime format with %
    (UTC unless the text has a zone)."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals of a number; with `,` points are taken for thousands."""
    lists: dict[str, Annotated[str, Field(min_length=1, max_length=1)]] = Field(default_factory=dict)
    """{column of the schema: what separates several values in its cells}, where it is not |."""
    title: str | None = None
    """Column of the file with what reports call an item. It is not uploaded to Personalize."""

    @model_validator(mode="after")
    def _names_columns(self) -> DataFile:
        if self.title is not None and fields.ITEM_ID not in self.columns:
            raise _wrong("is given, but no column holds ITEM_ID", at=("title",))
        for name in self.lists:
            if name not in self.columns:
                raise _unknown("column of the schema", name, known=self.columns, at=("lists", name))
        return self


class Files(_Part):
    """Any files with a column mapping; paths are relative to `DATA=` or to the experiment's file."""

    kind: Literal["files"]
    interactions: DataFile
    users: DataFile | None = None
    items: DataFile | None = None


Source = Annotated[Generated | MovieLens | Files, Field(discriminator="kind")]


MAX_DENOMINATOR = 1_000_000
"""Of a share: integer arithmetic on it stays within 64 bits for any number of rows."""


def _share(value: Any) -> Fraction:
    share = value if isinstance(value, Fraction) else share_from_text(str(value))
    if share.denominator > MAX_DENOMINATOR:
        raise ValueError(f"share {value} has more than six decimal places")
    return share


class LastShare(_Part):
    """Per user, the newest ceil(share * n) interactions are the future."""

    kind: Literal["last"] = "last"
    share: Annotated[Fraction, BeforeValidator(_share)] = DEFAULT_SHARE
    """Exact: taken from the text of the file."""


class AfterTime(_Part):
    """Everything at or after a moment (Unix seconds) is the future."""

    kind: Literal["after"]
    timestamp: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _in_seconds(self) -> AfterTime:
        if self.timestamp >= fields.MILLISECONDS_FROM:
            raise _wrong(f"{self.timestamp} is in milliseconds; write {self.timestamp // 1000}", at=("timestamp",))
        return self


class ColdItems(_Part):
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


class RecipeChoice(_Part):
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
            raise _unknown("recipe", self.recipe, known=RECIPES, at=("recipe",))
        settable = [parameter for parameter in row.hyperparameters if not parameter.only_tuned]
        self._check("hyperparameters", self.hyperparameters, (*settable, *row.featurization))
        if self.exploration and not row.explores:
            raise _wrong(f"{self.recipe} takes no settings for exploration", at=("exploration",))
        self._check("exploration", self.exploration, row.exploration)
        if self.hpo is not None:
            try:
                self.hpo.hpo_config(row, self.hyperparameters)
            except TuningError as error:
                raise _wrong(error.problem, at=("hpo",)) from None
        return self

    def _check(self, member: str, given: dict[str, str], known: tuple[Parameter, ...]) -> None:
        parameters = {parameter.name: parameter for parameter in known}
        for key, text in given.items():
            if key not in parameters:
                what = "hyperparameter" if member == "hyperparameters" else f"setting for {member}"
                raise _unknown(f"{what} of {self.recipe}", key, known=list(parameters), at=(member, key))
            try:
                parameters[key].parse(text)
            except ValueError as error:
                raise _wrong(str(error), at=(member, key)) from None


class Evaluation(_Part):
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


class Filter(_Part):
    """A filter that the stack declares."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=naming.MAX_KIND - 2)]
    expression: Annotated[str, Field(max_length=2500)]


class Events(_Part):
    """Declares an event tracker; with `try_recipe` the run also shows what three events change."""

    try_recipe: str | None = None


def _address(value: str) -> str:
    name, _, host = value.partition("@")
    if not name or not host or "@" in host or any(letter.isspace() for letter in value):
        raise ValueError(f"{value!r} is no e-mail address such as name@example.com")
    return value


class Experiment(_Part):
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
    notify: Annotated[str, AfterValidator(_address)] | None = None
    """E-mail address that the notification topic sends to."""

    @model_validator(mode="after")
    def _fits_together(self) -> Experiment:
        names = [choice.recipe for choice in self.recipes]
        for name in names:
            if names.count(name) > 1:
                raise _wrong(f"{name} is listed twice", at=("recipes", len(names) - 1 - names[::-1].index(name)))
            for needed in RECIPES[name].required:
                if needed not in self.schemas.kinds:
                    raise _wrong(
                        f"{name} needs the dataset {needed.value}, which schemas does not have",
                        at=("recipes", names.index(name)),
                    )
        if self.events and self.events.try_recipe:
            at = ("events", "try_recipe")
            if self.events.try_recipe not in names:
                raise _unknown("recipe of this experiment", self.events.try_recipe, known=names, at=at)
            row = RECIPES[self.events.try_recipe]
            if not row.real_time or row.type is not RecipeType.USER_PERSONALIZATION:
                raise _wrong(f"{row.name} does not change with events; choose a real-time recipe", at=at)
        offered = [column.name for column in self.schemas.interactions]
        for number, name in enumerate(self.evaluation.context or ()):
            if name not in offered:
                raise _unknown("column of interactions", name, known=offered, at=("evaluation", "context", number))
        for number, declared in enumerate(self.filters):
            if declared.name in [other.name for other in self.filters[:number]]:
                raise _wrong(f"the filter {declared.name} is declared twice", at=("filters", number, "name"))
        if isinstance(self.data, Files):
            self._maps_its_columns(self.data)
        return self

    @property
    def context(self) -> tuple[str, ...]:
        """Columns of the interactions in whose values users are asked."""
        if self.evaluation.context is not None:
            return self.evaluation.context
        reserved = fields.RESERVED[DatasetKind.INTERACTIONS]
        return tuple(c.name for c in self.schemas.interactions if c.categorical and c.name not in reserved)

    def _maps_its_columns(self, data: Files) -> None:
        """Each dataset has a file, and each file's mapping names exactly the columns of its schema."""
        for kind in DatasetKind:
            part, declared = kind.value.lower(), self.schemas.columns(kind)
            file: DataFile | None = getattr(data, part)
            if declared is None:
                if file is not None:
                    raise _wrong(f"is read, but schemas does not declare {part}", at=("data", part))
                continue
            if file is None:
                raise _wrong(
                    f"data has no file for the dataset {kind.value}: add data.{part}, or remove schemas.{part}",
                    at=("schemas", part),
                )
            names = [column.name for column in declared]
            for name in file.columns:
                if name not in names:
                    raise _unknown("column of the schema", name, known=names, at=("data", part, "columns", name))
            for name in names:
                if name not in file.columns:
                    raise _wrong(f"no column of the file is given for {name}", at=("data", part, "columns"))
