"""Scenarios of the clean-up: the custom resources' function, the machine it starts, and what the machine calls."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from deployed_stack import QUICK
from deployed_world import LIMIT, Event, World
from scenarios import Scenario

from contract import naming

SLOW_RECIPE = "arn:aws:personalize:::recipe/aws-hrnn"
"""Trains for longer than a clean-up takes to notice."""
TRACKER = "again-tracker"


def cleaning(world: World) -> Iterator[Scenario]:
    """First what harms nothing, then what deletes what runs made, then what deletes the data."""
    yield Scenario("a clean-up", lambda: _machine(world, "dataset-group", _no_group(world)))
    yield Scenario("Teardown/StartCleanUp", lambda: _start(world))
    yield Scenario("Teardown/CleanUp, while a run goes on", lambda: _while_running(world), late=1)
    yield Scenario("Teardown/CleanUp, while a training goes on", lambda: _while_training(world), late=1)
    yield Scenario("Teardown/CleanUp, of all that runs made", lambda: _of_all(world), late=1)
    for bucket in ("Storage/Logs", "Storage/Data"):
        yield Scenario(f"Teardown/EmptyBucket, of {bucket}", lambda bucket=bucket: _empty(world, bucket), late=2)
    yield Scenario("AddedColumns/DeleteSchemas", lambda: _delete_schemas(world))
    yield Scenario("Tasks/AddColumns, a column more", lambda: _add_column(world), late=2)
    yield Scenario("a clean-up of a bucket", lambda: _whole_empty(world), late=2)


# ------------------------------------------------------------------------------------------ the machine, and its start
def _no_group(world: World) -> str:
    return f"{world.group.rsplit('/', 1)[0]}/{world.prefix}-gone"


def _request(world: World, subject: str) -> tuple[Event, str]:
    """A custom resource's request, and the key of the object in which its answer arrives."""
    world.number += 1
    name = f"answer-{world.number}-{int(time.time())}"
    place = {"Bucket": _answers(world), "Key": name}
    url = world.client("s3").generate_presigned_url("put_object", Params={**place, "ContentType": ""})
    told = {"StackId": "stack", "RequestId": name, "LogicalResourceId": "Again", "PhysicalResourceId": subject}
    return {"ResponseURL": url, **told}, name


def _answers(world: World) -> str:
    """A bucket of the test's own: on AWS as here, the answer is an object in one of CloudFormation's."""
    name = f"{world.prefix}-answers"
    world.client("s3").create_bucket(Bucket=name)
    return name


def _answer(world: World, key: str) -> str:
    """The reason of a failure that CloudFormation is told; "" if it is told of none."""
    s3 = world.client("s3")
    if not s3.list_objects_v2(Bucket=_answers(world), Prefix=key).get("Contents"):
        return ""
    told = json.loads(s3.get_object(Bucket=_answers(world), Key=key)["Body"].read())
    return str(told.get("Reason", ""))


def _machine(world: World, kind: str, subject: str) -> str:
    request, _ = _request(world, subject)
    given = {"kind": kind, "subject": subject, "keep": [], "request": request}
    return world.execute(world.deployed.outputs["CleanUpMachineArn"], given)


def _start(world: World) -> str:
    subject = _no_group(world)
    request, key = _request(world, subject)
    properties = {"Kind": "dataset-group", "Subject": subject, "Keep": []}
    told = world.invoke("Teardown/StartCleanUp", {**request, "RequestType": "Delete", "ResourceProperties": properties})
    told = told or _answer(world, key)
    if not told:  # the machine was started under the request's name: it must not go on beside what comes next
        machine = world.deployed.outputs["CleanUpMachineArn"]
        world.deployed.ended(f"{machine.replace(':stateMachine:', ':execution:')}:{key}")
    return told


# --------------------------------------------------------------------------------------------------- one pass of it
def _pass(world: World, keep: list[str]) -> str:
    event = {
        "subject": world.group,
        "machine": world.deployed.outputs["StateMachineArn"],
        "keep": keep,
        "growing": True,
        "started_at": datetime.now(UTC).isoformat(),
    }
    return world.invoke("Teardown/CleanUp", event)


def _owned(world: World) -> list[str]:
    trackers = world.personalize.list_event_trackers(datasetGroupArn=world.group)["eventTrackers"]
    return [row["eventTrackerArn"] for row in trackers]


def _while_running(world: World) -> str:
    execution = world.deployed.start({**QUICK, "train_afresh": True})
    try:
        return _pass(world, _owned(world))
    finally:
        world.client("stepfunctions").stop_execution(executionArn=execution)
        world.deployed.ended(execution)
        world.idle()


def _while_training(world: World) -> str:
    personalize = world.personalize
    solution = personalize.create_solution(
        name=world.new_name(), datasetGroupArn=world.group, recipeArn=SLOW_RECIPE, performAutoTraining=False
    )["solutionArn"]
    world.settle(lambda: personalize.describe_solution(solutionArn=solution)["solution"])
    _ready(world)
    version = personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    try:
        return _pass(world, _owned(world))
    finally:
        described = personalize.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
        if described["status"] in {"CREATE PENDING", "CREATE IN_PROGRESS"}:
            personalize.stop_solution_version_creation(solutionVersionArn=version)
        world.settle(
            lambda: personalize.describe_solution_version(solutionVersionArn=version)["solutionVersion"],
            until="CREATE STOPPED",
        )


def _of_all(world: World) -> str:
    """One of each kind that a clean-up deletes."""
    personalize, group = world.personalize, world.group
    _ready(world)
    if not world.campaigns():
        world.run({**QUICK, "mode": "serve"})
    solution = personalize.create_solution(
        name=world.new_name(), datasetGroupArn=group, **world.events["Tasks/EnsureSolution"][0]["request"]
    )["solutionArn"]
    world.settle(lambda: personalize.describe_solution(solutionArn=solution)["solution"])
    if not personalize.list_filters(datasetGroupArn=group)["Filters"]:
        made = personalize.create_filter(
            name=world.new_name(), datasetGroupArn=group, filterExpression='EXCLUDE ItemID WHERE Items.GENRES IN ("x")'
        )
        world.settle(lambda: personalize.describe_filter(filterArn=made["filterArn"])["filter"])
    if not _owned(world):
        made = personalize.create_event_tracker(name=TRACKER, datasetGroupArn=group)
        world.settle(
            lambda: personalize.describe_event_tracker(eventTrackerArn=made["eventTrackerArn"])["eventTracker"]
        )
    return _pass(world, [])


def _ready(world: World) -> None:
    """Until what an earlier pass deleted is gone, and there are data to train on."""
    personalize, of_group = world.personalize, {"datasetGroupArn": world.group}
    limit = time.monotonic() + LIMIT

    def going() -> list[str]:
        rows = [
            *personalize.list_solutions(**of_group)["solutions"],
            *personalize.list_campaigns()["campaigns"],
            *personalize.list_filters(**of_group)["Filters"],
            *personalize.list_event_trackers(**of_group)["eventTrackers"],
        ]
        return [row["status"] for row in rows if row["status"].startswith("DELETE")]

    while going():
        assert time.monotonic() < limit, going()
        time.sleep(0.05)
    world.idle()


# ------------------------------------------------------------------------------------------------------ added columns
def _delete_schemas(world: World) -> str:
    """Of a group that is gone."""
    group = f"{world.prefix}-group-gone"
    schema = world.events["Tasks/AddColumns"][0]["schema"]
    world.personalize.create_schema(name=f"{naming.grown_schemas(group)}{time.time_ns()}", schema=schema["text"])
    request, key = _request(world, group)
    event = {**request, "RequestType": "Delete", "ResourceProperties": {"Subject": group}}
    return world.invoke("AddedColumns/DeleteSchemas", event) or _answer(world, key)


def _add_column(world: World) -> str:
    """To those that are there; no import fits the dataset afterwards."""
    personalize, event = world.personalize, world.events["Tasks/AddColumns"][0]
    dataset = personalize.describe_dataset(datasetArn=event["dataset_arn"])["dataset"]
    declared = json.loads(personalize.describe_schema(schemaArn=dataset["schemaArn"])["schema"]["schema"])
    name = event["schema"]["name"]
    declared["fields"].append({"name": f"MORE_{time.time_ns()}", "type": ["null", "int"]})
    more = {"name": f"{name[:-8]}{world.new_name()[-8:]}", "text": json.dumps(declared)}
    told = world.invoke("Tasks/AddColumns", {**event, "schema": more})
    world.settle(
        lambda: personalize.describe_dataset(datasetArn=event["dataset_arn"])["dataset"]["latestDatasetUpdate"]
    )
    return told


# -------------------------------------------------------------------------------------------------------- its buckets
def _empty(world: World, path: str) -> str:
    bucket = world.physical(path)
    with _open_again(world, bucket):
        return world.invoke("Teardown/EmptyBucket", {"subject": bucket})


def _whole_empty(world: World) -> str:
    bucket = world.physical("Storage/Logs")
    with _open_again(world, bucket):
        return _machine(world, "bucket", bucket)


@contextmanager
def _open_again(world: World, bucket: str) -> Iterator[None]:
    """With an object in it; afterwards objects can be put into it as before."""
    s3 = world.client("s3")
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.put_object(Bucket=bucket, Key="again", Body=b"")
    try:
        yield
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
