"""A deployed stack in which runs have been, and the steps that scenarios are made of."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from deployed_stack import QUICK, Deployed
from recorded import Record
from removals import Stack

from contract import naming
from tools.permissions import named

Event = dict[str, Any]
TO_SERVE = ("Tasks/ChooseCampaign", "Tasks/Weigh")
"""What a run calls for that trains another version than the one that is served."""
HEEDING = {**QUICK, "recipes": ["aws-hrnn"]}
"""A run whose recipe's answers follow events."""
LIMIT = 60.0
"""Seconds until something is ACTIVE."""


@dataclass
class World:
    """A deployed stack in which two runs have been, and the events of the first."""

    deployed: Deployed
    record: Record
    stack: Stack = field(init=False)
    events: dict[str, list[Event]] = field(init=False, default_factory=dict)
    training: Event = field(init=False)
    """What the main machine starts the second one with."""
    training_to_serve: Event = field(init=False)
    """The same of a run to serve, in which another version was served before."""
    promoted: str = field(init=False)
    """ARN of the version that it made and that is served since."""
    training_with_events: Event | None = None
    following: str | None = None
    """A campaign whose answers follow events."""
    number: int = 0

    def prepare(self, *, events: bool) -> None:
        """Publish, run once as an experiment and once, trained anew, to serve; note the first one's events.

        `events`: try these too. For that a recipe has to be trained that heeds them, which takes longer than the rest.
        """
        self.deployed.publish()
        self.stack = Stack(self.deployed)
        functions = {self.stack.physical[key]: named(key) for key in self.stack.physical if "Function" in key}
        self.record.forget()
        self.training = self._note(QUICK, functions)["Input"]
        self.run({**QUICK, "mode": "serve", "train_afresh": True})
        del self.events["Tasks/ChooseCampaign"]  # an experiment's makes no call
        given = {**QUICK, "mode": "serve", "train_afresh": True}
        self.training_to_serve = self._note(given, functions, only=TO_SERVE)["Input"]
        self.promoted = self.deployed.version_served(self.serving())
        if events:
            self.training_with_events = self._note(HEEDING, functions, only=["Tasks/TryEvents"])["Input"]
            self.following = self.make_campaign(self.versions(HEEDING)[0])
        self.record.forget()

    def _note(self, given: Event, functions: dict[str, str], only: Sequence[str] = ()) -> Event:
        """Run, and keep what the functions were called with; what the second machine was started with."""
        self.record.forget()
        self.run(given)
        started: Event = {}
        for resource, event in self.record.calls():
            function = functions.get(resource.rsplit(":", 1)[-1], "").removesuffix("/Function")
            if function and (not only or function in only):
                self.events.setdefault(function, []).append(event)
            elif resource.startswith("arn:aws:states:::states:startExecution"):
                started = event
        return started

    def run(self, given: Event) -> dict[str, Any]:
        """A run that succeeds."""
        ended = self.deployed.execute(given)
        assert ended["status"] == "SUCCEEDED", ended.get("cause")
        return ended

    # ----------------------------------------------------------------------------------------------- what is there
    def client(self, service: str) -> Any:
        return self.deployed.cloud.client(service)

    @property
    def personalize(self) -> Any:
        return self.client("personalize")

    @property
    def group(self) -> str:
        return self.deployed.outputs["DatasetGroupArn"]

    @property
    def prefix(self) -> str:
        return str(self.events["Tasks/CheckData"][0]["settings"]["prefix"])

    @property
    def bucket(self) -> str:
        return self.deployed.outputs["DataBucketName"]

    def physical(self, path: str) -> str:
        """The name of a deployed resource, by its construct's path."""
        (found,) = {name for key, name in self.stack.physical.items() if named(key) == path}
        return found

    def new_name(self) -> str:
        """Of something in Personalize that the stack's roles may make."""
        self.number += 1
        return naming.name(self.prefix, "again", self.number, time.time())

    def settle(self, describe: Callable[[], Event], *, until: str = "ACTIVE") -> None:
        """Wait for a status."""
        limit = time.monotonic() + LIMIT
        while (status := describe()["status"]) != until:
            assert "FAILED" not in status, describe()
            assert time.monotonic() < limit, status
            time.sleep(0.05)

    def idle(self) -> None:
        """Wait until no import goes on: the service takes one at a time for a dataset."""
        limit = time.monotonic() + LIMIT
        while any(
            row["status"].startswith("CREATE ") and not row["status"].endswith("FAILED")
            for row in self.personalize.list_dataset_import_jobs()["datasetImportJobs"]
        ):
            assert time.monotonic() < limit
            time.sleep(0.05)

    def campaigns(self) -> list[Event]:
        """ACTIVE ones of the stack."""
        return [row for row in self.personalize.list_campaigns()["campaigns"] if row["status"] == "ACTIVE"]

    def serving(self) -> str:
        """ARN of the campaign that is kept."""
        return next(str(row["campaignArn"]) for row in self.campaigns() if "-again-" not in row["name"])

    def make_campaign(self, version: str) -> str:
        """ARN of a new one, ACTIVE."""
        made = self.personalize.create_campaign(name=self.new_name(), solutionVersionArn=version)
        self.settle(lambda: self.personalize.describe_campaign(campaignArn=made["campaignArn"])["campaign"])
        return str(made["campaignArn"])

    def spare_campaign(self) -> str:
        """ARN of one that nothing else asks."""
        spare = [row["campaignArn"] for row in self.campaigns() if "-again-" in row["name"]]
        spare = [arn for arn in spare if arn != self.following]
        return spare[0] if spare else self.make_campaign(self.versions()[0])

    def versions(self, of: Event = QUICK) -> list[str]:
        """ACTIVE ones, of the recipe that was run."""
        solutions = self.personalize.list_solutions(datasetGroupArn=self.group)["solutions"]
        rows = [
            row
            for solution in solutions
            if solution["recipeArn"].endswith(f"/{of['recipes'][0]}")
            for row in self.personalize.list_solution_versions(solutionArn=solution["solutionArn"])["solutionVersions"]
        ]
        return [row["solutionVersionArn"] for row in rows if row["status"] == "ACTIVE"]

    def fail(self, arn: str) -> None:
        """What the service would say of a resource that failed long ago."""
        with closing(sqlite3.connect(self.deployed.cloud.engine_data / "engine.sqlite3", timeout=30)) as store, store:
            store.execute("UPDATE resources SET status = 'CREATE FAILED', updated = 0 WHERE arn = ?", (arn,))

    def age(self, arn: str) -> None:
        """As if it had been made long ago."""
        with closing(sqlite3.connect(self.deployed.cloud.engine_data / "engine.sqlite3", timeout=30)) as store, store:
            store.execute("UPDATE resources SET created = 0 WHERE arn = ?", (arn,))

    # ------------------------------------------------------------------------------------------------------- steps
    def invoke(self, function: str, event: Event) -> str:
        """Call a function; its error's message, "" if it succeeds."""
        answer = self.client("lambda").invoke(
            FunctionName=self.physical(f"{function}/Function"), Payload=json.dumps(event)
        )
        told = json.loads(answer["Payload"].read() or b"null")
        return f"{told.get('errorType')}: {told.get('errorMessage')}" if "FunctionError" in answer else ""

    def execute(self, machine: str, given: Event) -> str:
        """Run a state machine; its cause, or what its output tells of failed recipes."""
        states = self.client("stepfunctions")
        started = states.start_execution(stateMachineArn=machine, input=json.dumps(given))
        ended = self.deployed.ended(started["executionArn"])
        if ended["status"] != "SUCCEEDED":
            return str(ended.get("cause", ""))
        output = json.loads(ended["output"])
        rows = output.get("recipes", []) if isinstance(output, dict) else []
        return " ".join(row.get("reason", "") for row in rows)

    def main_run(self) -> str:
        """A whole run; its cause, and what its report says of the recipes."""
        ended = self.deployed.execute(QUICK)
        if ended["status"] == "SUCCEEDED":
            return ""
        told = str(ended.get("cause", ""))
        if "report.json" in told:
            told += " ".join(row.get("reason", "") for row in self.deployed.report(ended["name"])["recipes"].values())
        return told
