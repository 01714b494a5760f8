"""The cells of the fault matrix: the functions, how each is brought to make its calls, and the faults that hit them.

Where a fault cannot happen to a function, the reason stands here.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.deployed_stack import QUICK
from tests.matrix.fault_server import ANSWER

FAULTS = {
    "throttled": "throttled",
    "internal": "internal error",
    "timeout": "time-out",
    "denied": "access denied",
    "exists": "resource already exists",
    "failed": "resource in CREATE FAILED",
    "slow": "slow",
    "twice": "event delivered twice",
    "killed": "process killed",
}
MORE_THAN_THE_SDK_TRIES = 9
POPULAR = {**QUICK, "users": 10}
TO_SERVE = {**POPULAR, "mode": "serve"}
WITH_EVENTS = {"recipes": ["aws-hrnn"], "users": 10}


@dataclass(frozen=True)
class Row:
    """How a function is brought to make the calls that are hit."""

    called: tuple[str, ...]
    """What a message may call it: a part of the state's name, of a resource's or a recipe's."""
    operations: tuple[str, ...]
    """Its calls; the last is the one that changes something, and the one that is hit where a hit ends the call."""
    by: Literal["run", "clean-up", "empty", "answer", "delete", "schemas"] = "run"
    given: dict[str, Any] = field(default_factory=lambda: dict(POPULAR))
    fresh: bool = False
    """Whether it needs data that nothing was imported and trained of yet."""
    at_once: int = 1
    """Calls of the first of the operations that are in flight at the same time."""
    makes: str | None = None
    """The call that makes something, where it is not the last."""
    happened: str | None = None
    """What a message tells of the failure; None: the operation."""


ROWS: dict[str, Row] = {
    "CheckData": Row(("check_data",), ("GetObject", "PutObject")),
    "EstimateCost": Row(("estimate_cost",), ("GetObject", "PutObject")),
    "EnsureCampaign": Row(("campaign",), ("DescribeCampaign", "CreateCampaign")),
    "ServiceMetrics": Row(("service_metrics",), ("GetSolutionMetrics",)),
    "Ask": Row(("ask",), ("GetRecommendations", "PutObject"), at_once=8),
    "Judge": Row(("judge",), ("GetObject", "PutObject")),
    "JudgeBaselines": Row(("judge_baselines",), ("GetObject", "PutObject")),
    "Release": Row(("release", "campaign"), ("DescribeCampaign", "DeleteCampaign")),
    "Compare": Row(("compare",), ("GetObject", "PutObject")),
    "Report": Row(("write_report",), ("GetObject", "PutObject")),
    "AddColumns": Row(
        ("add_columns", "dataset/"), ("DescribeDataset", "CreateSchema", "UpdateDataset"), makes="CreateSchema"
    ),
    "EnsureImport": Row(
        ("dataset-import-job",), ("ListDatasetImportJobs", "DescribeDataset", "CreateDatasetImportJob"), fresh=True
    ),
    "EnsureSolution": Row(("solution",), ("DescribeSolution", "CreateSolution"), fresh=True),
    "EnsureVersion": Row(("solution-version",), ("ListSolutionVersions", "CreateSolutionVersion"), fresh=True),
    "ChooseCampaign": Row(("choose_campaign",), ("DescribeCampaign",), given=TO_SERVE),
    "Weigh": Row(("weigh",), ("GetObject",), given=TO_SERVE, fresh=True),
    "TryEvents": Row(("try_events", "aws-hrnn"), ("GetRecommendations", "PutEvents"), given=WITH_EVENTS),
    "CleanUp": Row(("clean_up",), ("ListExecutions", "ListSolutions", "DeleteSolution"), by="clean-up"),
    "EmptyBucket": Row(("empty_bucket",), ("PutBucketPolicy", "ListBucket", "DeleteObjects"), by="empty"),
    "Answer": Row(("answer",), (ANSWER,), by="answer", happened="refuses the answer"),
    "StartCleanUp": Row(("start",), ("StartExecution",), by="delete"),
    "DeleteSchemas": Row(("schemas with added columns",), ("ListSchemas", "DeleteSchema"), by="schemas"),
}
"""In the order in which they are tried: new data make what was trained of the old worthless, events are counted by
what is trained after them, and the clean-up leaves nothing."""

_WRITES = "it writes objects, and S3 replaces one that is there"
_MAKES_NOTHING = "it makes no resource of Personalize, nor is it called with one that failed"
_NOT_APPLICABLE: dict[tuple[str, str], str] = {
    **{
        (name, "exists"): _WRITES
        for name in ("CheckData", "EstimateCost", "Ask", "Judge", "JudgeBaselines", "Compare", "Report")
    },
    ("TryEvents", "exists"): "it sends events and writes an object; neither can be there already",
    **{(name, "exists"): "it only reads" for name in ("ServiceMetrics", "ChooseCampaign", "Weigh")},
    ("Release", "exists"): "it only deletes",
    ("CleanUp", "exists"): "it only stops and deletes",
    ("DeleteSchemas", "exists"): "it only deletes",
    ("EmptyBucket", "exists"): "it only deletes; a bucket's policy is replaced",
    ("AddColumns", "failed"): "a schema is ACTIVE at once; of an update that fails tests/unit/lambdas tells",
    ("Answer", "exists"): "it answers; CloudFormation takes the first answer",
    **{
        (name, "failed"): _MAKES_NOTHING
        for name in (
            *("CheckData", "EstimateCost", "ServiceMetrics", "Ask", "TryEvents", "Judge", "JudgeBaselines"),
            *("ChooseCampaign", "Weigh"),
            *("Compare", "Report", "EmptyBucket", "Answer", "StartCleanUp", "DeleteSchemas"),
        )
    },
}


@dataclass(frozen=True)
class Cell:
    function: str
    fault: str

    @property
    def why_not(self) -> str | None:
        """The reason that it makes no sense."""
        return _NOT_APPLICABLE.get((self.function, self.fault))

    def __str__(self) -> str:
        return f"{self.function}, {FAULTS[self.fault]}"


@dataclass
class Outcome:
    """How a cell ended."""

    cell: Cell
    how: Literal["recovers", "fails", "not applicable", "broken"]
    told: str = ""
    """The message of the failure; the reason that a cell is not applicable; what is wrong with a broken one."""
    duplicates: int = 0
    """Billed calls that were made twice for the same inputs."""
    seconds: float = 0.0


CELLS = [Cell(function, fault) for function in ROWS for fault in FAULTS]


def sample(count: int, *, seed: int) -> list[Cell]:
    """Some of the cells that are quick to try, in the matrix' order."""
    able = [cell for cell in CELLS if cell.why_not is None and cell.function != "TryEvents" and cell.fault != "timeout"]
    chosen = set(random.Random(seed).sample(able, count))
    return [cell for cell in CELLS if cell in chosen]


def hits(cell: Cell, row: Row) -> dict[str, int]:
    """{operation: how many of its calls are hit}"""
    if cell.fault in {"throttled", "internal"}:
        return {name: MORE_THAN_THE_SDK_TRIES * (row.at_once if n == 0 else 1) for n, name in enumerate(row.operations)}
    if cell.fault == "exists" and row.makes:
        return {row.makes: 1}
    return {row.operations[-1]: 10**6 if cell.fault in {"denied", "timeout"} else 1}


def is_there_already(cell: Cell) -> bool:
    """Whether not the function's own call makes what fails: it deletes it."""
    return cell.fault == "failed" and cell.function in {"Release", "CleanUp"}
