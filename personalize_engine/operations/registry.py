"""The table of operations, and what an operation is given.

An operation is a plain function (context, request) -> answer. The request has been validated against the service
model; the answer may hold more members than the model knows (they are not written). An operation raises ServiceError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from personalize_engine.filters.columns import PreparedColumns
from personalize_engine.jobs.runner import JobRunner
from personalize_engine.serving.cache import TrainedVersions
from personalize_engine.serving.records import Records
from personalize_engine.store.database import Store

Answer = Mapping[str, Any]
Request = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What operations work with."""

    account: str
    """Twelve digits."""
    region: str
    store: Store
    jobs: JobRunner
    trained: TrainedVersions
    records: Records
    columns: PreparedColumns = field(default_factory=PreparedColumns)
    """Of items, for filters."""

    def arn(self, resource: str) -> str:
        """`arn:aws:personalize:REGION:ACCOUNT:resource`."""
        return f"arn:aws:personalize:{self.region}:{self.account}:{resource}"


Function = Callable[[Context, Request], Answer]
OPERATIONS: dict[str, Function] = {}
"""By name; filled by `operations.all_operations`."""


def operation(name: str) -> Callable[[Function], Function]:
    """Registers a function as the operation of that name."""

    def add(function: Function) -> Function:
        if name in OPERATIONS:
            raise ValueError(f"the operation {name} is defined twice")
        OPERATIONS[name] = function
        return function

    return add
