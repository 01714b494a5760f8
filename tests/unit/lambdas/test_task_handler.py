"""The decorator and the helpers for S3."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError, ReadTimeoutError, ResponseStreamingError
from fake_aws import FakePersonalize, FakeS3, clients, refused

from contract.plan import Measure, Measured
from lambdas.aws import Clients, NoSuchObject, client
from lambdas.errors import BadInput, NotAllowed, ResourceFailed, Throttled, Unavailable
from lambdas.task import task

CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 90_000)
EVENT = {"solution_version_arn": "arn"}


def handled(function: Any, event: Any = EVENT) -> Any:
    return task(Measure, function, client=lambda service: service)(event, CONTEXT)


def test_event_becomes_dataclass_and_result_json() -> None:
    def measure(event: Measure, aws: Clients) -> Measured:
        """What it does."""
        assert aws.seconds_left() == 90
        assert aws.s3 == "s3"
        return Measured(metrics={event.solution_version_arn: 0.5})

    assert handled(measure) == {"metrics": {"arn": 0.5}}
    assert task(Measure, measure).__doc__ == "What it does."


@pytest.mark.parametrize(
    "event", [{}, {"solution_version_arn": 1}, {"run_id": "r"}, [], {**EVENT, "run": {"run_id": "r"}}]
)
def test_wrong_event_is_bad_input(event: Any) -> None:
    with pytest.raises(BadInput, match="measure: event"):
        handled(measure, event)


def measure(event: Measure, aws: Clients) -> Measured:
    raise AssertionError("not to be called")


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "LimitExceededException", "TooManyRequestsException", "SlowDown"]
)
def test_throttling_has_one_name(code: str) -> None:
    def throttled(event: Measure, aws: Clients) -> Measured:
        raise refused(code)

    with pytest.raises(Throttled, match=code):
        handled(throttled)


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (refused("ThrottlingException", "Rate exceeded", "CreateCampaign"), Throttled, "fewer requests.*again later"),
        (refused("InternalServerException", "sorry", "CreateCampaign", status=500), Unavailable, "failed.*again later"),
        (refused("SlowDown", "wait", "CreateCampaign", status=503), Throttled, "fewer requests"),
        (refused("AccessDeniedException", "no", "CreateCampaign"), NotAllowed, "denied.*Deploy the stack again"),
        (refused("403", "Forbidden", "CreateCampaign", status=403), NotAllowed, "denied"),
    ],
)
def test_a_failed_call_says_whose_it_was_what_happened_and_what_to_do(
    error: Exception, raised: type[Exception], words: str
) -> None:
    def failing(event: Measure, aws: Clients) -> Measured:
        raise error

    with pytest.raises(raised, match=rf"^failing arn: .*{words}") as found:
        handled(failing)
    assert "CreateCampaign" in str(found.value)


@pytest.mark.parametrize(
    "error",
    [ReadTimeoutError(endpoint_url="https://aws"), ResponseStreamingError(error="cut off")],
)
def test_no_answer_is_tried_again_by_the_machine(error: Exception) -> None:
    def failing(event: Measure, aws: Clients) -> Measured:
        raise error

    with pytest.raises(Unavailable, match="failing arn: AWS did not answer"):
        handled(failing)


@pytest.mark.parametrize(
    "error",
    [refused("ValidationException"), ParamValidationError(report="a typo"), ResourceFailed("why"), Throttled("later")],
)
def test_other_errors_keep_their_name(error: Exception) -> None:
    def failing(event: Measure, aws: Clients) -> Measured:
        raise error

    with pytest.raises(type(error)) as raised:
        handled(failing)
    assert raised.value is error


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("https://personalize.eu-west-1.amazonaws.com", False),
        ("https://personalize.cn-north-1.amazonaws.com.cn", False),
        ("https://personalize.eusc-de-east-1.amazonaws.eu", False),
        ("https://personalize.eu-west-1.api.aws", False),
        ("http://localhost:4566", True),
        ("https://amazonaws.com.example.org", True),
        ("https://notamazonaws.com", True),
    ],
)
def test_local_is_what_is_not_amazons(endpoint: str, local: bool) -> None:
    assert clients(personalize=FakePersonalize(endpoint)).is_local is local


def test_real_clients_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert client("personalize-runtime") is client("personalize-runtime")
    assert not Clients(client).is_local


def test_objects() -> None:
    s3 = FakeS3()
    aws = clients(s3=s3)
    with pytest.raises(NoSuchObject, match="s3://b/none"):
        aws.read_json("b", "none")
    aws.write_json("b", "k.json", {"ä": [1, None]})
    assert s3.objects["k.json"] == '{"ä":[1,null]}'.encode()
    assert aws.read_json("b", "k.json") == {"ä": [1, None]}
    aws.write_json_lines("b", "p/1.jsonl", [1, {"a": "b\u2028"}])
    aws.write_json_lines("b", "p/2.jsonl", [2])
    assert list(aws.read_json_lines("b", "p/")) == [1, {"a": "b\u2028"}, 2]


def test_csv() -> None:
    s3 = FakeS3()
    aws = clients(s3=s3)
    s3.objects["a.csv"] = 'USER_ID,ITEM_ID,NOTE\r\nu1,"i,1",ä\r\nu2,i2,"two\nlines"\n'.encode()
    assert list(aws.read_columns("b", "a.csv", ["ITEM_ID", "USER_ID"])) == [["i,1", "u1"], ["i2", "u2"]]
    assert [row["NOTE"] for row in aws.read_csv("b", "a.csv")] == ["ä", "two\nlines"]
    with pytest.raises(KeyError, match=r"a\.csv has no column PRICE; it has USER_ID, ITEM_ID, NOTE"):
        aws.read_columns("b", "a.csv", ["PRICE"])
    with pytest.raises(NoSuchObject):
        aws.read_columns("b", "none.csv", ["USER_ID"])
