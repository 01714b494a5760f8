"""The fault matrix: every function of the stack under every fault, in one deployed stack.

A cell holds if the execution recovers by itself and its report says what one without a fault says, or if it ends with
a message that somebody can act on and a new one with the same input succeeds. In both cases nothing that is billed is
made twice.
"""

from __future__ import annotations

import json
import re
import sqlite3
import ssl
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from contract import naming
from tests.deployed_stack import Deployed, deployed_stack, start_synth_of
from tests.grown_quickstart import grown_quickstart, write
from tests.matrix import fault_server
from tests.matrix.fault_rows import POPULAR, ROWS, Cell, Outcome, Row, hits, is_there_already

ANSWERED_WITHIN = 60.0
"""Seconds until CloudFormation must have been told."""
LAMBDA_TRIES = 3
"""How often Lambda delivers an event that nobody waits for, while the function fails."""
AGAIN = re.compile(r"\b(start|started|deploy|destroy)\b[^.]*\bagain\b", re.IGNORECASE)
"""What to do: every message ends with something that is done again, and before it what to look at."""
BILLED = ("CreateDatasetImportJob", "CreateSolutionVersion", "CreateCampaign")


class Broken(AssertionError):
    """A cell does not hold; says why."""


@dataclass
class Billed:
    """The imports and trainings of all runs, by name: equal inputs give equal names."""

    made: Counter[str] = field(default_factory=Counter)
    """Those that did not fail."""

    def twice(self, calls: Iterable[Mapping[str, Any]]) -> int:
        """How many of a run's accepted calls make again what is there; a campaign is deleted at a run's end."""
        duplicates = 0
        campaigns: Counter[str] = Counter()
        for call in calls:
            if call["operation"] not in BILLED or not call["accepted"]:
                continue
            name = re.sub(r"-a\d+$", "", call["name"])
            made = campaigns if call["operation"] == "CreateCampaign" else self.made
            duplicates += made[name] > 0
            if not call.get("failed"):
                made[name] += 1
        return duplicates


def _made(calls: Iterable[Mapping[str, Any]]) -> set[str]:
    """What stays after a run, by name."""
    kept = (*BILLED[:2], "CreateSolution")
    return {call["name"] for call in calls if call["operation"] in kept and call["accepted"] and not call.get("failed")}


class Matrix:
    """Tries cells one after the other in a stack that is deployed to a cloud with faults."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed
        self._cloud = deployed.cloud
        trust = ssl.create_default_context(cafile=str(self._cloud.ca))
        self._open = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        ).open
        self.functions = _functions(self._cloud.client("cloudformation"))
        self._machines = _machines(self._cloud.client("stepfunctions"))
        self._versions = 0
        self._requests = 0
        self._billed = Billed()
        self._expected: dict[str, Any] = {}
        self._serves = False

    def prepare(self) -> None:
        """Publish the data, and run once without a fault."""
        self._deployed.publish()
        self._expect(POPULAR)

    def _expect(self, given: dict[str, Any]) -> None:
        """What the report of a cell that recovers must say: that of a run without a fault."""
        if given["recipes"][0] not in self._expected:
            ended = self._deployed.execute(given)
            assert ended["status"] == "SUCCEEDED", ended
            self._expected[given["recipes"][0]] = self._figures(ended)

    def tried(self, cell: Cell) -> Outcome:
        """How the cell ends; it never raises for what the stack does wrong."""
        if cell.why_not:
            return Outcome(cell, "not applicable", cell.why_not)
        begin = time.monotonic()
        try:
            outcome = self._try(cell)
        except AssertionError as broken:
            outcome = Outcome(cell, "broken", str(broken))
        finally:
            self._put({})
        outcome.seconds = time.monotonic() - begin
        return outcome

    def always_cut_off(self, function: str) -> str | None:
        """What is told when the function's process ends at each try; asserts that a new run goes on."""
        row = ROWS[function]
        self._put({"kind": "killed", "function": self.functions[function], "operations": {row.operations[-1]: 10**6}})
        told = self._once(row)
        self._put({})
        assert self._once(row) is None
        return told

    def _try(self, cell: Cell) -> Outcome:
        row = ROWS[cell.function]
        self._ready(cell, row)
        hit = hits(cell, row)
        if not is_there_already(cell):
            self._put({"kind": cell.fault, "function": self.functions[cell.function], "operations": hit})
        told = self._once(row)
        seen = self._seen()
        outcome = Outcome(cell, "fails" if told else "recovers", told or "")
        outcome.duplicates = self._billed.twice(seen["calls"])
        self._check_it_was_hit(cell, hit, seen, told)
        if told:
            self._check_words(cell, row, told)
            self._put({})
            again = self._once(row)
            then = self._seen()["calls"]
            outcome.duplicates += self._billed.twice(then)
            if again:
                raise Broken(f"{told} - and a new run does not go on: {again}")
            if made := _made(seen["calls"]) & _made(then):
                raise Broken(f"a new run makes again what was there: {', '.join(made)}")
        if outcome.duplicates:
            outcome.how, outcome.told = "broken", f"{outcome.duplicates} billed calls were made twice"
        return outcome

    # ------------------------------------------------------------------------------------------ what a cell starts from
    def _ready(self, cell: Cell, row: Row) -> None:
        if row.by == "run":
            self._expect(row.given)
        if row.given.get("mode") == "serve" and not self._serves:  # a new version is weighed against what is served
            assert self._once(row) is None
            self._serves = True
        if row.fresh:
            self._publish_as_another_version()
        if cell.function == "AddColumns":
            self._take_columns_away()
        if cell.function == "EnsureSolution":
            self._delete_solutions()
        if cell.function == "Release" and is_there_already(cell):
            creating = {"operations": {"CreateCampaign": 1}, "function": self.functions["EnsureCampaign"]}
            self._put({"kind": "failed", **creating})
        if row.by == "clean-up":
            self._serves = False
            self._make_something_to_clean(failed=is_there_already(cell))
        if row.by == "empty":
            self._fill_the_bucket()

    def _publish_as_another_version(self) -> None:
        """The same rows under another version: nothing was imported or trained of it yet."""
        self._versions += 1
        self._deployed.publish_as(f"{self._versions:04d}{self._deployed.published_version()[4:]}")

    def _take_columns_away(self) -> None:
        """The service never does that: the dataset is as before the first run."""
        personalize = self._cloud.client("personalize")
        schemas = {row["name"]: row["schemaArn"] for row in personalize.list_schemas()["schemas"]}
        (first,) = (arn for name, arn in schemas.items() if "-items-schema-" in name)
        with closing(sqlite3.connect(self._cloud.engine_data / "engine.sqlite3", timeout=30)) as store, store:
            store.execute(
                "UPDATE resources SET body = json_remove(json_set(body, '$.schemaArn', ?), '$.latestDatasetUpdate')"
                " WHERE kind = 'dataset' AND arn LIKE '%/ITEMS'",
                (first,),
            )
        self._delete_grown()

    def _delete_grown(self) -> None:
        for arn in self._grown():
            self._cloud.client("personalize").delete_schema(schemaArn=arn)

    def _grown(self, group: str = "") -> list[str]:
        """ARNs of the schemas that were made with new columns."""
        rows = self._cloud.client("personalize").list_schemas()["schemas"]
        return [row["schemaArn"] for row in rows if "-group-" in row["name"] and group in row["name"]]

    def _delete_solutions(self) -> None:
        """A solution is made of no data: it is missing only once it was deleted, and what is served of it."""
        personalize = self._cloud.client("personalize")
        self._delete_all(personalize.list_campaigns, "campaign", personalize.delete_campaign)
        self._serves = False
        self._delete_all(personalize.list_solutions, "solution", personalize.delete_solution)

    @staticmethod
    def _delete_all(listed: Callable[[], Any], kind: str, delete: Callable[..., Any]) -> None:
        limit, asked = time.monotonic() + ANSWERED_WITHIN, set()
        while rows := listed()[f"{kind}s"]:
            assert time.monotonic() < limit, f"the {kind}s are not deleted"
            for arn in {row[f"{kind}Arn"] for row in rows if not row["status"].startswith("DELETE")} - asked:
                delete(**{f"{kind}Arn": arn})
                asked.add(arn)
            time.sleep(0.1)

    def _make_something_to_clean(self, *, failed: bool) -> None:
        self._requests += 1
        prefix = self._machines["main"].rsplit(":", 1)[-1].removesuffix("-main")
        arn = self._cloud.client("personalize").create_solution(
            name=f"{prefix}-s{self._requests}",
            datasetGroupArn=self._deployed.outputs["DatasetGroupArn"],
            recipeArn="arn:aws:personalize:::recipe/aws-popularity-count",
            performAutoTraining=False,
        )["solutionArn"]
        if failed:
            self._send("PUT", "/failed", [arn])

    @property
    def _log_bucket(self) -> str:
        buckets = [row["Name"] for row in self._cloud.client("s3").list_buckets()["Buckets"]]
        return next(name for name in buckets if "logs" in name)

    def _fill_the_bucket(self) -> None:
        s3, bucket = self._cloud.client("s3"), self._log_bucket
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        policy["Statement"] = [row for row in policy["Statement"] if row.get("Sid") != "SealedByCleanUp"]
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        for number in range(3):
            s3.put_object(Bucket=bucket, Key=f"log-{number}", Body=b"a line")

    # ------------------------------------------------------------------------------------------------- one time through
    def _once(self, row: Row) -> str | None:
        """Start what leads to the function, await its end: None, or the message of the failure."""
        if row.by == "run":
            return self._run(row.given)
        if row.by == "clean-up":
            ended = self._clean({})
            left = self._cloud.client("personalize").list_solutions()["solutions"]
            return _message(ended) or _unless(not left, f"{len(left)} solutions are left")
        if row.by == "empty":
            ended = self._clean({"kind": "bucket", "subject": self._log_bucket, "keep": []})
            left = self._cloud.client("s3").list_objects_v2(Bucket=self._log_bucket).get("Contents", [])
            return _message(ended) or _unless(not left, f"{len(left)} objects are left")
        request = self._request()
        if row.by == "schemas":
            return self._without_schemas(request)
        # What CloudFormation is told here is of an empty bucket: that is done at once.
        if row.by == "answer":
            ended = self._clean({"kind": "bucket", "subject": self._log_bucket, "keep": [], "request": request})
            if told := _message(ended):
                return told
        else:
            self._deliver("StartCleanUp", {**request, "ResourceProperties": {"Kind": "bucket"}})
        return self._answered(request["RequestId"])

    def _without_schemas(self, request: dict[str, str]) -> str | None:
        """The schemas of a group that is gone."""
        prefix = self._machines["main"].rsplit(":", 1)[-1].removesuffix("-main")
        group, personalize = f"{prefix}-group-gone", self._cloud.client("personalize")
        text = personalize.describe_schema(schemaArn=self._grown()[0])["schema"]["schema"]
        personalize.create_schema(name=f"{naming.grown_schemas(group)}{request['RequestId']}", schema=text)
        properties = {"PhysicalResourceId": group, "ResourceProperties": {"Subject": group}}
        self._deliver("DeleteSchemas", {**request, **properties})
        left = self._grown(group)
        return self._answered(request["RequestId"]) or _unless(not left, f"{left} are left")

    def _run(self, given: dict[str, Any]) -> str | None:
        ended = self._deployed.execute(given)
        if ended["status"] == "SUCCEEDED":
            found, expected = self._figures(ended), self._expected[given["recipes"][0]]
            if found != expected:
                differ = [name for name in expected if found[name] != expected[name]]
                raise Broken(f"the report tells other {', '.join(differ)} than that of a run without a fault")
            return None
        return _message(ended)

    def _figures(self, ended: dict[str, Any]) -> dict[str, Any]:
        report = self._deployed.report(ended["name"])
        return {
            "metrics": {name: row["metrics"] for name, row in report["recipes"].items()},
            "baselines": {name: row["metrics"] for name, row in report["baselines"].items()},
            "changed by events": (report["events"] or {}).get("probes_changed"),
        }

    def _clean(self, given: dict[str, Any]) -> dict[str, Any]:
        self._requests += 1
        started = self._cloud.client("stepfunctions").start_execution(
            stateMachineArn=self._machines["clean-up"], name=f"clean-{self._requests}", input=json.dumps(given)
        )
        return self._deployed.ended(started["executionArn"])

    def _request(self) -> dict[str, str]:
        """What CloudFormation sends when it deletes a custom resource."""
        self._requests += 1
        name = f"request-{self._requests}"
        return {
            "ResponseURL": f"{self._cloud.gateway_url}{fault_server.PATH}/answer/{name}",
            "StackId": "arn:aws:cloudformation:us-east-1:000000000000:stack/quickstart/1",
            "RequestId": name,
            "LogicalResourceId": "TeardownLogBucket",
            "PhysicalResourceId": self._log_bucket,
        }

    def _deliver(self, function: str, request: dict[str, Any]) -> None:
        """As CloudFormation does, which waits for no result: Lambda tries again while the function fails."""
        event = {**request, "RequestType": "Delete"}
        for _ in range(LAMBDA_TRIES):
            answer = self._cloud.client("lambda").invoke(
                FunctionName=self.functions[function], Payload=json.dumps(event).encode()
            )
            if "FunctionError" not in answer:
                return

    def _answered(self, request: str) -> str | None:
        limit = time.monotonic() + ANSWERED_WITHIN
        while time.monotonic() < limit:
            if answer := self._seen()["answers"].get(request):
                return None if answer["Status"] == "SUCCESS" else str(answer["Reason"])
            time.sleep(0.1)
        return "CloudFormation waits in vain"

    # ----------------------------------------------------------------------------------------------------------- checks
    def _check_it_was_hit(self, cell: Cell, hit: Iterable[str], seen: dict[str, Any], told: str | None) -> None:
        if cell.fault == "twice":
            if not seen["hits"].get("delivered"):
                raise Broken(f"the function was not invoked; {told}")
            if wrong := [row for row in seen["repeated"] if row["error"]]:
                raise Broken(f"an event delivered again fails: {wrong[0]['body']}")
            return
        own = self.functions[cell.function]
        calls = Counter(row["operation"] for row in seen["calls"] if row["function"] == own)
        missed = [name for name in hit if not seen["hits"].get(name)]
        if missed and not is_there_already(cell):
            raise Broken(f"{missed} was never called; it called {dict(calls)}; {told}")
        if cell.fault in {"timeout", "killed"} and not seen["cut_off"]:
            raise Broken("the function was not cut off")
        if cell.fault == "slow" and any(calls[name] < 2 for name in hit):
            raise Broken("the call was not made again while it was slow")

    def _check_words(self, cell: Cell, row: Row, told: str) -> None:
        """Whose failure it is, what happened, and what to do."""
        failed = (
            "CREATE FAILED" if cell.function == "EnsureSolution" else fault_server.REASON
        )  # it has no failureReason
        happened = failed if cell.fault == "failed" else row.happened or row.operations[-1]
        if not any(name in told for name in row.called):
            raise Broken(f"the message does not say where: {told}")
        if happened not in told:
            raise Broken(f"the message does not say what happened ({happened}): {told}")
        if not AGAIN.search(told):
            raise Broken(f"the message does not say what to do: {told}")

    # ---------------------------------------------------------------------------------------------------- the interface
    def _put(self, fault: dict[str, Any]) -> None:
        self._send("PUT", "", fault)

    def _seen(self) -> dict[str, Any]:
        return self._send("GET", "")

    def _send(self, method: str, path: str, value: Any = None) -> Any:
        url = f"{self._cloud.gateway_url}{fault_server.PATH}{path}"
        data = None if value is None else json.dumps(value).encode()
        with self._open(urllib.request.Request(url, data=data, method=method), timeout=30) as answer:
            return json.loads(answer.read())


@contextmanager
def prepared(work: Path) -> Iterator[Matrix]:
    """The matrix of a stack that is deployed to a cloud of its own; it adds columns, too."""
    experiment = write(work / "experiment", grown_quickstart())
    synthesize = partial(start_synth_of, files=[experiment])
    with deployed_stack(work, gateway=fault_server.MODULE, synthesize=synthesize) as deployed:
        deployed.experiment = str(experiment)
        made = Matrix(deployed)
        made.prepare()
        yield made


def names_of_functions(logical_ids: Iterable[str]) -> dict[str, str]:
    """{our name: logical id} of the stack's functions: `TasksAskFunction1234` is Ask."""
    found = {}
    for logical in logical_ids:
        if match := re.fullmatch(r"(?:Tasks|Teardown|AddedColumns)(\w+?)Function[0-9A-F]{8}", logical):
            found[match[1]] = logical
    return found


def _functions(cloudformation: Any) -> dict[str, str]:
    rows = cloudformation.describe_stack_resources(StackName="quickstart")["StackResources"]
    physical = {
        row["LogicalResourceId"]: row["PhysicalResourceId"]
        for row in rows
        if row["ResourceType"] == "AWS::Lambda::Function"
    }
    return {name: physical[logical] for name, logical in names_of_functions(physical).items()}


def _machines(states: Any) -> dict[str, str]:
    arns = [row["stateMachineArn"] for row in states.list_state_machines()["stateMachines"]]
    return {kind: next(arn for arn in arns if arn.endswith(f"-{kind}")) for kind in ("main", "clean-up")}


def _message(ended: dict[str, Any]) -> str | None:
    """What a person reads who looks at the execution; None if it succeeded."""
    if ended["status"] == "SUCCEEDED":
        return None
    return f"{ended.get('error')}: {_innermost(str(ended.get('cause')))}"


def _innermost(cause: str) -> str:
    """The function's own words, out of the JSON that Step Functions puts around them."""
    try:
        value = json.loads(cause)
    except ValueError:
        return cause
    if not isinstance(value, dict):
        return cause
    return _innermost(str(value.get("errorMessage") or value.get("Cause") or cause)) if value != {} else cause


def _unless(holds: bool, otherwise: str) -> str | None:
    return None if holds else otherwise
