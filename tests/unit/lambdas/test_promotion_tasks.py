"""In which campaign a version is judged, and whether it is served afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from fake_aws import ACCOUNT, FakePersonalize, FakeS3, clients
from test_check_data import manifest

from contract import layout
from contract.as_json import to_json
from contract.plan import Ask, Ensure, EvaluationSettings, Run
from contract.promotion import Choose, Weigh
from contract.results import JUDGE_METRIC, RANK_METRICS, VIEWS, Promotion
from evaluation.judge import Judgement
from lambdas.tasks.choose_campaign import choose_campaign
from lambdas.tasks.weigh import weigh

OLD, NEW = (f"{ACCOUNT}:solution/s/{name}" for name in ("old", "new"))
SERVING, TRIAL = (f"{ACCOUNT}:campaign/{name}" for name in ("serving", "trial"))
RUN = Run(
    run_id="run-1",
    started_at="2026-11-24T12:00:00Z",
    experiment="exp",
    backend="local",
    bucket="bucket",
    version="v1",
    mode="serve",
    evaluation=EvaluationSettings(resamples=200),
)


def campaign(name: str) -> Ensure:
    return Ensure(kind="campaign", name=name, request={}, since=RUN.started_at)


def choose(personalize: FakePersonalize, *, trial: bool = True) -> Any:
    ask = Ask(
        recipe="aws-hrnn",
        subject="aws-hrnn",
        question="user",
        campaign=campaign("serving"),
        trial=campaign("trial") if trial else None,
    )
    return choose_campaign(Choose(run=RUN, ask=ask, version_arn=NEW), clients(personalize=personalize))


def serving(version: str, **more: Any) -> FakePersonalize:
    personalize = FakePersonalize()
    personalize.resources[SERVING] = {
        "campaignArn": SERVING,
        "status": "ACTIVE",
        "solutionVersionArn": version,
        **more,
    }
    return personalize


def test_an_experiment_judges_in_a_campaign_of_its_own() -> None:
    chosen = choose(FakePersonalize(), trial=False)
    assert (chosen.arn, chosen.temporary, chosen.served_arn, chosen.promotion) == (SERVING, True, "", None)


@pytest.mark.parametrize(
    ("personalize", "decision"),
    [
        (FakePersonalize(), "first"),
        (serving(OLD, status="CREATE FAILED"), "first"),
        (serving(NEW), "unchanged"),
        (serving(OLD, latestCampaignUpdate={"status": "CREATE PENDING", "solutionVersionArn": NEW}), "unchanged"),
    ],
)
def test_where_nothing_else_is_served_applications_get_the_version_at_once(
    personalize: FakePersonalize, decision: str
) -> None:
    chosen = choose(personalize)
    assert (chosen.arn, chosen.temporary, chosen.served_arn) == (SERVING, False, "")
    assert chosen.promotion == Promotion(decision=decision)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "personalize",
    [serving(OLD), serving(OLD, latestCampaignUpdate={"status": "CREATE FAILED", "solutionVersionArn": NEW})],
)
def test_beside_another_version_it_is_tried_first(personalize: FakePersonalize) -> None:
    chosen = choose(personalize)
    assert (chosen.arn, chosen.temporary, chosen.served_arn) == (TRIAL, True, SERVING)
    assert chosen.promotion == Promotion(decision="kept", served_version_arn=OLD)


def judgement(subject: str, values: list[float], users: list[str] | None = None) -> Judgement:
    columns = {view: {metric: list(values) for metric in RANK_METRICS} for view in VIEWS}
    return Judgement(
        subject=subject,
        question="user",
        users=users or [f"u{n}" for n in range(len(values))],
        values=columns,
        coverage=dict.fromkeys(VIEWS, 1.0),
        short_lists=0,
    )


def weighed(new: Judgement, old: Judgement) -> Promotion:
    s3 = FakeS3()
    aws = clients(s3=s3)
    aws.write_json(RUN.bucket, layout.plan(RUN.run_id), {"manifest": to_json(manifest())})
    for judged in (new, old):
        aws.write_json(RUN.bucket, layout.judgement(RUN.run_id, judged.subject), judged.to_json())
    event = Weigh(
        run=RUN,
        subject=new.subject,
        served_subject=old.subject,
        promotion=Promotion(decision="kept", served_version_arn=OLD),
    )
    return weigh(event, aws)


BASE = [n % 10 / 20 for n in range(200)]


@pytest.mark.parametrize(
    ("change", "decision"),
    [(0.0, "replaced"), (0.1, "replaced"), (-0.1, "kept")],
    ids=["equal", "better", "worse"],
)
def test_only_a_version_that_is_clearly_worse_is_not_served(change: float, decision: str) -> None:
    old = judgement("old", [value + 0.2 for value in BASE])
    result = weighed(judgement("new", [value + 0.2 + change for value in BASE]), old)
    assert (result.decision, result.served_version_arn) == (decision, OLD)
    assert result.difference == pytest.approx(change)
    assert result.low == pytest.approx(change) == result.high


def test_a_loss_that_chance_explains_is_no_reason_to_keep_what_is_served() -> None:
    new = judgement("new", [0.0 if n % 2 else 0.39 for n in range(200)])
    old = judgement("old", [0.4 if n % 2 else 0.0 for n in range(200)])
    result = weighed(new, old)
    assert result.difference is not None
    assert result.low is not None
    assert result.high is not None
    assert result.low < result.difference < 0 < result.high
    assert result.decision == "replaced"


def test_different_users_are_not_weighed() -> None:
    with pytest.raises(ValueError, match="not asked about the same users"):
        weighed(judgement("new", BASE), judgement("old", BASE, [f"v{n}" for n in range(len(BASE))]))


def test_the_judged_metric_is_the_one_that_decides_everywhere() -> None:
    new, old = judgement("new", BASE), judgement("old", BASE)
    for view in VIEWS:
        new.values[view][JUDGE_METRIC] = [0.0] * len(BASE)
    assert weighed(new, old).decision == "kept"
