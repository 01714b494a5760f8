"""The fragment that every resource is made with: ensure that it exists, look at its status, wait, look again.

The task returns PENDING instead of raising while a resource is being made: raising would fill the error metrics and
the history with failures that are none.
"""

from __future__ import annotations

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from contract.plan import ACTIVE
from stacks.states import ALL_ERRORS, call, wait
from stacks.task_function import TaskFunction


class UntilActive:
    """States that end when a resource is ACTIVE, its `contract.plan.Ensured` at `result_path`."""

    def __init__(
        self,
        scope: Construct,
        what: str,
        function: TaskFunction,
        *,
        wanted: str,
        parent: str | None = None,
        result_path: str,
        seconds: int,
    ) -> None:
        """
        `what`: the resource in words, e.g. "solution". `wanted`: path of the `contract.plan.Ensure`. `parent`: path
        of the ARN it is made in, if only a state before found it out. `seconds`: between two looks.
        """
        self.start = call(
            scope,
            f"Ensure the {what}",
            function,
            comment=f"Find the {what} that these inputs make, or make it",
            payload=_with_parent(wanted, parent) if parent else None,
            input_path=None if parent else wanted,
            result_path=result_path,
        )
        self._active = sfn.Choice(scope, f"Is the {what} active?")
        self._condition = sfn.Condition.string_equals(f"{result_path}.status", ACTIVE)
        self.start.next(self._active)
        self._active.otherwise(wait(scope, f"Wait for the {what}", seconds).next(self.start))

    def then(self, following: sfn.IChainable) -> None:
        """Continue there once it is ACTIVE."""
        self._active.when(self._condition, following)

    def otherwise_catch(self, handler: sfn.IChainable) -> None:
        """Continue there if it fails, the error at `$.error`; without this the machine fails with it."""
        self.start.add_catch(handler, errors=ALL_ERRORS, result_path="$.error")


def _with_parent(wanted: str, parent: str) -> dict[str, str]:
    members = {
        f"{member}.$": f"{wanted}.{member}" for member in ("kind", "name", "request", "since", "afresh", "run_id")
    }
    return {**members, "parent.$": parent}
