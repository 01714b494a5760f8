"""Which resources a Personalize action is checked on: AWS's reference, and beside it what the reference leaves out.

personalize_actions.json is the Service Authorization Reference (`python -m tools.authorization` writes it): an action's
resource types, and the form of a type's ARN. It does not say where a request names the resource, and it is not
complete; the lines here do, each with its source. A test compares both with botocore's models of the three services:
every operation has its row, every member exists, and no line is here that the reference or the rule makes needless.

An entry of a row is
- the name of a request member that holds an ARN ("solutionArn"),
- "kind/{member}": the ARN of what the call makes, from the name it gives,
- "*": the action knows no resource (every List operation, PutEvents).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("personalize_actions.json")
REFERENCE: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
ANY = ("*",)

NO_OPERATIONS = frozenset(
    {"CreateDataInsightsJob", "DescribeDataInsightsJob", "GetDataInsights", "ListDataInsightsJobs"}
)
"""Actions that the console alone uses: the service's API models (botocore) have no such operations."""

_API = "https://docs.aws.amazon.com/personalize/latest/dg/API_"
_VERSION = "solutionVersionArn"
MEMBERS: dict[tuple[str, str], tuple[str, str]] = {
    # A solution version's ARN is its solution's and an id more, so a statement about the solution covers it.
    ("CreateBatchInferenceJob", "solution"): (_VERSION, f"{_API}CreateBatchInferenceJob.html"),
    ("CreateCampaign", "solution"): (_VERSION, f"{_API}CreateCampaign.html"),
    ("DescribeSolutionVersion", "solution"): (_VERSION, f"{_API}DescribeSolutionVersion.html"),
    ("GetSolutionMetrics", "solution"): (_VERSION, f"{_API}GetSolutionMetrics.html"),
    ("StopSolutionVersionCreation", "solution"): (_VERSION, f"{_API}StopSolutionVersionCreation.html"),
    # A dataset is named after its group and its type, whatever `name` says.
    ("CreateDataset", "dataset"): ("dataset/{datasetGroupArn}/{datasetType}", f"{_API}DescribeDataset.html"),
}
"""(action, resource type): the entry, where it is not the rule's, and the page that shows it."""

ONE_OF_MANY: dict[str, tuple[str, str]] = {
    "ListTagsForResource": ("resourceArn", f"{_API}ListTagsForResource.html"),
    "TagResource": ("resourceArn", f"{_API}TagResource.html"),
    "UntagResource": ("resourceArn", f"{_API}UntagResource.html"),
}
"""Actions on a resource of any of their types, which the reference marks as optional: member and page."""

_RECIPES = "https://github.com/aws-samples/retail-demo-store/pull/627 (AccessDenied until recipe/aws* was allowed)"
_FILTERS = "https://github.com/aws-samples/retail-demo-store, pinpoint-personalize.yaml: allows it on filter/* too"
BESIDE: dict[tuple[str, str], str] = {
    ("CreateSolution", "recipeArn"): _RECIPES,
    ("CreateRecommender", "recipeArn"): _RECIPES,
    ("GetRecommendations", "recommenderArn"): f"{_API}RS_GetRecommendations.html",
    ("GetRecommendations", "filterArn"): _FILTERS,
    ("GetPersonalizedRanking", "filterArn"): _FILTERS,
}
"""(action, member): resources that the service checks too, or may check, and the reference does not list; source."""


def resources() -> dict[str, tuple[str, ...]]:
    """Each operation's entries."""
    return {action: _entries(action) for action in REFERENCE["actions"] if action not in NO_OPERATIONS}


def _entries(action: str) -> tuple[str, ...]:
    if action in ONE_OF_MANY:
        return (ONE_OF_MANY[action][0],)
    types = REFERENCE["actions"][action]
    own = [kind for kind in types if _makes(action, kind)]
    others = [kind for kind in types if kind not in own]
    beside = [member for of, member in BESIDE if of == action]
    return (*(_entry(action, kind) for kind in own + others), *beside) or ANY


def _entry(action: str, kind: str) -> str:
    if (action, kind) in MEMBERS:
        return MEMBERS[action, kind][0]
    return rule(action, kind)


def rule(action: str, kind: str) -> str:
    """What a call makes is named by `name`, a job by `jobName`; what it works on by the type's name and "Arn"."""
    if not _makes(action, kind):
        return f"{kind}Arn"
    word = REFERENCE["resource_types"][kind].rsplit(":", 1)[-1].partition("/")[0]
    return f"{word}/{{{'jobName' if kind.endswith('Job') else 'name'}}}"


def _makes(action: str, kind: str) -> bool:
    return action.lower() == f"create{kind}".lower()
