"""The deletion in Amazon Personalize: what is asked of the service, and what its answers mean."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from privacy import service
from privacy.errors import NotNow, PrivacyError
from privacy.places import Bucket
from privacy.rewriting import listed
from privacy.service import Deployed


class S3:
    """Keeps what is put."""

    def __init__(self) -> None:
        self.put: dict[str, Any] = {}

    def put_object(self, **given: Any) -> None:
        self.put = given


def deployed(**clients: Any) -> Deployed:
    return Deployed(
        stack="shop",
        bucket=Bucket("data-of-shop", clients.pop("s3", None)),
        group_arn="group",
        role_arn="role",
        machine_arn="machine",
        client=lambda name: SimpleNamespace(**clients[name]),
    )


def test_nothing_begins_while_a_run_goes_on() -> None:
    def executions(*names: str) -> Deployed:
        return deployed(stepfunctions={"list_executions": lambda **_: {"executions": [{"name": n} for n in names]}})

    executions().refuse_while_running()
    with pytest.raises(NotNow, match="the run r-1 of the stack shop is going on"):
        executions("r-1").refuse_while_running()


def test_the_list_tells_every_id_exactly_and_its_key_tells_none() -> None:
    s3, users = S3(), ['a "quoted" one', "one, with a comma", "two\nlines", "7"]
    key = deployed(s3=s3).write_list(users)
    assert listed(s3.put["Body"]) == users
    assert s3.put["Body"].startswith(b"USER_ID\n")
    assert s3.put["ServerSideEncryption"] == "AES256", "the service reads no list that a customer's key encrypts"
    assert key == s3.put["Key"]
    assert not any(user in key.removeprefix("data/deletions/forget-") for user in users[:3])


def test_an_interrupted_call_finds_the_job_of_its_list() -> None:
    def jobs(status: str) -> Deployed:
        pages = {
            None: {"dataDeletionJobs": [{"jobName": "another", "status": "PENDING"}], "nextToken": "2"},
            "2": {"dataDeletionJobs": [{"jobName": "forget-1", "status": status, "dataDeletionJobArn": "arn"}]},
        }
        return deployed(personalize={"list_data_deletion_jobs": lambda **given: pages[given.get("nextToken")]})

    key = "data/deletions/forget-1.csv"
    assert jobs("IN_PROGRESS").deletion_of(key) == "arn"
    assert jobs("FAILED").deletion_of(key) is None, "another one is needed"


def test_a_job_is_waited_for_and_its_failure_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.time, "sleep", lambda _: None)

    def answers(*jobs: dict[str, Any]) -> Deployed:
        told = iter(jobs)
        return deployed(personalize={"describe_data_deletion_job": lambda **_: {"dataDeletionJob": next(told)}})

    done = ({"status": "PENDING"}, {"status": "IN_PROGRESS"}, {"status": "COMPLETED", "numDeleted": 7})
    assert answers(*done).wait_for_deletion("arn") == 7
    with pytest.raises(PrivacyError, match="failed: no such list"):
        answers({"status": "FAILED", "failureReason": "no such list"}).wait_for_deletion("arn")


def test_a_group_in_use_is_a_matter_of_time() -> None:
    def refuse(**_: Any) -> None:
        said = {"Code": "ResourceInUseException", "Message": "a training goes on"}
        raise ClientError({"Error": said}, "CreateDataDeletionJob")

    with pytest.raises(NotNow, match=r"a training goes on\. Give the command again later"):
        deployed(personalize={"create_data_deletion_job": refuse}).start_deletion("data/deletions/forget-1.csv")
