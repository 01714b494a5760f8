"""The CloudFormation type of a budget, made by MiniStack's own service for budgets.

Symptom without it: MiniStack refuses a template with AWS::Budgets::Budget, though it has the service.
Seams: `provisioners._RESOURCE_HANDLERS` gains a row; it calls `budgets._create_budget` and `budgets._delete_budget`.
Nothing is billed here, so no budget ever warns. Test: tests/cloud/test_cloud_resources.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import budgets
from ministack.services.cloudformation import provisioners

from local_cloud.plugin.seams import expect

TYPE = "AWS::Budgets::Budget"
MAX_NAME = 100


class BudgetRefused(Exception):
    """The service did not take it; the message is the service's."""


def install() -> None:
    """Register the type."""
    for name in ("_create_budget", "_delete_budget"):
        expect(callable(getattr(budgets, name, None)), f"budgets.{name}", "is gone")
    handlers = provisioners._RESOURCE_HANDLERS
    expect(TYPE not in handlers, "provisioners._RESOURCE_HANDLERS", f"has {TYPE} by itself now")
    handlers[TYPE] = {"create": _create, "update": _update, "delete": _delete}


def _create(logical_id: str, properties: Mapping[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    budget = dict(properties["Budget"])
    name = str(budget.setdefault("BudgetName", f"{stack}-{logical_id}"[:MAX_NAME]))
    _accept(budgets._create_budget({**properties, "Budget": budget}))
    return name, {}


def _update(name: str, old: Mapping[str, Any], new: Mapping[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    _delete(name, old)
    budget = {"BudgetName": name, **new["Budget"]}
    return _create("", {**new, "Budget": budget}, stack)


def _delete(name: str, properties: Mapping[str, Any]) -> None:
    _accept(budgets._delete_budget({"BudgetName": name}))


def _accept(answer: Any) -> None:
    status, _, body = answer
    if status >= 400:
        raise BudgetRefused(str(json.loads(body).get("message", body)))
