"""A user is forgotten in a deployed stack: no object, no file of the engine and no log names them afterwards."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import traces
from deployed_stack import EXPERIMENT, QUICK, ROOT, Deployed, deployed_stack

from contract import layout
from contract.manifest import Manifest
from contract.recipes import DatasetKind
from local_cloud.leftovers import leftovers


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with deployed_stack(tmp_path_factory.mktemp("forget")) as found:
        yield found
        _drop_versions(found)
        found.destroy()
        assert leftovers(found.cloud) == []


def forget(deployed: Deployed, user: str, *options: str) -> tuple[int, str]:
    """Exit code and output of the command."""
    command = [sys.executable, "-m", "privacy", "forget", user, "--experiment", EXPERIMENT, "--stack", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=deployed.cloud.environment())
    return done.returncode, done.stdout + done.stderr


def versions(deployed: Deployed) -> list[dict[str, Any]]:
    """Every version of every object of every bucket."""
    s3 = deployed.cloud.client("s3")
    return [
        {"Bucket": bucket["Name"], "Key": entry["Key"], "VersionId": entry["VersionId"]}
        for bucket in s3.list_buckets()["Buckets"]
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket["Name"])
        for entry in page.get("Versions", [])
    ]


def _drop_versions(deployed: Deployed) -> None:
    """The stack's bucket keeps no versions; what this test had it keep is for this test to remove."""
    s3, bucket = deployed.cloud.client("s3"), deployed.outputs["DataBucketName"]
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
            s3.delete_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])


def everywhere(deployed: Deployed, user: str) -> list[str]:
    """Where the user is named: objects, files, logs, the histories of executions."""
    s3, logs = deployed.cloud.client("s3"), deployed.cloud.client("logs")
    found = [
        f"{version['Bucket']}/{version['Key']}"
        for version in versions(deployed)
        if user in version["Key"] or traces.in_bytes(_content(s3, version), user)
    ]
    found += traces.in_folder(deployed.cloud.work, user)
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
            found += [name for event in page["events"] if user in event["message"]]
    states = deployed.cloud.client("stepfunctions")
    for machine in states.list_state_machines()["stateMachines"]:
        for row in states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]:
            history = states.get_execution_history(executionArn=row["executionArn"], includeExecutionData=True)
            found += [row["name"]] if user in json.dumps(history, default=str) else []
    return sorted(set(found))


def _content(s3: Any, version: dict[str, Any]) -> bytes:
    # An object that was put before its bucket kept versions is read by its key.
    named = {} if version["VersionId"] == "null" else {"VersionId": version["VersionId"]}
    content: bytes = s3.get_object(Bucket=version["Bucket"], Key=version["Key"], **named)["Body"].read()
    return content


def read(deployed: Deployed, key: str) -> bytes:
    content: bytes = (
        deployed.cloud.client("s3").get_object(Bucket=deployed.outputs["DataBucketName"], Key=key)["Body"].read()
    )
    return content


def rows(deployed: Deployed, key: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read(deployed, key).decode())))


def manifest(deployed: Deployed) -> Manifest:
    return Manifest.from_json(json.loads(read(deployed, layout.MANIFEST)))


def test_a_user_is_forgotten_everywhere(deployed: Deployed) -> None:
    s3, bucket = deployed.cloud.client("s3"), deployed.outputs["DataBucketName"]
    code, said = forget(deployed, "anybody")
    assert code == 2
    assert "no data there yet" in said
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    deployed.publish()
    ended = deployed.execute(QUICK)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    before = manifest(deployed)
    report = json.loads(read(deployed, layout.report(ended["name"], "json")))
    user = report["examples"][0]["user"]
    made_up = _try_events(deployed, user, ended["name"], before)
    assert len(user) == len("visitor-001"), "no other id may contain it"

    assert forget(deployed, "nobody-of-that-name", "--yes")[0] == 2
    named = everywhere(deployed, user)
    for part in ("past/interactions.csv", "future/interactions.csv", "answers/", "judged/", "report.html", "histories"):
        assert any(part in name for name in named), part
    objects = versions(deployed)
    code, said = forget(deployed, user)
    assert code == 0, said
    assert "Nothing is changed yet" in said
    assert versions(deployed) == objects

    code, said = forget(deployed, user, "--yes")
    assert code == 0, said
    assert everywhere(deployed, user) == []
    assert everywhere(deployed, made_up) == []
    assert "solution versions were trained with the user" in said
    _others_are_as_they_were(deployed, before, user)
    after = json.loads(read(deployed, layout.report(ended["name"], "json")))
    assert len(after["recipes"]["aws-popularity-count"]["per_user"]) == QUICK["users"] - 1
    assert [row["user"] for row in after["examples"]] == [row["user"] for row in report["examples"][1:]]
    code, said = forget(deployed, user, "--yes")
    assert (code, "nothing names the user" in said) == (2, True)


def _log_group(deployed: Deployed) -> str:
    """One of the stack's."""
    resources = deployed.cloud.client("cloudformation").get_paginator("list_stack_resources")
    return next(
        str(row["PhysicalResourceId"])
        for page in resources.paginate(StackName=EXPERIMENT)
        for row in page["StackResourceSummaries"]
        if row["ResourceType"] == "AWS::Logs::LogGroup"
    )


def _try_events(deployed: Deployed, user: str, run: str, manifest: Manifest) -> str:
    """What the state "Try events" leaves when it plays this user; the made-up user's id."""
    future = sorted(
        (row for row in rows(deployed, manifest.files.future.key) if row["USER_ID"] == user),
        key=lambda row: int(row["TIMESTAMP"]),
    )
    made_up, sent = "probe-of-the-user", [row["ITEM_ID"] for row in future[:3]]
    for item in sent:
        event = {"eventType": "interaction", "itemId": item, "sentAt": int(time.time())}
        deployed.cloud.client("personalize-events").put_events(
            trackingId=deployed.outputs["TrackingId"], userId=made_up, sessionId=made_up, eventList=[event]
        )
    probe = {"user_id": made_up, "replayed_events": 5, "changed": True, "seconds": 0.1, "before": [], "after": []}
    other = {**probe, "user_id": "probe-of-another", "new_events": ["none"]}
    seen = {"recipe": "aws-hrnn", "probes_changed": 2, "median_seconds": 0.1}
    body = json.dumps({**seen, "probes": [{**probe, "new_events": sent}, other]})
    s3 = deployed.cloud.client("s3")
    s3.put_object(Bucket=deployed.outputs["DataBucketName"], Key=layout.events(run), Body=body.encode())
    return made_up


def _others_are_as_they_were(deployed: Deployed, before: Manifest, user: str) -> None:
    """The new version holds all rows but the user's, and its manifest says so."""
    now = manifest(deployed)
    assert now.version != before.version
    past = rows(deployed, layout.past(now.version, DatasetKind.INTERACTIONS))
    future = rows(deployed, layout.future(now.version))
    assert now.counts["past"].interactions == len(past) == now.files.past["Interactions"].rows
    assert now.counts["past"].users == len({row["USER_ID"] for row in past}) == before.counts["past"].users - 1
    assert now.counts["past"].items == len({row["ITEM_ID"] for row in past})
    assert now.counts["future"].interactions == len(future)
    known = {(row["USER_ID"], row["ITEM_ID"]) for row in past}
    repeated = sum((row["USER_ID"], row["ITEM_ID"]) in known for row in future)
    assert now.repeats_share == pytest.approx(repeated / len(future))
    assert now.files.past["Items"].sha256 == before.files.past["Items"].sha256


def test_the_next_run_trains_anew_and_what_a_run_left_on_this_machine_is_rewritten(
    deployed: Deployed, tmp_path: Path
) -> None:
    """Reports, logs, and a copy of the engine's folder, as `make run` leaves them."""
    known = deployed.made()
    run = deployed.execute(QUICK)
    assert run["status"] == "SUCCEEDED", run.get("cause")
    made = deployed.made()
    assert len(made["jobs"]) == 2 * len(known["jobs"]), "other data are imported anew"
    assert len(made["versions"]) == 2 * len(known["versions"]), "and trained on"
    report = json.loads(read(deployed, layout.report(run["name"], "json")))
    user = report["examples"][0]["user"]
    folder = tmp_path / EXPERIMENT / run["name"]
    folder.mkdir(parents=True)
    for suffix in ("json", "html"):
        content = read(deployed, layout.report(run["name"], suffix))
        (folder / f"report.{suffix}").write_bytes(content)
        (folder.parent / f"report.{suffix}").write_bytes(content)
    (folder / "logs").mkdir()
    (folder / "logs" / "functions.log").write_text(f"a line of {user}.\nanother line, of {user}9\n")
    deployed.cloud.engine("/pause", method="POST")
    shutil.copytree(deployed.cloud.engine_data, folder / "state", ignore=shutil.ignore_patterns("aside"))
    deployed.cloud.engine("/resume", method="POST")
    command = [sys.executable, "-m", "privacy", "forget", user, "--experiment", EXPERIMENT, "--out", str(tmp_path)]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (shown.returncode, "state of an engine" in shown.stdout) == (0, True), shown.stderr
    done = subprocess.run([*command, "--logs", "--yes"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "logs" / "functions.log").read_text() == f"another line, of {user}9\n"
    (folder / "logs" / "functions.log").unlink()
    assert traces.in_folder(tmp_path, user) == []
    assert (folder / "report.html").read_text()

    logs, group = deployed.cloud.client("logs"), _log_group(deployed)
    for stream in ("quotes-it", "knows-another"):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        lines = [{"timestamp": int(time.time() * 1000), "message": f"KeyError: 'another-one{stream[-3:]}'"}]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=lines)
    logs.put_log_events(
        logGroupName=group,
        logStreamName="quotes-it",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "KeyError: 'another-one'"}],
    )
    code, said = forget(deployed, "another-one", "--unknown", "--delete-solutions", "--logs", "--yes")
    assert code == 0, said
    assert deployed.made()["solutions"] == []
    streams = {row["logStreamName"] for row in logs.describe_log_streams(logGroupName=group)["logStreams"]}
    assert "knows-another" in streams
    assert "quotes-it" not in streams
