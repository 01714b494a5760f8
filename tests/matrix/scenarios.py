"""Steps that need permissions: as small as they get, most of them one call of a function with its event of a run.

A scenario makes what it needs, takes its step and returns what a person would read of a failure ("" if there is none).
It can be repeated: what it makes has a new name each time, what it spoils it puts back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from deployed_stack import QUICK
from deployed_world import Event, World

from contract import layout
from tools.permissions import named

ENSURE = ("Tasks/EnsureImport", "Tasks/EnsureSolution", "Tasks/EnsureVersion", "Tasks/EnsureCampaign")
READERS = ("Tasks/Ask", "Tasks/TryEvents", "Tasks/Judge", "Tasks/JudgeBaselines", "Tasks/Compare")
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


def scenarios(world: World) -> Iterator[Scenario]:
    """All of them, the cheap ones first."""
    yield from _as_in_the_run(world)
    yield from _anew(world)
    yield from _missing(world)
    yield from _logs(world)
    yield Scenario("Operations/WatchCampaigns, an idle one", lambda: _idle(world))
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
    served = {found["solutionVersionArn"], world.deployed.version_served(campaign)}
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
    yield Scenario("Tasks/CheckData, to serve", lambda: _to_serve(world))
    for function in [name for name in READERS if name in world.events]:
        yield Scenario(f"{function}, data that are gone", lambda function=function: _gone(world, function))


def _gone(world: World, function: str) -> str:
    event = _serving(world, world.events[function][0])
    return world.invoke(function, {**event, "run": {**event["run"], "version": "0" * 16}})


def _to_serve(world: World) -> str:
    return world.invoke("Tasks/CheckData", {**world.events["Tasks/CheckData"][0], "input": {**QUICK, "mode": "serve"}})


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


def _idle(world: World) -> str:
    """A campaign that nobody asked for longer than a day is parked; nothing was parked before."""
    world.age(world.spare_campaign())
    world.client("s3").delete_object(Bucket=world.bucket, Key=layout.PARKED)
    return world.invoke("Operations/WatchCampaigns", {"prefix": world.prefix, "park_in": world.bucket})


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
    if world.deployed.version_served(campaign) == world.promoted:
        other = next(arn for arn in world.versions() if arn != world.promoted)
        world.personalize.update_campaign(campaignArn=campaign, solutionVersionArn=other)
        world.settle(
            lambda: world.personalize.describe_campaign(campaignArn=campaign)["campaign"]["latestCampaignUpdate"]
        )
    return _training(world, world.training_to_serve)
