"""Deletions: the resource, what goes with it, and its files."""

from __future__ import annotations

from personalize_engine.jobs.registry import DELETE_IN_PROGRESS, Ending, Job, register
from personalize_engine.store.transaction import Transaction

KIND = "delete"
GOES_WITH = {"solution": "solution-version", "dataset": "dataset-import-job", "dataset-group": "data-deletion-job"}
"""Kind of resource to the kind of children that have no delete operation of their own."""


def _begin(transaction: Transaction, arn: str) -> None:
    transaction.set_status(arn, DELETE_IN_PROGRESS)


def _finish(end: Ending, arn: str) -> None:
    found = end.transaction.get(arn)
    assert found is not None, "a resource is deleted once"
    children = end.transaction.page(GOES_WITH[found.kind], parents=[arn]) if found.kind in GOES_WITH else []
    for gone in (*(child.arn for child in children), arn):
        end.loader.forget(gone)
        end.artifacts.remove(gone)
        end.transaction.delete(gone)


def _fail(transaction: Transaction, arn: str, reason: str) -> None:
    transaction.set_status(arn, "DELETE FAILED", reason)


register(Job(kind=KIND, begin=_begin, finish=_finish, fail=_fail))
