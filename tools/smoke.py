"""Deploys an experiment to the account of your credentials, runs it, destroys it and looks for what is left.

    AWS_SMOKE=1 python -m tools.smoke [--keep]       (`AWS_SMOKE=1 make smoke [KEEP=1]`)

It costs money and takes about two hours on AWS, so it does nothing without AWS_SMOKE=1. NOT YET RUN AGAINST A REAL
ACCOUNT: a test runs it whole against the local cloud, which differs (docs/first-deploy.md). The stack is the one of
quickstart in an environment of its own, so that one of yours is not touched; only the popularity recipe is trained, and
few users are asked. The account must be bootstrapped for the CDK.

Exit codes: 0 all went well and nothing is left; 1 something failed, or is left; 2 it was not asked for, or there are no
credentials. The stack is destroyed in any case, with Ctrl-C too, unless `--keep` was given.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from contract import layout, naming
from contract.results import JUDGE_METRIC, Report
from local_cloud import cdk
from local_cloud.leftovers import listed

EXPERIMENT, ENVIRONMENT = "quickstart", "smoke"
STACK = naming.stack_name(EXPERIMENT, ENVIRONMENT)
RECIPE, USERS = "aws-popularity-count", 40
LIMIT = 6 * 3600
"""Seconds for the run."""
LOOK = 5.0
"""Seconds between two looks at it."""
CONSENT = "AWS_SMOKE"


class Failed(Exception):
    """What did not go as it should."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.smoke", description="deploy, run and destroy on AWS")
    parser.add_argument("--keep", action="store_true", help="leave the stack and what its run made")
    asked = parser.parse_args(arguments)
    if os.environ.get(CONSENT) != "1":
        print(f"This deploys to AWS and costs money. If that is meant: {CONSENT}=1 make smoke", file=sys.stderr)
        return 2
    try:
        account = boto3.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        print(f"{error}\n{cdk.NO_CREDENTIALS}", file=sys.stderr)
        return 2
    _say(f"account {account}, region {boto3.Session().region_name}, stack {STACK}")
    before = set(listed(_client))
    steps: list[Callable[[], None]] = [_deploy_and_run]
    if not asked.keep:
        steps += [_destroy, lambda: _look_for_leftovers(before)]
    problems = [problem for step in steps if (problem := _problem_of(step))]
    for problem in problems:
        print(f"smoke: FAILED: {problem}", file=sys.stderr)
    if not problems:
        _say("passed" + (f"; the stack {STACK} is kept" if asked.keep else "; nothing is left"))
    return 1 if problems else 0


def _problem_of(step: Callable[[], None]) -> str | None:
    """Ctrl-C is one too: what follows a step takes it away again."""
    try:
        step()
    except (Failed, BotoCoreError, ClientError) as error:
        return str(error)
    except KeyboardInterrupt:
        return "interrupted"
    return None


def _deploy_and_run() -> None:
    _step("deploy", _cdk("deploy", "--require-approval", "never"))
    _step("publish", [sys.executable, "-m", "data_prep", EXPERIMENT, "--stack", "-c", f"env={ENVIRONMENT}"])
    stack = _client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    outputs = {row["OutputKey"]: row["OutputValue"] for row in stack["Outputs"]}
    run_id = _run(outputs["StateMachineArn"])
    body = _client("s3").get_object(Bucket=outputs["DataBucketName"], Key=layout.report(run_id, "json"))["Body"]
    _say(f"report: {judged(Report.from_json(json.loads(body.read())))}")


def _run(machine: str) -> str:
    """The run's id, when it has succeeded."""
    states = _client("stepfunctions")
    given = {"recipes": [RECIPE], "users": USERS}
    run = states.start_execution(
        stateMachineArn=machine, name=f"smoke-{time.time_ns() // 10**6}", input=json.dumps(given)
    )
    _say(f"run: {run['executionArn']}")
    begin = time.monotonic()
    while time.monotonic() - begin < LIMIT:
        described = states.describe_execution(executionArn=run["executionArn"])
        if described["status"] == "SUCCEEDED":
            _say(f"run: succeeded after {time.monotonic() - begin:.0f} s")
            return str(described["name"])
        if described["status"] != "RUNNING":
            raise Failed(f"the run ended as {described['status']}: {described.get('cause', 'no cause is given')}")
        time.sleep(LOOK)
    raise Failed(f"the run does not end within {LIMIT} s")


def judged(report: Report) -> str:
    """What the report says of the recipe; Failed if that cannot be."""
    found = report.recipes.get(RECIPE)
    if found is None or found.status != "succeeded":
        raise Failed(f"the report does not say that {RECIPE} succeeded, but {found}")
    value = found.metrics[report.judged_by][JUDGE_METRIC]
    if not (0 < found.evaluated_users <= USERS and 0 < value <= 1):
        raise Failed(f"the report has {found.evaluated_users} users and {JUDGE_METRIC} {value}")
    return f"{RECIPE}, {found.evaluated_users} users asked, {JUDGE_METRIC} {value:.3f} ({report.judged_by})"


def _destroy() -> None:
    command = _cdk("destroy", "--force")
    try:
        _step("destroy", command)
    except Failed:  # a training that could not be stopped within the hour that CloudFormation waits
        _step("destroy, once more", command)


def _look_for_leftovers(before: set[str]) -> None:
    """What is new and bears our name was left; of anything else that is new, others may know more."""
    new = [entry for entry in listed(_client) if entry not in before]
    prefix = naming.prefix(EXPERIMENT, ENVIRONMENT)
    ours = [entry for entry in new if prefix in entry or STACK in entry]
    for entry in new:
        if entry not in ours:
            _say(f"new in the account meanwhile, not by its name ours: {entry}")
    if ours:
        raise Failed("left behind: " + "; ".join(ours))


def _cdk(*arguments: str) -> list[str]:
    context = ["-c", f"experiments={EXPERIMENT}", "-c", f"env={ENVIRONMENT}"]
    return [sys.executable, "-m", "local_cloud.cdk", "--", arguments[0], "--all", *arguments[1:], *context]


def _step(name: str, command: Sequence[str]) -> None:
    _say(f"{name}: {' '.join(command[1:])}")
    begin = time.monotonic()
    code = subprocess.call(command, cwd=cdk.ROOT)
    if code:
        raise Failed(f"{name}: exit code {code}")
    _say(f"{name}: done in {time.monotonic() - begin:.0f} s")


def _client(service: str) -> Any:
    return boto3.client(service)  # type: ignore[call-overload]


def _say(line: str) -> None:
    print(f"smoke: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
