"""What CloudFormation asks and is answered: by the function at once, or by the machine's last state."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from email.message import Message
from typing import Any
from urllib.error import HTTPError

import pytest
from fake_aws import ACCOUNT, check, refused

from lambdas import aws, custom_resource
from lambdas.errors import NotAllowed, Unavailable
from lambdas.tasks import answer, start_cleanup

OLD = f"{ACCOUNT}:dataset-group/exp-123456-group-00000000"
NEW = f"{ACCOUNT}:dataset-group/exp-123456-group-11111111"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:exp-123456-clean-up"
FAILED_TASK = json.dumps(
    {"Error": "CleanUpTookTooLong", "Cause": json.dumps({"errorType": "CleanUpTookTooLong", "errorMessage": "why"})}
)


class States:
    """Step Functions, as far as it is used."""

    def __init__(self, error: str | None = None) -> None:
        self.started: list[dict[str, str]] = []
        self.error = error

    def start_execution(self, **parameters: str) -> None:
        check("stepfunctions", "StartExecution", parameters)
        if self.error:
            raise refused(self.error, "no")
        self.started.append(parameters)


class Answers(list[tuple[str, dict[str, str]]]):
    def __call__(self, url: str, content: dict[str, str]) -> None:
        self.append((url, content))


def _request(kind: str, **members: Any) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "RequestId": "11111111-2222-3333-4444-555555555555",
        "ResponseURL": "https://example.test/signed",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/exp/1",
        "LogicalResourceId": "TeardownDatasetGroup",
        "ResourceType": "Custom::CleanUp",
        "ResourceProperties": {"Kind": "dataset-group", "Subject": NEW, "Keep": [f"{ACCOUNT}:event-tracker/1"]},
        **members,
    }


def _start(request: dict[str, Any], states: States) -> tuple[str, Answers]:
    answers = Answers()
    return start_cleanup.start(request, state_machine_arn=MACHINE, states=states, answer=answers), answers


@pytest.mark.parametrize("members", [{"RequestType": "Create"}, {"RequestType": "Update", "PhysicalResourceId": OLD}])
def test_create_and_update_answer_at_once_with_the_subject_as_id(members: dict[str, str]) -> None:
    states = States()
    done, answers = _start(_request("Create") | members, states)
    assert (done, states.started) == ("answered", [])
    ((url, content),) = answers
    assert url == "https://example.test/signed"
    assert content == {
        "Status": "SUCCESS",
        "PhysicalResourceId": NEW,
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/exp/1",
        "RequestId": "11111111-2222-3333-4444-555555555555",
        "LogicalResourceId": "TeardownDatasetGroup",
    }


def test_delete_cleans_the_id_in_the_event_and_not_the_current_property() -> None:
    states = States()
    done, answers = _start(_request("Delete", PhysicalResourceId=OLD), states)
    assert (done, answers) == ("started", [])
    (started,) = states.started
    assert (started["stateMachineArn"], started["name"]) == (MACHINE, "11111111-2222-3333-4444-555555555555")
    wanted = json.loads(started["input"])
    assert (wanted["kind"], wanted["subject"], wanted["keep"]) == (
        "dataset-group",
        OLD,
        [f"{ACCOUNT}:event-tracker/1"],
    )
    assert set(wanted["request"]) == {"ResponseURL", *custom_resource.MEMBERS}
    assert wanted["request"]["PhysicalResourceId"] == OLD


def test_a_repeated_delete_finds_its_execution() -> None:
    assert _start(_request("Delete", PhysicalResourceId=OLD), States("ExecutionAlreadyExists"))[0] == "started"


def test_delete_after_a_create_that_failed_has_nothing_to_clean() -> None:
    states = States()
    done, answers = _start(_request("Delete", PhysicalResourceId="exp-TeardownDatasetGroup-ABC123"), states)
    assert (done, states.started) == ("nothing to clean", [])
    assert answers[0][1]["Status"] == "SUCCESS"


def test_a_bucket_s_id_is_its_name() -> None:
    states = States()
    properties = {"Kind": "bucket", "Subject": "exp-data", "Keep": []}
    _start(_request("Delete", PhysicalResourceId="exp-data", ResourceProperties=properties), states)
    assert json.loads(states.started[0]["input"])["subject"] == "exp-data"


def test_a_bucket_that_was_never_given_an_id_is_not_emptied() -> None:
    states = States()
    properties = {"Kind": "bucket", "Subject": "exp-data", "Keep": []}
    for made_up in ("exp-TeardownDataBucket-ABC123", "TeardownDataBucket"):
        request = _request("Delete", PhysicalResourceId=made_up, ResourceProperties=properties)
        assert _start(request, states)[0] == "nothing to clean"
    assert states.started == []


def test_what_goes_wrong_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers()
    monkeypatch.setenv("STATE_MACHINE_ARN", MACHINE)
    monkeypatch.setattr(aws, "client", lambda service: States("AccessDeniedException"))
    monkeypatch.setattr(custom_resource, "send", answers)
    assert start_cleanup.handler(_request("Delete", PhysicalResourceId=OLD), None) == {"done": "failed"}
    ((_, content),) = answers
    assert (content["Status"], content["PhysicalResourceId"]) == ("FAILED", OLD)
    assert "AccessDeniedException" in content["Reason"]
    assert content["Reason"].endswith("Destroy the stack again")


@pytest.fixture
def cloudformation() -> Iterator[http.server.HTTPServer]:
    """A server that notes the PUTs it gets."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            length = int(self.headers["Content-Length"])
            self.server.seen.append((self.headers["Content-Type"], json.loads(self.rfile.read(length))))  # type: ignore[attr-defined]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _event(server: http.server.HTTPServer, **members: str) -> dict[str, Any]:
    url = f"http://127.0.0.1:{server.server_port}/signed"
    request = _request("Delete", PhysicalResourceId=OLD, ResponseURL=url)
    return {"request": {key: request[key] for key in ("ResponseURL", *custom_resource.MEMBERS)}, **members}


def test_the_machine_answers_over_http(cloudformation: Any) -> None:
    assert answer.handler(_event(cloudformation), None) == {"status": "SUCCESS"}
    ((content_type, content),) = cloudformation.seen
    assert content_type == ""  # the URL is signed for that
    assert content["Status"] == "SUCCESS"
    assert content["PhysicalResourceId"] == OLD
    assert "Reason" not in content


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FAILED_TASK, "CleanUpTookTooLong: why"),
        ('{"Error":"States.Timeout"}', '{"Error":"States.Timeout"}'),
        ('{"Error":"X","Cause":"plain"}', '{"Error":"X","Cause":"plain"}'),
        ("x" * 5000, "x" * 1000),
    ],
)
def test_a_failure_is_answered_with_a_readable_reason(cloudformation: Any, error: str, reason: str) -> None:
    assert answer.handler(_event(cloudformation, error=error), None) == {"status": "FAILED"}
    assert cloudformation.seen[0][1]["Reason"] == reason


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (OSError("no route"), Unavailable, "cannot be reached: no route"),
        (HTTPError("https://cfn", 503, "Slow Down", Message(), None), Unavailable, "cannot be reached: HTTP Error 503"),
        (HTTPError("https://cfn", 403, "Forbidden", Message(), None), NotAllowed, "refuses the answer.*HTTP Error 403"),
    ],
)
def test_an_answer_is_tried_three_times(error: OSError, raised: type[Exception], words: str) -> None:
    attempts: list[bytes] = []

    def unreachable(url: str, content: bytes) -> None:
        attempts.append(content)
        raise error

    with pytest.raises(raised, match=rf"^answer for Bucket: .*{words}.*destroy the stack again"):
        custom_resource.send("https://cfn", {"Status": "SUCCESS", "LogicalResourceId": "Bucket"}, put=unreachable)
    assert len(attempts) == 3
