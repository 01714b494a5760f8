"""Data deletion jobs: afterwards no file of the engine names the user, and nobody else notices."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import traces
from botocore.exceptions import ClientError
from engine_server import BUCKET, ROLE, SMALL, Bench, EngineProcess, interactions_csv, schema, settled, wait_for

GONE, STAYS = "user-to-be-forgotten", "user-who-stays"
RECIPES = {
    "aws-hrnn": {"solutionConfig": SMALL},
    "aws-popularity-count": {},
    "aws-sims": {},
    "aws-similar-items": {},
    "aws-trending-now": {},
}


def named(body: bytes) -> bytes:
    """u1 and u2 with names that no other text contains."""
    return body.replace(b"\nu1,", f"\n{GONE},".encode()).replace(b"\nu2,", f"\n{STAYS},".encode())


def delete(bench: Bench, group: str, listed: str | bytes, **more: Any) -> dict[str, Any]:
    """The job that deletes the users of a list, once it is over."""
    body = listed if isinstance(listed, bytes) else f"USER_ID\n{listed}\n".encode()
    request = {
        "jobName": bench.name("delete"),
        "datasetGroupArn": group,
        "dataSource": {"dataLocation": bench.put(body)},
        "roleArn": ROLE,
    }
    arn = bench.personalize.create_data_deletion_job(**{**request, **more})["dataDeletionJobArn"]

    def over() -> dict[str, Any] | None:
        job: dict[str, Any] = bench.personalize.describe_data_deletion_job(dataDeletionJobArn=arn)["dataDeletionJob"]
        return job if job["status"] in {"COMPLETED", "FAILED"} else None

    return wait_for(over)  # type: ignore[no-any-return]


@pytest.fixture
def own(start_engine: Callable[..., EngineProcess], s3: Any) -> Bench:
    """An engine whose folder holds nothing but this test's data."""
    return Bench(start_engine(options=("--cores", "1", "--effort", "quick")), s3)


def test_a_deleted_user_is_in_no_file_and_others_are_answered_as_before(own: Bench) -> None:
    group = own.group()
    interactions, users = (
        own.dataset(group),
        own.dataset(group, "Users", schema("Users", {"name": "AGE", "type": "int"})),
    )
    assert own.load(interactions, own.put(named(interactions_csv())))["status"] == "ACTIVE"
    rows = "".join(f"{name},{age}\n" for age, name in enumerate([GONE, STAYS, *(f"u{n}" for n in range(3, 30))]))
    assert own.load(users, own.put(f"USER_ID,AGE\n{rows}".encode()))["status"] == "ACTIVE"
    tracker = own.personalize.create_event_tracker(name=own.name(), datasetGroupArn=group)
    settled(own.personalize, "event_tracker", tracker["eventTrackerArn"])

    def send(session: str, item: str, **who: str) -> None:
        event = {"eventType": "view", "itemId": item, "sentAt": int(time.time())}
        own.events.put_events(trackingId=tracker["trackingId"], sessionId=session, eventList=[event], **who)

    send("a-session", "i3")
    send("a-session", "i5", userId=GONE)
    send("a-session", "i7")  # signed out again: still the same person
    send(GONE, "i9")  # an app that has the user's id as the session's
    send("another", "i2", userId=STAYS)
    own.events.put_users(datasetArn=users, users=[{"userId": GONE, "properties": '{"age": 50}'}])
    campaigns = {name: own.served(group, name, **more) for name, more in RECIPES.items()}

    folder = own.engine.folder
    assert traces.in_folder(folder, GONE), "the search would find nothing anyway"
    asked = {"userId": STAYS, "itemId": "i2"}
    before = {name: own.items(arn, **_fitting(name, asked)) for name, arn in campaigns.items()}
    known = own.items(campaigns["aws-hrnn"], userId=GONE)
    assert known != own.items(campaigns["aws-hrnn"], userId="nobody")

    job = delete(own, group, GONE)
    assert job["status"] == "COMPLETED", job.get("failureReason")
    # 25 imported interactions, a row of Users that was imported and one that was put, four events
    assert job["numDeleted"] == 25 + 1 + 1 + 4
    assert traces.in_folder(folder, GONE) == []
    assert traces.in_folder(folder, STAYS)
    assert own.items(campaigns["aws-hrnn"], userId=GONE) == own.items(campaigns["aws-hrnn"], userId="nobody")
    assert {name: own.items(arn, **_fitting(name, asked)) for name, arn in campaigns.items()} == before
    again = own.version(own.solution(group, "aws-popularity-count"))
    assert again["status"] == "ACTIVE"
    assert delete(own, group, GONE)["numDeleted"] == 0, "there is nothing left to delete"

    own.engine.kill()
    own.engine.start()
    assert traces.in_folder(folder, GONE) == []
    listed = own.engine.client().list_data_deletion_jobs(datasetGroupArn=group)["dataDeletionJobs"]
    assert [row["status"] for row in listed] == ["COMPLETED", "COMPLETED"]


def _fitting(recipe: str, asked: dict[str, str]) -> dict[str, str]:
    related = recipe in {"aws-sims", "aws-similar-items"}
    return {"itemId": asked["itemId"]} if related else {"userId": asked["userId"]}


def test_the_command_takes_a_user_out_of_a_folder_that_no_engine_has_open(own: Bench) -> None:
    group = own.filled_group(named(interactions_csv()))
    own.version(own.solution(group, "aws-popularity-count"))
    folder = own.engine.folder
    command = [sys.executable, "-m", "personalize_engine", "forget", "--data-dir", str(folder)]
    busy = subprocess.run(command, input=json.dumps([GONE]), text=True, capture_output=True)
    assert busy.returncode == 2
    assert "in use by another engine" in busy.stderr
    own.engine.kill()
    assert traces.in_folder(folder, GONE)
    looked = subprocess.run([*command, "--look"], input=json.dumps([GONE]), text=True, capture_output=True, check=True)
    assert looked.stdout == "27\n", "rows, the file that they are in, and that of the version's histories"
    assert traces.in_folder(folder, GONE)
    done = subprocess.run(command, input=json.dumps([GONE]), text=True, capture_output=True, check=True)
    assert done.stdout == looked.stdout
    looked = subprocess.run([*command, "--look"], input=json.dumps([GONE]), text=True, capture_output=True, check=True)
    assert looked.stdout == "0\n"
    assert traces.in_folder(folder, GONE) == []
    assert traces.in_folder(folder, STAYS)


def test_a_job_cut_off_is_done_at_the_next_start(own: Bench) -> None:
    group = own.filled_group(named(interactions_csv()))
    arn = own.personalize.create_data_deletion_job(
        jobName="cut-off",
        datasetGroupArn=group,
        dataSource={"dataLocation": own.put(f"USER_ID\n{GONE}\n".encode())},
        roleArn=ROLE,
    )["dataDeletionJobArn"]
    own.engine.kill()
    own.engine.start()
    personalize = own.engine.client()

    def completed() -> bool:
        job = personalize.describe_data_deletion_job(dataDeletionJobArn=arn)["dataDeletionJob"]
        assert job["status"] != "FAILED", job["failureReason"]
        return bool(job["status"] == "COMPLETED")

    wait_for(completed)
    assert traces.in_folder(own.engine.folder, GONE) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is empty"),
        (b"USER\nu1\n", "missing the following columns: [USER_ID]"),
        (b"USER_ID,AGE\nu1,3\n", "columns that the schema lacks: [AGE]"),
        (b"USER_ID\n", "no rows"),
        (b'USER_ID\n""\n', "USER_ID is empty"),
    ],
)
def test_a_list_that_cannot_be_read_fails_the_job(bench: Bench, filled_group: str, body: bytes, reason: str) -> None:
    job = delete(bench, filled_group, body)
    assert job["status"] == "FAILED"
    assert reason in job["failureReason"]
    assert "numDeleted" not in job


def test_a_list_that_is_not_there_fails_the_job(bench: Bench, filled_group: str) -> None:
    job = delete(bench, filled_group, "u1", dataSource={"dataLocation": f"s3://{BUCKET}/no/such/list.csv"})
    assert (job["status"], job["failureReason"]) == ("FAILED", f"There is no data at s3://{BUCKET}/no/such/list.csv.")


def test_what_a_request_must_hold(bench: Bench, filled_group: str) -> None:
    def refused(code: str, **more: Any) -> str:
        with pytest.raises(ClientError) as error:
            delete(bench, filled_group, "u1", **more)
        assert error.value.response["Error"]["Code"] == code
        return str(error.value.response["Error"]["Message"])

    assert "dataLocation" in refused("InvalidInputException", dataSource={})
    refused("ResourceNotFoundException", datasetGroupArn=f"{filled_group}-none")
    done = delete(bench, filled_group, "nobody-of-that-name")
    assert done["numDeleted"] == 0
    refused("ResourceAlreadyExistsException", jobName=done["jobName"])


def test_not_while_a_training_goes_on(own: Bench) -> None:
    group = own.filled_group()
    solution = own.solution(group, "aws-hrnn")
    training = own.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    with pytest.raises(ClientError, match=f"ResourceInUseException.*{training}"):
        delete(own, group, "u1")
    own.personalize.stop_solution_version_creation(solutionVersionArn=training)
    assert delete(own, group, "u1")["status"] == "COMPLETED"
