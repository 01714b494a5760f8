"""Steps that need permissions: as small as they get, most of them one call of a function with its event of a run.

A scenario makes what it needs, takes its step and returns what a person would read of a failure ("" if there is none).
It can be repeated: what it makes has a new name each time, what it spoils it puts back.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from deployed_stack import QUICK, Deployed
from recorded import Record
from removals import Stack

from contract import layout, naming
from tools.permissions import named

Event = dict[str, Any]
ENSURE = ("Tasks/EnsureImport", "Tasks/EnsureSolution", "Tasks/EnsureVersion", "Tasks/EnsureCampaign")
READERS = ("Tasks/Ask", "Tasks/TryEvents", "Tasks/Judge", "Tasks/JudgeBaselines", "Tasks/Compare")
TO_SERVE = ("Tasks/ChooseCampaign", "Tasks/Weigh")
"""What a run calls for that trains another version than the one that is served."""
HEEDING = {**QUICK, "recipes": ["aws-hrnn"]}
"""A run whose recipe's answers follow events."""
LIMIT = 60.0
"""Seconds until something is ACTIVE."""
NO_LOG = "its log stays empty"


@dataclass(frozen=True)
class Scenario:
    """A step, and whose it is."""

    name: str
    run: Callable[[], str]
    late: int = 0
    """0: any time; later ones take away what the others need."""
    of_log: bool = False
    """Whether it looks at the log alone."""


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
        self.promoted = self.served(self.serving())
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

    def served(self, campaign: str) -> str:
        """ARN of the version that it serves, or is about to."""
        found = self.personalize.describe_campaign(campaignArn=campaign)["campaign"]
        return str(found.get("latestCampaignUpdate", {}).get("solutionVersionArn", found["solutionVersionArn"]))

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
            key = layout.report(ended["name"], "json")
            body = self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()
            told += " ".join(row.get("reason", "") for row in json.loads(body)["recipes"].values())
        return told


def scenarios(world: World) -> Iterator[Scenario]:
    """All of them, the cheap ones first."""
    yield from _as_in_the_run(world)
    yield from _anew(world)
    yield from _missing(world)
    yield from _logs(world)
    yield Scenario("an import, by Personalize itself", lambda: _import(world))
    yield Scenario("a training", lambda: _training(world, world.training))
    yield Scenario("a training, to serve it", lambda: _promotion(world))
    if (events := world.training_with_events) is not None:
        yield Scenario("a training with events", lambda: _training(world, events))
    yield Scenario("a run", world.main_run)


def _as_in_the_run(world: World) -> Iterator[Scenario]:
    """Every event of the first run, once more; campaigns of that run are gone, so the one that serves is asked."""
    for function, events in world.events.items():
        if function == "Tasks/Release":
            continue  # it would delete what others ask
        for number, event in enumerate(events, start=1):
            name = function if len(events) == 1 else f"{function} ({number})"
            yield Scenario(name, lambda function=function, event=event: world.invoke(function, _serving(world, event)))
    yield Scenario("Tasks/Release", lambda: _release(world))


def _serving(world: World, event: Event) -> Event:
    if "campaign_arn" not in event:
        return event
    return {**event, "campaign_arn": world.following if event["run"]["events"] else world.serving()}


def _release(world: World) -> str:
    return world.invoke("Tasks/Release", {"campaign_arn": world.spare_campaign()})


def _anew(world: World) -> Iterator[Scenario]:
    """The events that make something, for what is not there yet."""
    for number, event in enumerate(world.events["Tasks/EnsureImport"], start=1):
        yield Scenario(
            f"Tasks/EnsureImport, data not imported yet ({number})", lambda event=event: _new_import(world, event)
        )
    yield Scenario("Tasks/EnsureImport, the name is taken", lambda: _taken(world))
    recipes = sorted(
        grant.resource
        for grant in world.stack.grants
        if grant.action == "personalize:CreateSolution" and grant.resource.startswith("recipe/")
    )
    for recipe in recipes:
        name = f"Tasks/EnsureSolution, none for {recipe.removeprefix('recipe/')} yet"
        yield Scenario(name, lambda recipe=recipe: _new_solution(world, f"arn:aws:personalize:::{recipe}"))
    yield Scenario("Tasks/EnsureSolution, one that failed before", lambda: _failed_solution(world))
    yield Scenario("Tasks/EnsureVersion, not trained yet", lambda: _new(world, "Tasks/EnsureVersion"))
    yield Scenario("Tasks/EnsureCampaign, none yet", lambda: _new(world, "Tasks/EnsureCampaign"))
    yield Scenario("Tasks/EnsureCampaign, it serves another version", lambda: _follow(world))
    yield Scenario("Tasks/EnsureCampaign, one that failed before", lambda: _failed_campaign(world))


def _new(world: World, function: str, **changed: Any) -> str:
    return world.invoke(function, {**world.events[function][0], "name": world.new_name(), **changed})


def _new_import(world: World, event: Event) -> str:
    told = world.invoke("Tasks/EnsureImport", {**event, "name": world.new_name()})
    world.idle()
    return told


def _taken(world: World) -> str:
    """Another dataset's job has the name: only looking at the job tells."""
    first, second = world.events["Tasks/EnsureImport"][:2]
    name = world.new_name()
    request = {**second["request"], "jobName": name, "datasetArn": second["parent"]}
    world.personalize.create_dataset_import_job(**request)
    world.idle()
    return _new_import_named(world, first, name)


def _new_import_named(world: World, event: Event, name: str) -> str:
    told = world.invoke("Tasks/EnsureImport", {**event, "name": name})
    world.idle()
    return told


def _new_solution(world: World, recipe: str) -> str:
    request = {**world.events["Tasks/EnsureSolution"][0]["request"], "recipeArn": recipe}
    return _new(world, "Tasks/EnsureSolution", request=request)


def _failed_solution(world: World) -> str:
    event, name = world.events["Tasks/EnsureSolution"][0], world.new_name()
    made = world.personalize.create_solution(name=name, datasetGroupArn=world.group, **event["request"])
    world.settle(lambda: world.personalize.describe_solution(solutionArn=made["solutionArn"])["solution"])
    world.fail(made["solutionArn"])
    return world.invoke("Tasks/EnsureSolution", {**event, "name": name})


def _follow(world: World) -> str:
    """A campaign of its own, told to serve the version that it does not serve."""
    campaign = world.spare_campaign()
    found = world.personalize.describe_campaign(campaignArn=campaign)["campaign"]
    served = {found["solutionVersionArn"], world.served(campaign)}
    other = next(arn for arn in world.versions() if arn not in served)
    event = {**world.events["Tasks/EnsureCampaign"][0], "name": found["name"], "parent": other}
    return world.invoke("Tasks/EnsureCampaign", event)


def _failed_campaign(world: World) -> str:
    campaign = world.make_campaign(world.versions()[0])
    world.fail(campaign)
    event = world.events["Tasks/EnsureCampaign"][0]
    return world.invoke("Tasks/EnsureCampaign", {**event, "name": campaign.rsplit("/", 1)[-1]})


def _missing(world: World) -> Iterator[Scenario]:
    """Data that are gone: who may not list the bucket is told that it may not, instead of what is missing."""
    yield Scenario("Tasks/CheckData, no data yet", lambda: _without_manifest(world))
    for function in [name for name in READERS if name in world.events]:
        yield Scenario(f"{function}, data that are gone", lambda function=function: _gone(world, function))


def _gone(world: World, function: str) -> str:
    event = _serving(world, world.events[function][0])
    return world.invoke(function, {**event, "run": {**event["run"], "version": "0" * 16}})


def _without_manifest(world: World) -> str:
    s3 = world.client("s3")
    kept = s3.get_object(Bucket=world.bucket, Key=layout.MANIFEST)["Body"].read()
    s3.delete_object(Bucket=world.bucket, Key=layout.MANIFEST)
    try:
        return world.invoke("Tasks/CheckData", world.events["Tasks/CheckData"][0])
    finally:
        s3.put_object(Bucket=world.bucket, Key=layout.MANIFEST, Body=kept)


def _logs(world: World) -> Iterator[Scenario]:
    """A denied log is told nowhere, on AWS as here: it is missing."""
    for key in sorted(world.stack.physical):
        path = named(key)
        if path.endswith("/Function"):
            function = path.removesuffix("/Function")
            yield Scenario(f"{function}, what it logs", lambda function=function: _logged(world, function), of_log=True)


def _logged(world: World, function: str) -> str:
    logs, group = world.client("logs"), world.physical(f"{function}/Logs")

    def lines() -> int:
        return len(logs.filter_log_events(logGroupName=group)["events"])

    before = lines()
    world.invoke(function, {})
    limit = time.monotonic() + 1.0
    while time.monotonic() < limit:
        if lines() > before:
            return ""
        time.sleep(0.1)
    return NO_LOG


def _import(world: World) -> str:
    event = world.events["Tasks/EnsureImport"][0]
    request = {**event["request"], "jobName": world.new_name(), "datasetArn": event["parent"]}
    made = world.personalize.create_dataset_import_job(**request)
    world.idle()
    job = world.personalize.describe_dataset_import_job(datasetImportJobArn=made["datasetImportJobArn"])
    return str(job["datasetImportJob"].get("failureReason", ""))


def _training(world: World, given: Event) -> str:
    """One execution of the machine that trains, asks and judges."""
    (machine,) = {
        arn for key, arn in world.stack.physical.items() if named(key).startswith("RecipeBranch/TrainingMachine")
    }
    return world.execute(machine, given)


def _promotion(world: World) -> str:
    """A training that is weighed against another version, which is served before."""
    campaign = world.serving()
    if world.served(campaign) == world.promoted:
        other = next(arn for arn in world.versions() if arn != world.promoted)
        world.personalize.update_campaign(campaignArn=campaign, solutionVersionArn=other)
        world.settle(
            lambda: world.personalize.describe_campaign(campaignArn=campaign)["campaign"]["latestCampaignUpdate"]
        )
    return _training(world, world.training_to_serve)
