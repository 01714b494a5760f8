"""The configuration file as a type: its sections, and of each Create call the members that are looked at.

Members that are not here are not refused: `ledger` lists every value that nothing takes. Names and limits are those of
the API reference of Amazon Personalize.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9\-_]*$", max_length=63)]
RecipeArn = Annotated[str, Field(pattern=r"^arn:[a-z0-9-]+:personalize:[a-z0-9-]*:[0-9]*:recipe/[A-Za-z0-9_-]+$")]
Text = dict[str, str]
AvroType = Literal["string", "int", "long", "float", "double", "boolean", "null"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, use_attribute_docstrings=True)


class Named(_Part):
    """`serviceConfig` of what is only named: a dataset, an event tracker."""

    name: Name


class GroupService(Named):
    """CreateDatasetGroup."""

    domain: Literal["ECOMMERCE", "VIDEO_ON_DEMAND"] | None = None


class DatasetGroup(_Part):
    """The dataset group, and how old its data may become."""

    serviceConfig: GroupService
    workflowConfig: dict[str, Any] | None = None


class AvroField(_Part):
    """A column."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    type: AvroType | Annotated[list[AvroType], Field(min_length=1)]
    categorical: bool | None = None
    textual: bool | None = None

    @property
    def nullable(self) -> bool:
        return "null" in self._types

    @property
    def only_type(self) -> str | None:
        """The type besides null; None if there is not exactly one."""
        types = [name for name in self._types if name != "null"]
        return types[0] if len(types) == 1 else None

    @property
    def _types(self) -> list[str]:
        return [self.type] if isinstance(self.type, str) else list(self.type)


class AvroSchema(_Part):
    """`schema` of CreateSchema: here an object, there its text."""

    type: Literal["record"]
    name: str
    namespace: str | None = None
    fields_: Annotated[list[AvroField], Field(alias="fields", min_length=1)]
    version: str | None = None


class SchemaService(Named):
    """CreateSchema."""

    avro: Annotated[AvroSchema, Field(alias="schema")]


class DatasetPart(_Part):
    serviceConfig: Named


class SchemaPart(_Part):
    serviceConfig: SchemaService


class Dataset(_Part):
    """A dataset and its schema."""

    dataset: DatasetPart
    columns: Annotated[SchemaPart, Field(alias="schema")]


class ImportService(_Part):
    """What all import jobs have in common."""

    importMode: Literal["FULL", "INCREMENTAL"] | None = None


class Datasets(_Part):
    """The three datasets."""

    serviceConfig: ImportService | None = None
    interactions: Dataset
    users: Dataset | None = None
    items: Dataset | None = None


class NumberRange(_Part):
    name: str
    minValue: float
    maxValue: float


class WholeRange(_Part):
    name: str
    minValue: int
    maxValue: int


class Values(_Part):
    name: str
    values: Annotated[list[str], Field(min_length=1)]


class Ranges(_Part):
    """`algorithmHyperParameterRanges`."""

    integerHyperParameterRanges: list[WholeRange] | None = None
    continuousHyperParameterRanges: list[NumberRange] | None = None
    categoricalHyperParameterRanges: list[Values] | None = None


class Objective(_Part):
    type: str | None = None
    metricName: str | None = None


class Resources(_Part):
    maxNumberOfTrainingJobs: Annotated[str, Field(pattern=r"^[0-9]+$")] | None = None
    maxParallelTrainingJobs: Annotated[str, Field(pattern=r"^[0-9]+$")] | None = None


class Hpo(_Part):
    """`hpoConfig`."""

    hpoObjective: Objective | None = None
    hpoResourceConfig: Resources | None = None
    algorithmHyperParameterRanges: Ranges | None = None


class SolutionConfig(_Part):
    """`solutionConfig` of CreateSolution."""

    hpoConfig: Hpo | None = None
    algorithmHyperParameters: Text | None = None
    featureTransformationParameters: Text | None = None


class SolutionVersion(_Part):
    trainingMode: Literal["FULL", "UPDATE", "AUTOTRAIN"] | None = None


class SolutionService(Named):
    """CreateSolution, and its version's settings."""

    recipeArn: RecipeArn | None = None
    performHPO: bool | None = None
    performAutoML: bool | None = None
    performAutoTraining: bool | None = None
    performIncrementalUpdate: bool | None = None
    solutionConfig: SolutionConfig | None = None
    solutionVersion: SolutionVersion | None = None

    @property
    def recipe(self) -> str | None:
        """The recipe's name."""
        return self.recipeArn.rpartition("/")[2] if self.recipeArn else None


class CampaignConfig(_Part):
    itemExplorationConfig: Text | None = None


class CampaignService(Named):
    """CreateCampaign."""

    minProvisionedTPS: Annotated[int, Field(ge=1)] | None = None
    campaignConfig: CampaignConfig | None = None


class Campaign(_Part):
    serviceConfig: CampaignService


class Solution(_Part):
    """A solution, its campaigns and batch jobs."""

    serviceConfig: SolutionService
    campaigns: list[Campaign] | None = None
    batchInferenceJobs: list[dict[str, Any]] | None = None
    batchSegmentJobs: list[dict[str, Any]] | None = None


class RecommenderService(Named):
    """CreateRecommender."""

    recipeArn: RecipeArn


class Recommender(_Part):
    serviceConfig: RecommenderService


class EventTracker(_Part):
    serviceConfig: Named


class FilterService(Named):
    """CreateFilter."""

    filterExpression: Annotated[str, Field(min_length=1, max_length=2500)]


class Filter(_Part):
    serviceConfig: FilterService


class Config(_Part):
    """The file."""

    datasetGroup: DatasetGroup
    datasets: Datasets | None = None
    solutions: list[Solution] | None = None
    recommenders: list[Recommender] | None = None
    eventTracker: EventTracker | None = None
    filters: list[Filter] | None = None
