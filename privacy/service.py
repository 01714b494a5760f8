"""What Amazon Personalize, and the account around it, hold of a user, and how it is deleted there."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from contract import layout
from contract.fields import USER_ID
from privacy.errors import NotNow, PrivacyError
from privacy.places import Bucket
from privacy.rewriting import as_word

GOING_ON = ("PENDING", "IN_PROGRESS")
POLL_FIRST, POLL_LAST = 0.25, 30.0
"""Seconds between two looks; each wait is longer than the one before, since the service may take a day."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A stack's part in the account."""

    stack: str
    bucket: Bucket
    group_arn: str
    role_arn: str
    """With it the service reads the list."""
    machine_arn: str
    client: Callable[[str], Any]
    """boto3 client by service."""

    def refuse_while_running(self) -> None:
        """NotNow if a run goes on: it may bring back what is deleted."""
        running = self.client("stepfunctions").list_executions(
            stateMachineArn=self.machine_arn, statusFilter="RUNNING"
        )["executions"]
        if running:
            raise NotNow(
                f"the run {running[0]['name']} of the stack {self.stack} is going on, and would bring the user back:"
                " wait until it is over, or stop it, then give the command again"
            )

    # ----------------------------------------------------------------------------------------------------- deletion job
    def write_list(self, users: Sequence[str]) -> str:
        """The list for the job, which is also what a later call finds if this one does not come to its end; its key."""
        key = layout.deletion_list(f"forget-{secrets.token_hex(6)}")
        body = "".join(f"{_cell(user)}\n" for user in (USER_ID, *users))
        # The service reads no list that a customer's key encrypts.
        self.bucket.s3.put_object(
            Bucket=self.bucket.bucket,
            Key=key,
            Body=body.encode(),
            ServerSideEncryption="AES256",
            ContentType="text/csv",
        )
        return key

    def start_deletion(self, key: str) -> str:
        """ARN of the job, which is named as its list."""
        try:
            made = self.client("personalize").create_data_deletion_job(
                jobName=PurePosixPath(key).stem,
                datasetGroupArn=self.group_arn,
                dataSource={"dataLocation": f"{self.bucket.name}/{key}"},
                roleArn=self.role_arn,
            )
        except ClientError as error:
            said = error.response["Error"]
            if said["Code"] in {"ResourceInUseException", "LimitExceededException"}:
                raise NotNow(
                    f"Amazon Personalize cannot delete now: {said['Message']}. Give the command again later"
                ) from None
            raise
        return str(made["dataDeletionJobArn"])

    def deletion_of(self, key: str) -> str | None:
        """ARN of the job with that list if it is going on: an earlier call may have been interrupted."""
        name = PurePosixPath(key).stem
        for job in self._listed("list_data_deletion_jobs", "dataDeletionJobs", datasetGroupArn=self.group_arn):
            if job["jobName"] == name and job["status"] in GOING_ON:
                return str(job["dataDeletionJobArn"])
        return None

    def wait_for_deletion(self, arn: str) -> int:
        """Rows deleted, once it is done; PrivacyError if it failed."""
        for _ in _pauses():
            job = self.client("personalize").describe_data_deletion_job(dataDeletionJobArn=arn)["dataDeletionJob"]
            if job["status"] == "COMPLETED":
                return int(job.get("numDeleted", 0))
            if job["status"] not in GOING_ON:
                raise PrivacyError(
                    f"the data deletion job {arn} failed: {job.get('failureReason', job['status'])}. Everything else is"
                    " done; give the command again to try once more"
                )
        raise AssertionError("waiting ends with the job alone")

    # -------------------------------------------------------------------------------------------------------- solutions
    def versions(self) -> list[str]:
        """Solution versions of the group: trained with the user, unless a later run trains them anew."""
        return [
            version["solutionVersionArn"]
            for arn in self._solutions()
            for version in self._listed("list_solution_versions", "solutionVersions", solutionArn=arn)
        ]

    def delete_solutions(self) -> int:
        """All of the group, with their versions and campaigns; how many. A single version cannot be deleted on AWS."""
        personalize, solutions = self.client("personalize"), self._solutions()
        campaigns = [
            campaign["campaignArn"]
            for arn in solutions
            for campaign in self._listed("list_campaigns", "campaigns", solutionArn=arn)
        ]
        for arn in campaigns:
            personalize.delete_campaign(campaignArn=arn)
        _gone(lambda: any([*self._listed("list_campaigns", "campaigns", solutionArn=arn)] for arn in solutions))
        for arn in solutions:
            personalize.delete_solution(solutionArn=arn)
        _gone(lambda: bool(self._solutions()))
        return len(solutions)

    def _solutions(self) -> list[str]:
        found = self._listed("list_solutions", "solutions", datasetGroupArn=self.group_arn)
        return [row["solutionArn"] for row in found]

    def _listed(self, operation: str, member: str, **of: str) -> Iterator[dict[str, Any]]:
        call = getattr(self.client("personalize"), operation)  # some of these lists have no paginator
        more: dict[str, str] = {}
        while True:
            answer = call(**of, **more)
            yield from answer[member]
            if not answer.get("nextToken"):
                return
            more = {"nextToken": answer["nextToken"]}

    # ------------------------------------------------------------------------------------------------------------- logs
    def log_streams(self, user: str) -> list[tuple[str, str]]:
        """(group, stream) of the stack's logs that have the id as a word. No task writes one; errors may quote one."""
        cloudformation, logs = self.client("cloudformation"), self.client("logs")
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.stack)
        groups = [
            row["PhysicalResourceId"]
            for page in pages
            for row in page["StackResourceSummaries"]
            if row["ResourceType"] == "AWS::Logs::LogGroup"
        ]
        pattern = '"{}"'.format(user.replace("\\", "\\\\").replace('"', '\\"'))
        word, found = as_word(user), set()
        for group in groups:
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern=pattern):
                found |= {
                    (group, event["logStreamName"])
                    for event in page["events"]
                    if word.search(event["message"].encode())
                }
        return sorted(found)

    def delete_log_streams(self, streams: Sequence[tuple[str, str]]) -> None:
        """As wholes: single lines cannot be deleted."""
        for group, stream in streams:
            self.client("logs").delete_log_stream(logGroupName=group, logStreamName=stream)


def _gone(there: Callable[[], bool]) -> None:
    for _ in _pauses():
        if not there():
            return


def _pauses() -> Iterator[None]:
    pause = POLL_FIRST
    while True:
        yield
        time.sleep(pause)
        pause = min(POLL_LAST, pause * 1.5)


def _cell(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""')) if any(sign in text for sign in '",\r\n') else text
