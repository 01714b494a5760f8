"""Keys in an experiment's bucket (or paths below an output folder): where each stage puts what the next one reads.

    data/manifest.json                         written last; names the version that is complete
    data/VERSION/past/interactions.csv         what is imported (also users.csv, items.csv)
    data/VERSION/future/interactions.csv       the held-out rows: the ground truth
    data/VERSION/titles.csv                    what reports call the items, where the source tells
    data/deletions/NAME.csv                    users to be deleted, as long as that takes (`python -m privacy forget`)
    runs/RUN_ID/...                            answers and judgements of one execution
    reports/RUN_ID/report.json, report.html    the result
    serving/parked.json                        campaigns that were deleted to be made again

VERSION is a digest of the content, so that a new upload never overwrites what a running execution reads.
"""

from __future__ import annotations

from contract.recipes import DatasetKind

MANIFEST = "data/manifest.json"
PARKED = "serving/parked.json"
"""Campaigns that were deleted to save money, and what makes each again (lambdas.parking)."""


def past(version: str, kind: DatasetKind) -> str:
    """The object that an import job reads."""
    return f"data/{version}/past/{kind.value.lower()}.csv"


def future(version: str) -> str:
    """The held-out interactions."""
    return f"data/{version}/future/interactions.csv"


def titles(version: str) -> str:
    """ITEM_ID and TITLE: for reports alone, Personalize never sees them."""
    return f"data/{version}/titles.csv"


def deletion_list(name: str) -> str:
    """Users for a data deletion job; below data/, where the service's role may read."""
    return f"data/deletions/{name}.csv"


def plan(run_id: str) -> str:
    """What the run does: the experiment as resolved by its first task."""
    return f"runs/{run_id}/plan.json"


def costs(run_id: str) -> str:
    """What the run is estimated to cost (costs.report.Expected)."""
    return f"runs/{run_id}/costs.json"


def answers(run_id: str, subject: str, part: int) -> str:
    """One slice of a recipe's answers, or of those of a variant of it; JSON lines."""
    return f"runs/{run_id}/answers/{subject}/{part:05d}.jsonl"


def answers_prefix(run_id: str, subject: str) -> str:
    return f"runs/{run_id}/answers/{subject}/"


def judgement(run_id: str, subject: str) -> str:
    """Per-user values of a recipe or a baseline."""
    return f"runs/{run_id}/judged/{subject}.json"


def events(run_id: str) -> str:
    """What the state "Try events" saw."""
    return f"runs/{run_id}/events.json"


def report(run_id: str, suffix: str) -> str:
    """`suffix`: json or html."""
    return f"reports/{run_id}/report.{suffix}"
