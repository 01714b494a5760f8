"""Follows an execution to its end: one line per state entered, and what the engine says of its trainings.

The lines come from the execution's history, those of the child executions included; a state that repeats (look, wait,
look again) is told once, and Choice, Wait and Pass states are left out. Trainings are shown as live bars on a
terminal and as an occasional plain line elsewhere.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from local_cloud.phases import Phases
from local_cloud.services import LocalCloud

POLL = 0.4
"""Seconds between two looks: a look costs the local cloud a few milliseconds."""
PLAIN_EVERY = 5.0
"""Seconds between two lines about one training where there is no terminal."""
PAGE = 200
ENDING = "FailStateEntered"
TOLD = ("TaskStateEntered", "MapStateEntered", "ParallelStateEntered")
MAIN = ""
NAME = re.compile(r".+-[0-9a-f]{6}-(.+)-[0-9a-f]{8}")
"""contract.naming: experiment, prefix's digest, kind, digest of the inputs."""


@dataclass
class Ended:
    """How an execution ended."""

    status: str
    output: dict[str, Any]
    """{} unless it succeeded."""
    state: str | None
    """The state in which it failed."""
    error: str | None
    cause: str | None

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCEEDED"


@dataclass
class _Execution:
    """One execution that is followed: how far its history was read, and what was told of it."""

    arn: str
    label: str
    last: int = 0
    told: set[str] = field(default_factory=set)
    newest: str | None = None
    running: bool = True


@dataclass
class Follower:
    """Tells of a run while it goes on."""

    cloud: LocalCloud
    phases: Phases
    machines: list[str]
    """ARNs of the stack's machines: children are found among their executions."""

    def __post_init__(self) -> None:
        self._states = self.cloud.client("stepfunctions")
        self._executions: dict[str, _Execution] = {}
        self._bars: dict[str, TaskID] = {}
        self._plain: dict[str, tuple[float, str]] = {}

    def follow(self, execution_arn: str) -> Ended:
        """Print until the execution is over."""
        main = _Execution(execution_arn, MAIN)
        self._executions[execution_arn] = main
        columns = (TextColumn("    {task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
        with Progress(*columns, console=self.phases.console, transient=True) as bars:
            while True:
                described = self._states.describe_execution(executionArn=execution_arn)
                self._find_children(execution_arn)
                for execution in [e for e in self._executions.values() if e.running]:
                    self._tell(execution)
                self._trainings(bars)
                if described["status"] != "RUNNING":
                    break
                time.sleep(POLL)
        return Ended(
            status=described["status"],
            output=json.loads(described.get("output") or "{}") if described["status"] == "SUCCEEDED" else {},
            state=main.newest,
            error=described.get("error"),
            cause=described.get("cause"),
        )

    def _find_children(self, main: str) -> None:
        for machine in self.machines:
            for row in self._states.list_executions(stateMachineArn=machine)["executions"]:
                arn = row["executionArn"]
                if arn == main:
                    continue
                known = self._executions.get(arn)
                if known is None:
                    given = json.loads(self._states.describe_execution(executionArn=arn)["input"] or "{}")
                    known = self._executions[arn] = _Execution(arn, str(given.get("trained", row["name"])))
                if known.running and row["status"] != "RUNNING":
                    self._tell(known)
                    known.running = False

    def _tell(self, execution: _Execution) -> None:
        for event in self._new_events(execution):
            details = event.get("stateEnteredEventDetails")
            if details is None or not event["type"].endswith("StateEntered"):
                continue
            name = details["name"]
            execution.newest = name if event["type"] in (*TOLD, ENDING) else execution.newest
            if event["type"] in TOLD and name not in execution.told:
                execution.told.add(name)
                where = f"{execution.label}: " if execution.label else ""
                self._line(Text.assemble((where, "cyan"), name))

    def _new_events(self, execution: _Execution) -> Iterator[dict[str, Any]]:
        """Since the last look, oldest first: read from the end, so that a long history costs no more than a short."""
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            page = self._states.get_execution_history(
                executionArn=execution.arn,
                maxResults=PAGE,
                reverseOrder=True,
                includeExecutionData=False,
                **more,
            )
            found += [event for event in page["events"] if event["id"] > execution.last]
            reached = not page["events"] or page["events"][-1]["id"] <= execution.last
            if reached or "nextToken" not in page:
                break
            more = {"nextToken": page["nextToken"]}
        found.reverse()
        if found:
            execution.last = found[-1]["id"]
        return iter(found)

    def _trainings(self, bars: Progress) -> None:
        try:
            jobs = self.cloud.engine("/progress")
        except (OSError, ValueError):  # the engine is too busy for a bar: the states go on
            return
        for job in jobs:
            name = _job_name(job["arn"])
            text = f"{name}: {job['message']}" if job.get("message") else name
            if self.phases.console.is_terminal:
                bar = self._bars.get(job["arn"])
                if bar is None:
                    bar = self._bars[job["arn"]] = bars.add_task(text)
                bars.update(bar, description=text, completed=job["done"], total=job["total"] or None)
            else:
                last, told = self._plain.get(job["arn"], (0.0, ""))
                if text != told and time.monotonic() - last >= PLAIN_EVERY:
                    self._plain[job["arn"]] = (time.monotonic(), text)
                    self._line(Text(f"  {text}"))
        current = {job["arn"] for job in jobs}
        for arn in [arn for arn in self._bars if arn not in current]:
            bars.remove_task(self._bars.pop(arn))

    def _line(self, text: Text) -> None:
        self.phases.console.print(Text.assemble((f"  {self.phases.elapsed():6.1f} s  ", "dim"), text), soft_wrap=True)


def _job_name(arn: str) -> str:
    """`hrnn` from …:solution/quickstart-1a2b3c-hrnn-4d5e6f70/0a1b2c3d: the name without prefix and digest."""
    name = arn.rsplit(":", 1)[-1].split("/")[1]
    found = NAME.match(name)
    return found[1] if found else name
