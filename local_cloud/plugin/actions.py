"""Which resources a Personalize call is authorized on: the Service Authorization Reference as a table.

A row lists the resources of one operation; AWS wants the action allowed on each of them. An entry is
- the name of a request member that holds an ARN ("solutionArn"),
- "kind/{member}": the ARN of what the call makes, from the name it gives,
- "*": the action knows no resource (every List operation, PutEvents).
CreateSolution is also checked on its recipe: the reference does not list it, the service does. A call that sets tags
needs TagResource as well; a call with a `roleArn` needs iam:PassRole on that role.

A test compares the table with botocore's models of the three services: every operation has its row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "personalize"

ANY = ("*",)
RESOURCES: dict[str, tuple[str, ...]] = {
    "CreateBatchInferenceJob": ("batch-inference-job/{jobName}", "solutionVersionArn"),
    "CreateBatchSegmentJob": ("batch-segment-job/{jobName}",),
    "CreateCampaign": ("campaign/{name}", "solutionVersionArn"),
    "CreateDataDeletionJob": ("data-deletion-job/{jobName}", "datasetGroupArn"),
    "CreateDataset": ("dataset/{datasetGroupArn}/{datasetType}", "datasetGroupArn"),
    "CreateDatasetExportJob": ("dataset-export-job/{jobName}", "datasetArn"),
    "CreateDatasetGroup": ("dataset-group/{name}",),
    "CreateDatasetImportJob": ("dataset-import-job/{jobName}", "datasetArn"),
    "CreateEventTracker": ("event-tracker/{name}", "datasetGroupArn"),
    "CreateFilter": ("filter/{name}", "datasetGroupArn"),
    "CreateMetricAttribution": ("metric-attribution/{name}", "datasetGroupArn"),
    "CreateRecommender": ("recommender/{name}", "datasetGroupArn", "recipeArn"),
    "CreateSchema": ("schema/{name}",),
    "CreateSolution": ("solution/{name}", "datasetGroupArn", "recipeArn"),
    "CreateSolutionVersion": ("solutionArn",),
    "GetSolutionMetrics": ("solutionVersionArn",),
    "ListTagsForResource": ("resourceArn",),
    "StartRecommender": ("recommenderArn",),
    "StopRecommender": ("recommenderArn",),
    "StopSolutionVersionCreation": ("solutionVersionArn",),
    "TagResource": ("resourceArn",),
    "UntagResource": ("resourceArn",),
    "UpdateCampaign": ("campaignArn",),
    "UpdateDataset": ("datasetArn",),
    "UpdateMetricAttribution": ("metricAttributionArn",),
    "UpdateRecommender": ("recommenderArn",),
    "UpdateSolution": ("solutionArn",),
    # the runtime
    "GetActionRecommendations": ("campaignArn",),
    "GetPersonalizedRanking": ("campaignArn", "filterArn"),
    "GetRecommendations": ("campaignArn", "recommenderArn", "filterArn"),
    # events
    "PutActionInteractions": ANY,
    "PutActions": ("datasetArn",),
    "PutEvents": ANY,
    "PutItems": ("datasetArn",),
    "PutUsers": ("datasetArn",),
}

_DESCRIBED = [
    "Algorithm",
    "BatchInferenceJob",
    "BatchSegmentJob",
    "Campaign",
    "DataDeletionJob",
    "Dataset",
    "DatasetExportJob",
    "DatasetGroup",
    "DatasetImportJob",
    "EventTracker",
    "FeatureTransformation",
    "Filter",
    "MetricAttribution",
    "Recipe",
    "Recommender",
    "Schema",
    "Solution",
    "SolutionVersion",
]
_DELETED = [
    "Campaign",
    "Dataset",
    "DatasetGroup",
    "EventTracker",
    "Filter",
    "MetricAttribution",
    "Recommender",
    "Schema",
    "Solution",
]
_LISTED = [
    "BatchInferenceJobs",
    "BatchSegmentJobs",
    "Campaigns",
    "DataDeletionJobs",
    "DatasetExportJobs",
    "DatasetGroups",
    "DatasetImportJobs",
    "Datasets",
    "EventTrackers",
    "Filters",
    "MetricAttributionMetrics",
    "MetricAttributions",
    "Recipes",
    "Recommenders",
    "Schemas",
    "SolutionVersions",
    "Solutions",
]


def _member(kind: str) -> str:
    return kind[0].lower() + kind[1:] + "Arn"


RESOURCES |= {f"Describe{kind}": (_member(kind),) for kind in _DESCRIBED}
RESOURCES |= {f"Delete{kind}": (_member(kind),) for kind in _DELETED}
RESOURCES |= {f"List{kinds}": ANY for kinds in _LISTED}

PATHS = {
    "/action-recommendations": "GetActionRecommendations",
    "/personalize-ranking": "GetPersonalizedRanking",
    "/recommendations": "GetRecommendations",
    "/action-interactions": "PutActionInteractions",
    "/actions": "PutActions",
    "/events": "PutEvents",
    "/items": "PutItems",
    "/users": "PutUsers",
}
"""The two rest-json services: POST to one of these paths."""
TARGET = "AmazonPersonalize."
"""What X-Amz-Target begins with: the json-1.1 service."""


@dataclass(frozen=True)
class Check:
    """One question for the policy evaluator."""

    action: str
    resource: str
    context: Mapping[str, str]


def operation(method: str, path: str, target: str) -> str | None:
    """The operation that a request asks for; None if there is no such operation."""
    if target:
        name = target.removeprefix(TARGET)
        return name if target.startswith(TARGET) and name in RESOURCES and name not in PATHS.values() else None
    return PATHS.get(path.rstrip("/")) if method == "POST" else None


def checks(name: str, request: Mapping[str, Any], *, account: str, region: str) -> list[Check]:
    """All that has to be allowed for this operation with this request."""
    made = f"arn:aws:personalize:{region}:{account}:"
    resources = [found for entry in RESOURCES[name] if (found := _resource(entry, request, made))]
    asked = [Check(f"{PREFIX}:{name}", resource, {}) for resource in resources or ANY]
    if name.startswith("Create") and request.get("tags"):
        asked.append(Check(f"{PREFIX}:TagResource", asked[0].resource, {}))
    if role := request.get("roleArn"):
        asked.append(Check("iam:PassRole", str(role), {"iam:PassedToService": "personalize.amazonaws.com"}))
    return asked


def _resource(entry: str, request: Mapping[str, Any], made: str) -> str | None:
    """The ARN that an entry of the table stands for; None if the request does not name it."""
    if entry == "*":
        return entry
    if "/" not in entry:
        value = request.get(entry)
        return str(value) if value else None
    kind, *members = entry.split("/")
    values = [str(request.get(member[1:-1], "")) for member in members]
    if kind == "dataset":
        values = [values[0].rsplit("/", 1)[-1], values[1].upper()]
    return made + "/".join([kind, *values])
