"""From published data to the report: ask, judge, judge_baselines, try_events, compare, report, release."""

from __future__ import annotations

import importlib
import json
import pkgutil
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fake_aws import ACCOUNT, FakePersonalize, FakeS3, check, clients, refused
from test_check_data import manifest

import lambdas.tasks
from contract import layout
from contract.as_json import to_json
from contract.cold_start import POPULAR_CATEGORIES, RANDOM_COLD
from contract.plan import (
    Ask,
    Asked,
    Asking,
    Compare,
    Compared,
    Ensure,
    Ensured,
    EvaluationSettings,
    EventSettings,
    JudgeBaselines,
    Judging,
    Measure,
    RecipeOutcome,
    Release,
    Run,
    TrainingOutcome,
    TrainingPlan,
    TryEvents,
    WriteReport,
)
from contract.recipes import DatasetKind
from contract.results import Report, variant
from costs.estimate import estimate
from costs.prices import load
from costs.report import Expected
from costs.work import Campaign, Trained, Work, data_of
from lambdas.aws import THREADS, Clients
from lambdas.errors import BadInput, DataMissing, NotAllowed
from lambdas.outcomes import reason
from lambdas.tasks import ask as ask_module
from lambdas.tasks import try_events as try_module
from lambdas.tasks.ask import CHUNK, ask
from lambdas.tasks.compare import compare
from lambdas.tasks.judge import judge
from lambdas.tasks.judge_baselines import judge_baselines
from lambdas.tasks.release import release
from lambdas.tasks.report import write_report
from lambdas.tasks.service_metrics import service_metrics
from lambdas.tasks.try_events import event_of, try_events

RUN = Run(
    run_id="run-1",
    started_at="2026-11-24T12:00:00Z",
    experiment="exp",
    backend="local",
    bucket="bucket",
    version="v1",
    mode="experiment",
    evaluation=EvaluationSettings(users=1000, seed=0, resamples=50),
    events=EventSettings(recipe="aws-hrnn", tracking_id="tracker"),
)
IMPORTED = [Ensured(arn=f"{ACCOUNT}:dataset-import-job/{kind}", status="ACTIVE", new=True) for kind in ("i", "j")]
CAMPAIGN = f"{ACCOUNT}:campaign/c"
USERS, ITEMS = 130, 40


class FakeRuntime:
    """Recommends the item behind the user's (or the asked item's) number first; counts and refuses on demand."""

    def __init__(self, events: FakeEvents | None = None) -> None:
        self.events = events
        self.asked: list[dict[str, Any]] = []
        self.refuse_after: int | None = None
        self.error = refused("ThrottlingException")
        self.refusals = 0
        self.seconds = 0.0
        """Until a call is refused: botocore tries it again meanwhile."""
        self._lock = threading.Lock()

    def _count(self, parameters: dict[str, Any]) -> None:
        with self._lock:
            refuse = self.refuse_after is not None and len(self.asked) >= self.refuse_after
            if refuse:
                self.refusals += 1
            else:
                self.asked.append(parameters)
        if refuse:
            time.sleep(self.seconds)
            raise self.error

    def get_recommendations(self, **parameters: Any) -> dict[str, Any]:
        check("personalize-runtime", "GetRecommendations", parameters)
        self._count(parameters)
        about = parameters.get("itemId") or parameters["userId"]
        known = self.events.items.get(about, []) if self.events else []
        first = (int(about[1:]) if about[1:].isdigit() else len(known)) + 1
        return {
            "itemList": [{"itemId": f"i{(first + n) % ITEMS}"} for n in range(min(parameters["numResults"], ITEMS))]
        }

    def get_personalized_ranking(self, **parameters: Any) -> dict[str, Any]:
        check("personalize-runtime", "GetPersonalizedRanking", parameters)
        self._count(parameters)
        return {"personalizedRanking": [{"itemId": item} for item in reversed(parameters["inputList"])]}


class FakeEvents:
    def __init__(self) -> None:
        self.items: dict[str, list[str]] = {}
        self.sizes: list[int] = []

    def put_events(self, **parameters: Any) -> None:
        check("personalize-events", "PutEvents", parameters)
        assert parameters["trackingId"] == "tracker"
        self.sizes.append(len(parameters["eventList"]))
        self.items.setdefault(parameters["userId"], []).extend(row["itemId"] for row in parameters["eventList"])


@pytest.fixture
def s3() -> FakeS3:
    """130 users; user n interacted with items n … n + 11 and will with the three behind them; one item is cold."""
    made = FakeS3()
    past, future = ["USER_ID,ITEM_ID,TIMESTAMP"], ["USER_ID,ITEM_ID,TIMESTAMP"]
    for n in range(USERS):
        past += [f"u{n},i{(n + k) % (ITEMS - 1)},{100 + k}" for k in range(12)]
        future += [f"u{n},i{(n + k) % (ITEMS - 1)},{100 + k}" for k in range(12, 15)]
    future += ["u1,i39,200", "nobody,i1,200"]
    made.objects[layout.past("v1", DatasetKind.INTERACTIONS)] = "\n".join(past).encode()
    made.objects[layout.future("v1")] = "\n".join(future).encode()
    made.objects[layout.past("v1", DatasetKind.ITEMS)] = b"ITEM_ID,GENRES\n" + b"".join(
        b"i%d,g\n" % n for n in range(50)
    )
    made.objects[layout.plan("run-1")] = json.dumps({"plan": {}, "manifest": to_json(manifest())}).encode()
    made.objects[layout.costs("run-1")] = json.dumps(to_json(expected())).encode()
    return made


def expected() -> Expected:
    """What is kept of an estimate."""
    trained = Trained(recipe="aws-user-personalization", campaigns=[Campaign(subject="aws-hrnn")])
    work = Work(region="us-east-1", trainings=[trained], users=1000, serves=False, max_cost=20.0)
    data = data_of(manifest(), {"Interactions": 2_000_000, "Items": 1000})
    return Expected.of(work, data, estimate(work, data, load("us-east-1")))


def asking(question: str = "user", **changes: Any) -> Asking:
    changes.setdefault("subject", changes.get("recipe", "aws-hrnn"))
    asked = Asking(run=RUN, recipe="aws-hrnn", subject="aws-hrnn", question=question, campaign_arn=CAMPAIGN)
    return replace(asked, **changes)


def judging(recipe: str = "aws-hrnn", question: str = "user", *, run: Run = RUN, subject: str = "") -> Judging:
    return Judging(run=run, recipe=recipe, subject=subject or recipe, question=question)


def answers(s3: FakeS3, recipe: str = "aws-hrnn") -> list[dict[str, Any]]:
    prefix = layout.answers_prefix("run-1", recipe)
    lines = [body.splitlines() for key, body in sorted(s3.objects.items()) if key.startswith(prefix)]
    return [json.loads(line) for part in lines for line in part]


# Asking


def test_every_user_is_asked_once(s3: FakeS3) -> None:
    runtime = FakeRuntime()
    assert ask(asking(), clients(s3=s3, runtime=runtime)) == Asked(
        status="DONE", next=USERS, users=USERS, requests=USERS
    )
    assert {row["userId"] for row in runtime.asked} == {f"u{n}" for n in range(USERS)}
    assert len(runtime.asked) == USERS
    assert all(row["numResults"] == 500 and row["campaignArn"] == CAMPAIGN for row in runtime.asked)
    assert [line["user"] for line in answers(s3)] == sorted(f"u{n}" for n in range(USERS))
    assert all(line["items"][0] == f"i{(int(line['user'][1:]) + 1) % ITEMS}" for line in answers(s3))


def test_slices_end_before_the_functions_time_does(s3: FakeS3) -> None:
    runtime = FakeRuntime()
    aws = clients(s3=s3, runtime=runtime, seconds_left=lambda: 59.0)
    step, positions = Asked(status="PENDING", next=0, users=USERS), []
    while step.status == "PENDING":
        step = ask(asking(next=step.next), aws)
        positions.append(step.next)
    assert positions == [*range(CHUNK, USERS, CHUNK), USERS]
    assert len(runtime.asked) == USERS
    assert len([key for key in s3.objects if "/answers/" in key]) == len(positions)
    assert len({line["user"] for line in answers(s3)}) == USERS


def test_slices_fit_into_memory(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_module, "SLICE", CHUNK)
    assert ask(asking(), clients(s3=s3, runtime=FakeRuntime())).next == CHUNK


@pytest.mark.parametrize("error", [refused("ThrottlingException"), refused("InternalServerException", status=500)])
def test_what_was_answered_before_a_call_failed_is_kept(s3: FakeS3, error: Exception) -> None:
    runtime = FakeRuntime()
    runtime.refuse_after, runtime.error = 70, error
    aws = clients(s3=s3, runtime=runtime)
    step = ask(asking(), aws)
    assert step.status == "PENDING"
    assert 70 - THREADS <= step.next <= 70
    runtime.refuse_after = None
    assert ask(asking(next=step.next), aws).status == "DONE"
    assert len({line["user"] for line in answers(s3)}) == USERS


def test_a_throttled_call_ends_the_slice_without_starting_others(s3: FakeS3) -> None:
    runtime = FakeRuntime()
    runtime.refuse_after, runtime.seconds = 0, 0.02  # each refusal takes as long as its retries
    with pytest.raises(type(refused("x")), match="Throttling"):
        ask(asking(), clients(s3=s3, runtime=runtime))
    assert runtime.refusals < CHUNK


@pytest.mark.parametrize(("code", "after"), [("ThrottlingException", 0), ("AccessDeniedException", 70)])
def test_no_progress_or_another_error_raises(s3: FakeS3, code: str, after: int) -> None:
    runtime = FakeRuntime()
    runtime.refuse_after, runtime.error = after, refused(code)
    with pytest.raises(type(refused("x")), match=code):
        ask(asking(), clients(s3=s3, runtime=runtime))


def test_questions(s3: FakeS3) -> None:
    runtime = FakeRuntime()
    aws = clients(s3=s3, runtime=runtime)
    assert ask(asking("last-item"), aws).users == USERS
    assert {row["itemId"] for row in runtime.asked} <= {f"i{n}" for n in range(ITEMS)}
    assert all("userId" not in row for row in runtime.asked)
    runtime.asked.clear()
    assert ask(asking("cold-items"), aws).users == 1
    assert [row["userId"] for row in runtime.asked] == ["u1"]
    runtime.asked.clear()
    assert ask(asking("rank-popular"), aws).users == USERS
    assert {len(row["inputList"]) for row in runtime.asked} == {39}  # at most 100: all that have a past


def test_sample_of_users(s3: FakeS3) -> None:
    few = replace(RUN, evaluation=replace(RUN.evaluation, users=7))
    assert ask(asking(run=few), clients(s3=s3, runtime=FakeRuntime())).users == 7


def test_data_that_are_gone(s3: FakeS3) -> None:
    del s3.objects[layout.future("v1")]
    with pytest.raises(DataMissing, match=r"future/interactions\.csv is gone: run `python -m data_prep exp --stack`"):
        ask(asking(), clients(s3=s3, runtime=FakeRuntime()))


# Judging


def test_judgement_of_answers(s3: FakeS3) -> None:
    aws = clients(s3=s3, runtime=FakeRuntime())
    ask(asking(), aws)
    judged = judge(judging(), aws)
    assert judged.users == USERS
    value = json.loads(s3.objects[judged.key])
    assert value["users"] == sorted(f"u{n}" for n in range(USERS))
    assert value["coverage"]["returned"] == pytest.approx(40 / 50)  # the Items dataset has fifty
    assert sum(value["values"]["unseen"]["precision_at_10"]) > 0


def test_policies_for_new_items_are_judged_beside_the_recipe_and_reported(s3: FakeS3) -> None:
    """Twelve users meet i39 later; of the others without a past nobody knows anything."""
    s3.objects[layout.future("v1")] += b"".join(b"\nu%d,i39,200" % n for n in range(2, 13))
    run = replace(RUN, evaluation=replace(RUN.evaluation, category="GENRES"), events=None)
    aws = clients(s3=s3, runtime=FakeRuntime())
    recipe = "aws-hrnn-coldstart"
    ask(asking("cold-items", run=run, recipe=recipe), aws)
    assert judge(judging(recipe, "cold-items", run=run), aws).users == 12
    judge_baselines(JudgeBaselines(run=run), aws)
    event = Compare(
        run=run, imported=IMPORTED, trainings=[training(recipe, recipe)], outcomes=[outcome(recipe, recipe)]
    )
    report = _report(compare(event, aws), s3)
    found = report.cold_start
    assert found is not None
    assert [policy.name for policy in found.policies] == [recipe, POPULAR_CATEGORIES, RANDOM_COLD]
    assert (found.recipe, found.category, found.asked, found.items, found.introducible) == (recipe, "GENRES", 12, 11, 1)
    assert POPULAR_CATEGORIES not in report.baselines, "asked another question"
    no_column = replace(run, evaluation=RUN.evaluation)
    del s3.objects[layout.judgement("run-1", POPULAR_CATEGORIES)]
    judge(judging(recipe, "cold-items", run=no_column), aws)
    found = _report(compare(replace(event, run=no_column), aws), s3).cold_start
    assert found is not None
    assert [policy.name for policy in found.policies] == [recipe, RANDOM_COLD]


def test_missing_answers_are_an_error(s3: FakeS3) -> None:
    with pytest.raises(ValueError, match="130 of 130 users have no answer"):
        judge(judging(), clients(s3=s3))


def test_nobody_to_ask(s3: FakeS3) -> None:
    s3.objects[layout.future("v1")] = b"USER_ID,ITEM_ID,TIMESTAMP\nnobody,i1,1\n"
    with pytest.raises(DataMissing, match="nobody can be asked"):
        judge(judging(), clients(s3=s3))
    with pytest.raises(DataMissing, match="nobody can be asked"):
        judge_baselines(JudgeBaselines(run=RUN), clients(s3=s3))


def test_baselines_without_an_items_dataset(s3: FakeS3) -> None:
    del s3.objects[layout.past("v1", DatasetKind.ITEMS)]
    assert judge_baselines(JudgeBaselines(run=RUN), clients(s3=s3)).users == USERS
    assert json.loads(s3.objects[layout.judgement("run-1", "random")])["coverage"]["returned"] == 1.0


# Comparing


def training(trained: str, *recipes: str) -> TrainingPlan:
    made = Ensure(kind="campaign", name="n", request={}, since="2026-11-24T12:00:00Z")
    asks = [
        Ask(recipe=name, subject=name, question="last-item" if name == "aws-sims" else "user", campaign=made)
        for name in recipes
    ]
    return TrainingPlan(run=RUN, trained=trained, solution=made, version=made, asks=asks)


def outcome(trained: str, *recipes: str, failed: str | None = None) -> TrainingOutcome:
    status = "failed" if failed else "succeeded"
    return TrainingOutcome(
        trained=trained,
        recipes=[RecipeOutcome(subject=name, status=status, reason=failed) for name in recipes],  # type: ignore[arg-type]
        solution_version_arn=None if failed else f"{ACCOUNT}:solution/s/00000000",
        training_seconds=None if failed else 12.5,
        service_metrics={} if failed else {"coverage": 0.5},
        tuned_hyperparameters={} if failed else {"bptt": "8"},
    )


FAILURE = json.dumps(
    {"Error": "ResourceFailed", "Cause": json.dumps({"errorType": "ResourceFailed", "errorMessage": "solution x: no"})}
)


def run_all(s3: FakeS3, *, recipes: tuple[str, ...] = ("aws-hrnn", "aws-sims")) -> Clients:
    events = FakeEvents()
    aws = clients(s3=s3, runtime=FakeRuntime(events), events=events)
    for name in recipes:
        question = "last-item" if name == "aws-sims" else "user"
        ask(asking(question, recipe=name), aws)
        judge(judging(name, question), aws)
    judge_baselines(JudgeBaselines(run=RUN), aws)
    return aws


def test_report_of_a_run_with_a_failed_recipe(s3: FakeS3) -> None:
    aws = run_all(s3)
    event = Compare(
        run=RUN,
        imported=IMPORTED,
        trainings=[training("aws-hrnn", "aws-hrnn"), training("aws-sims", "aws-sims"), training("p", "p")],
        outcomes=[outcome("aws-sims", "aws-sims"), outcome("p", "p", failed=FAILURE), outcome("aws-hrnn", "aws-hrnn")],
    )
    compared = compare(event, aws)
    assert compared.failed == ["p"]
    assert compared.best == "aws-hrnn"
    assert compared.verdict.endswith("p failed: solution x: no")
    report = Report.from_json(json.loads(s3.objects[compared.report_json]))
    assert report.judged_by == "unseen"
    assert report.evaluated_users == USERS
    assert report.backend == "local"
    assert report.hold_out == {"kind": "last", "share": "1/10"}
    assert report.data["dropped"] == [{"reason": "no item", "rows": 2, "first_lines": [3, 9]}]
    assert list(report.recipes) == ["aws-hrnn", "aws-sims", "p"]
    assert set(report.baselines) == {"popularity", "random", "history_first", "sequential_counts"}
    hrnn, failed = report.recipes["aws-hrnn"], report.recipes["p"]
    assert (hrnn.status, hrnn.approximation, hrnn.training_seconds) == ("succeeded", True, 12.5)
    assert hrnn.service_metrics == {"coverage": 0.5}
    assert hrnn.tuned_hyperparameters == {"bptt": "8"}
    assert hrnn.evaluated_users == USERS
    assert hrnn.short_lists == 0
    low, high = hrnn.confidence["unseen"]["precision_at_10"]
    assert low <= hrnn.metrics["unseen"]["precision_at_10"] <= high
    assert (failed.status, failed.failure_reason, failed.metrics) == ("failed", "solution x: no", {})
    assert {(row.a, row.b) for row in report.comparisons} == {("aws-hrnn", name) for name in report.baselines}
    assert report.events is None
    assert datetime.fromisoformat(report.finished_at).tzinfo is UTC

    html = write_report(WriteReport(run=RUN), aws).report_html
    assert html == "reports/run-1/report.html"
    assert b"aws-hrnn" in s3.objects[html]


def test_report_tells_what_generated_data_allow_at_best(s3: FakeS3) -> None:
    aws = run_all(s3, recipes=())
    event = Compare(run=RUN, imported=IMPORTED, trainings=[], outcomes=[])
    assert "best_reachable" not in json.loads(s3.objects[compare(event, aws).report_json])["data"]
    known = manifest(best_reachable={"precision_at_10": 0.5})
    s3.objects[layout.plan("run-1")] = json.dumps({"plan": {}, "manifest": to_json(known)}).encode()
    told = json.loads(s3.objects[compare(event, aws).report_json])["data"]
    assert told["best_reachable"] == {"precision_at_10": 0.5}


def test_report_when_every_recipe_failed(s3: FakeS3) -> None:
    aws = run_all(s3, recipes=())
    event = Compare(
        run=replace(RUN, backend="aws"), imported=IMPORTED, trainings=[training("u", "a", "b")], outcomes=[]
    )
    compared = compare(event, aws)
    assert (compared.failed, compared.best) == (["a", "b"], None)
    report = Report.from_json(json.loads(s3.objects[compared.report_json]))
    assert report.recipes["a"].failure_reason == "no reason was given"
    assert not report.recipes["a"].approximation
    assert report.baselines["popularity"].metrics


def test_success_without_a_judgement_is_a_failure(s3: FakeS3) -> None:
    aws = run_all(s3, recipes=())
    event = Compare(run=RUN, imported=IMPORTED, trainings=[training("p", "p")], outcomes=[outcome("p", "p")])
    assert compare(event, aws).failed == ["p"]
    assert b"its judgement is not in the bucket" in s3.objects[layout.report("run-1", "json")]


def test_trainings_of_one_recipe_are_told_apart_by_whom_they_serve(s3: FakeS3) -> None:
    aws = run_all(s3, recipes=("aws-hrnn",))
    event = Compare(
        run=RUN,
        imported=IMPORTED,
        trainings=[training("u", "aws-hrnn"), training("u", "p")],
        outcomes=[outcome("u", "p", failed="out of luck"), outcome("u", "aws-hrnn")],
    )
    assert compare(event, aws).failed == ["p"]


@pytest.mark.parametrize(
    ("caught", "said"),
    [
        (None, "no reason was given"),
        ("plain words", "plain words"),
        ("[1]", "[1]"),
        (FAILURE, "solution x: no"),
        (json.dumps({"Error": "States.Timeout"}), "States.Timeout"),
        (json.dumps({"Error": "States.TaskFailed", "Cause": "not JSON"}), "States.TaskFailed: not JSON"),
        (
            json.dumps({"Error": "States.TaskFailed", "Cause": json.dumps({"Name": "n", "Status": "TIMED_OUT"})}),
            "the execution n ended as TIMED_OUT",
        ),
        (
            json.dumps({"Error": "StatesExecutionFailed", "Cause": json.dumps({"Error": "E", "Cause": FAILURE})}),
            "solution x: no",
        ),
    ],
)
def test_reason_is_found_in_what_the_machine_caught(caught: str | None, said: str) -> None:
    assert reason(caught) == said


# Events


def tried(s3: FakeS3, events: FakeEvents) -> dict[str, Any]:
    result = try_events(
        TryEvents(run=RUN, campaign_arn=CAMPAIGN), clients(s3=s3, runtime=FakeRuntime(events), events=events)
    )
    assert result.key == layout.events("run-1")
    seen: dict[str, Any] = json.loads(s3.objects[result.key])
    assert result.changed == seen["probes_changed"]
    assert result.probes == len(seen["probes"]) == 3
    assert result.requests >= 3 * 3, "an unknown user, before, and after"
    return seen


def test_events_that_are_sent_again_are_those_of_another_user(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(try_module, "PAUSE", 0.001)
    monkeypatch.setattr(try_module, "PATIENCE", 0.1)
    events = FakeEvents()
    first, second = tried(s3, events), tried(s3, events)
    assert first["probes_changed"] == second["probes_changed"] == 3
    assert [probe["before"] for probe in first["probes"]] == [probe["before"] for probe in second["probes"]]


def test_events_of_new_users_change_their_recommendations(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(try_module, "PAUSE", 0.001)
    events = FakeEvents()
    seen = tried(s3, events)
    assert [user[:14] for user in events.items] == ["probe-run-1-1-", "probe-run-1-2-", "probe-run-1-3-"]
    assert events.sizes == [10, 2, 3] * 3  # twelve of the past in calls of ten, then three of the future
    assert (seen["recipe"], seen["probes_changed"]) == ("aws-hrnn", 3)
    for probe in seen["probes"]:
        assert probe["changed"]
        assert 0 <= probe["seconds"] < 5
        assert probe["before"] != probe["after"]
        assert probe["new_events"] == events.items[probe["user_id"]][-3:]
    assert compare_events(s3) == seen


def compare_events(s3: FakeS3) -> Any:
    aws = run_all(s3)
    event = Compare(
        run=RUN,
        imported=IMPORTED,
        trainings=[training("aws-hrnn", "aws-hrnn")],
        outcomes=[outcome("aws-hrnn", "aws-hrnn")],
    )
    return json.loads(s3.objects[compare(event, aws).report_json])["events"]


def test_nothing_changes(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(try_module, "PAUSE", 0.001)
    monkeypatch.setattr(try_module, "PATIENCE", 0.005)

    class Deaf(FakeEvents):
        def put_events(self, **parameters: Any) -> None:
            check("personalize-events", "PutEvents", parameters)

    seen = tried(s3, Deaf())
    assert (seen["probes_changed"], seen["median_seconds"]) == (0, None)
    assert all(probe["seconds"] is None for probe in seen["probes"])


def test_events_need_a_tracker_and_a_future(s3: FakeS3) -> None:
    with pytest.raises(BadInput, match="without an event tracker"):
        try_events(TryEvents(run=replace(RUN, events=None), campaign_arn=CAMPAIGN), clients(s3=s3))
    s3.objects[layout.future("v1")] = b"USER_ID,ITEM_ID,TIMESTAMP\nnobody,i1,1\n"
    with pytest.raises(DataMissing, match="no user has both a past and held-out"):
        try_events(TryEvents(run=RUN, campaign_arn=CAMPAIGN), clients(s3=s3))


def test_short_futures_are_sent_as_they_are(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(try_module, "PAUSE", 0.001)
    rows = [b"USER_ID,ITEM_ID,TIMESTAMP", *(b"u%d,i%d,200" % (n, n + 20) for n in range(3))]
    s3.objects[layout.future("v1")] = b"\n".join(rows)
    assert [len(probe["new_events"]) for probe in tried(s3, FakeEvents())["probes"]] == [1, 1, 1]


def test_an_event_has_all_that_the_row_has() -> None:
    row = {
        "USER_ID": "u",
        "ITEM_ID": "i",
        "TIMESTAMP": "100",
        "EVENT_TYPE": "click",
        "EVENT_VALUE": "2.5",
        "IMPRESSION": "i|j",
        "CABIN_TYPE": "Economy",
        "DEVICE": "",
    }
    made = event_of(row)
    check("personalize-events", "PutEvents", {"trackingId": "t", "sessionId": "s", "eventList": [made]})
    assert made == {
        "eventType": "click",
        "itemId": "i",
        "sentAt": datetime.fromtimestamp(100, UTC),
        "eventValue": 2.5,
        "impression": ["i", "j"],
        "properties": '{"cabinType": "Economy"}',
    }
    assert event_of({"ITEM_ID": "i", "TIMESTAMP": "1"})["eventType"] == "interaction"


# The service's metrics, and the end of a campaign


def test_service_metrics() -> None:
    class Measured(FakePersonalize):
        def _get(self, what: str, parameters: dict[str, Any]) -> dict[str, Any]:
            return {"metrics": {"coverage": 0.25, "precision_at_5": 1}}

    event = Measure(solution_version_arn="arn:aws:personalize:eu-west-1:123456789012:solution/s/00000000")
    result = service_metrics(event, clients(personalize=Measured()))
    assert result.metrics == {"coverage": 0.25, "precision_at_5": 1.0}


def test_release_until_the_campaign_is_gone() -> None:
    personalize = FakePersonalize()
    aws = clients(personalize=personalize)
    personalize.add(CAMPAIGN)
    assert release(Release(campaign_arn=CAMPAIGN), aws).status == "PENDING"
    assert release(Release(campaign_arn=CAMPAIGN), aws).status == "PENDING"
    assert [call for call, _ in personalize.calls] == ["delete_campaign"]
    personalize.resources.clear()
    assert release(Release(campaign_arn=CAMPAIGN), aws).status == "DONE"


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_to_release(nothing: str | None) -> None:
    assert release(Release(campaign_arn=nothing), clients()).status == "DONE"


def test_a_campaign_that_may_not_be_deleted_is_told_to_cost_money() -> None:
    personalize = FakePersonalize()
    personalize.add(CAMPAIGN)
    personalize.errors["delete_campaign"] = refused("AccessDeniedException")
    with pytest.raises(NotAllowed, match=f"^{CAMPAIGN} is left, and costs money until it is deleted.*again"):
        release(Release(campaign_arn=CAMPAIGN), clients(personalize=personalize))


def test_release_of_a_campaign_in_use_is_tried_again() -> None:
    personalize = FakePersonalize()
    personalize.add(CAMPAIGN, "CREATE IN_PROGRESS")
    personalize.errors["delete_campaign"] = refused("ResourceInUseException")
    assert release(Release(campaign_arn=CAMPAIGN), clients(personalize=personalize)).status == "PENDING"
    personalize.errors["delete_campaign"] = refused("ValidationException")
    with pytest.raises(type(refused("x")), match="Validation"):
        release(Release(campaign_arn=CAMPAIGN), clients(personalize=personalize))


def test_every_task_says_which_calls_it_makes() -> None:
    """The stacks grant what the docstrings list."""
    names = [module.name for module in pkgutil.iter_modules(lambdas.tasks.__path__)]
    assert len(names) > 10
    for name in names:
        module = importlib.import_module(f"lambdas.tasks.{name}")
        assert "Calls" in (module.__doc__ or ""), name
        assert callable(module.handler), name


def test_in_a_context_users_are_asked_once_more_for_each_and_compared_with_what_is_answered_without(s3: FakeS3) -> None:
    rows = [f"u{n},i{(n + k) % (ITEMS - 1)},{100 + k},{'home' if k % 2 else ''}" for n in range(9) for k in (12, 13)]
    s3.objects[layout.future("v1")] = "\n".join(["USER_ID,ITEM_ID,TIMESTAMP,PLACE", *rows]).encode()
    s3.objects[layout.titles("v1")] = b"ITEM_ID,TITLE\ni5,Five\nnone,None\n"
    run = replace(RUN, evaluation=replace(RUN.evaluation, context=["PLACE"]), events=None)
    runtime = FakeRuntime()
    aws = clients(s3=s3, runtime=runtime)
    for recipe in ("aws-hrnn-metadata", "aws-hrnn"):
        ask(asking(run=run, recipe=recipe), aws)
        judge(judging(recipe, run=run), aws)
    contexts = [parameters.get("context") for parameters in runtime.asked]
    assert contexts.count({"PLACE": "home"}) == 9, "aws-hrnn reads no context, and no context is not told"
    assert contexts.count(None) == 18
    judge_baselines(JudgeBaselines(run=run), aws)
    names = ("aws-hrnn-metadata", "aws-hrnn")
    event = Compare(
        run=run,
        imported=IMPORTED,
        trainings=[training("aws-hrnn-metadata", *names)],
        outcomes=[outcome("aws-hrnn-metadata", *names)],
    )
    made = compare(event, aws)
    report = Report.from_json(json.loads(s3.objects[made.report_json]))
    assert report.titles == {"i5": "Five"}
    for example in report.examples:
        number = int(example.user[1:])
        assert example.future == [f"i{(number + k) % (ITEMS - 1)}" for k in (12, 13)]
        asked = [(answer["recipe"], answer["context"]) for answer in example.answers]
        assert asked == [("aws-hrnn-metadata", {}), ("aws-hrnn-metadata", {"PLACE": "home"}), ("aws-hrnn", {})]
    assert len(report.examples) == 3
    told, untold = report.recipes["aws-hrnn-metadata"], report.recipes["aws-hrnn"]
    assert told.metrics_without_context == told.metrics, "this campaign does not listen"
    assert not untold.metrics_without_context
    with_it = [row for row in report.comparisons if row.b == "aws-hrnn-metadata without context"]
    assert [(row.a, row.difference) for row in with_it] == [("aws-hrnn-metadata", 0), ("aws-hrnn-metadata", 0)]


def test_a_field_of_the_context_is_shuffled_to_tell_what_it_brings(s3: FakeS3) -> None:
    """The campaign listens: it recommends what the held-out row of that place has."""
    places = ("home", "work", "train")
    rows = [f"u{n},i{n + k},{100 + k},{places[k % 3]}" for n in range(9) for k in (12, 13, 14)]
    s3.objects[layout.future("v1")] = "\n".join(["USER_ID,ITEM_ID,TIMESTAMP,PLACE", *rows]).encode()
    run = replace(RUN, evaluation=replace(RUN.evaluation, context=["PLACE"]), events=None)

    class Listening(FakeRuntime):
        def get_recommendations(self, **parameters: Any) -> dict[str, Any]:
            self._count(parameters)
            place = parameters.get("context", {}).get("PLACE")
            first = int(parameters["userId"][1:]) + (12 + places.index(place) if place else 30)
            return {"itemList": [{"itemId": f"i{(first + 5 * n) % ITEMS}"} for n in range(8)]}

    runtime = Listening()
    aws = clients(s3=s3, runtime=runtime)
    ask(asking(run=run, recipe="aws-hrnn-metadata"), aws)
    judge(judging("aws-hrnn-metadata", run=run), aws)
    judge_baselines(JudgeBaselines(run=run), aws)
    assert len(runtime.asked) == 9 * 4, "a shuffled context that somebody was asked in is not asked again"
    name = "aws-hrnn-metadata"
    made = compare(
        Compare(run=run, imported=IMPORTED, trainings=[training(name, name)], outcomes=[outcome(name, name)]), aws
    )
    report = Report.from_json(json.loads(s3.objects[made.report_json]))
    assert {(row.field, row.how, row.trainings) for row in report.importance} == {("Interactions.PLACE", "shuffled", 1)}
    for row in report.importance:
        assert row.low is not None
        assert row.low > 0, "who is told the wrong place recommends the wrong items"


def test_what_was_trained_without_a_field_is_compared_over_all_trainings(s3: FakeS3) -> None:
    recipe, field = "aws-hrnn-metadata", "Items.GENRES"
    variants = [variant(recipe, left_out=left_out, training=n) for left_out in (None, field) for n in (1, 2)]
    aws = clients(s3=s3, runtime=FakeRuntime())
    plans, outcomes = [], []
    for subject in variants:
        ask(asking(recipe=recipe, subject=subject), aws)
        judge(judging(recipe, subject=subject), aws)
        plan = training(recipe, recipe)
        left_out = field if field in subject else None
        plans.append(replace(plan, asks=[replace(plan.asks[0], subject=subject, left_out=left_out)]))
        outcomes.append(outcome(recipe, subject))
    judge_baselines(JudgeBaselines(run=RUN), aws)
    report = _report(compare(Compare(run=RUN, imported=IMPORTED, trainings=plans, outcomes=outcomes), aws), s3)
    assert list(report.recipes) == [recipe], "variants are no recipes of their own"
    assert [(row.field, row.how, row.trainings, row.difference) for row in report.importance] == [
        (field, "left out", 2, 0),
        (field, "left out", 2, 0),
    ]
    failed = [*outcomes[:3], outcome(recipe, variants[3], failed="no luck")]
    made = compare(Compare(run=RUN, imported=IMPORTED, trainings=plans, outcomes=failed), aws)
    (row,) = _report(made, s3).importance
    assert (row.difference, row.failure_reason) == (None, "no luck")
    assert made.failed == [f"{recipe} without {field}"]


def _report(made: Compared, s3: FakeS3) -> Report:
    return Report.from_json(json.loads(s3.objects[made.report_json]))


# What it cost


def test_the_report_has_the_estimate_beside_what_was_counted(s3: FakeS3) -> None:
    aws = run_all(s3, recipes=("aws-hrnn",))
    told = {"requests": 130, "probing_requests": 20, "campaign_from": "2026-11-24T12:10:00+00:00"}
    recipe = RecipeOutcome(subject="aws-hrnn", status="succeeded", campaign_until="2026-11-24T12:40:00.000Z", **told)  # type: ignore[arg-type]
    ended = replace(outcome("aws-hrnn", "aws-hrnn"), recipes=[recipe], trained_now=True, training_hours=0.5)
    event = Compare(run=RUN, imported=IMPORTED, trainings=[training("aws-hrnn", "aws-hrnn")], outcomes=[ended])
    found = _report(compare(event, aws), s3).costs
    assert found is not None
    lines = {line.meter: line for line in found.lines}
    assert lines["training-hours"].actual == [0.5, 0.5]
    assert lines["training-hours"].actual_dollars == pytest.approx([0.12, 0.12])
    assert lines["requests-sent"].actual == [150, 150]
    assert lines["campaign-tps-hours"].actual == pytest.approx([0.5, 0.5])
    assert lines["recommendations"].actual == pytest.approx([1800, 1950]), "half an hour at one request a second"
    assert lines["ingestion"].actual == pytest.approx([2_001_000 / 2**30, 0.002001])
    assert lines["state-transitions"].actual is None
    assert found.max_cost == 20.0
    assert all(line.estimated[0] <= line.estimated[1] for line in found.lines)
    assert found.estimated_dollars == pytest.approx(
        [sum(line.estimated_dollars[end] for line in found.lines if line.estimated_dollars) for end in (0, 1)]
    )


def test_what_earlier_runs_made_is_not_billed_again(s3: FakeS3) -> None:
    aws = run_all(s3, recipes=("aws-hrnn",))
    event = Compare(
        run=RUN,
        imported=[replace(job, new=False) for job in IMPORTED],
        trainings=[training("aws-hrnn", "aws-hrnn")],
        outcomes=[replace(outcome("aws-hrnn", "aws-hrnn"), training_hours=0.5)],
    )
    found = _report(compare(event, aws), s3).costs
    assert found is not None
    assert found.actual_dollars == [0, 0]
