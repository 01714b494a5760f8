"""The step before the first billed call: what it writes, when it stops a run, and what it says then."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fake_aws import FakePersonalize, FakeS3, clients
from test_check_data import AWS, SETTINGS, manifest, planned

from contract import layout
from contract.as_json import from_json
from contract.plan import EstimateCost, Estimated, Settings
from costs.report import Expected
from lambdas.errors import NoPrice, TooExpensive
from lambdas.tasks.estimate_cost import estimate_cost

PRICED = replace(SETTINGS, dataset_group_arn=SETTINGS.dataset_group_arn.replace("eu-west-1", "us-east-1"))
RECIPES = ("aws-user-personalization", "aws-sims")


def estimated(
    given: Any = None, *, settings: Settings = PRICED, on_aws: bool = False, s3: FakeS3 | None = None
) -> tuple[Estimated, FakeS3]:
    s3 = s3 or FakeS3()
    personalize = FakePersonalize(*([AWS] if on_aws else []))
    for name in RECIPES:
        personalize.add(f"arn:aws:personalize:::recipe/{name}")
    for file in manifest().files.past.values():
        s3.objects[file.key] = b"x" * 1000
    plan = planned(given, settings=settings, personalize=personalize, s3=s3)
    return estimate_cost(EstimateCost(run=plan.run), clients(personalize=personalize, s3=s3)), s3


def test_the_estimate_is_kept_for_the_report() -> None:
    result, s3 = estimated()
    kept = from_json(Expected, json.loads(s3.objects[layout.costs("run-1")]))
    assert kept.data.bytes == {"Interactions": 1000, "Items": 1000}
    assert kept.region == "us-east-1"
    assert result.low == pytest.approx(sum(low for low, _ in kept.dollars.values()))
    assert result.high == pytest.approx(sum(high for _, high in kept.dollars.values()))
    assert kept.assumptions


def test_a_local_run_is_estimated_as_on_aws() -> None:
    here, there = estimated(on_aws=False), estimated(on_aws=True)
    kept = [from_json(Expected, json.loads(s3.objects[layout.costs("run-1")])) for _, s3 in (here, there)]
    assert kept[0] == kept[1]
    trained = [row.recipe for row in kept[0].work.trainings]
    assert set(trained) == set(RECIPES), "retired recipes are trained as their successors"


@pytest.mark.parametrize("on_aws", [False, True])
def test_a_run_that_may_cost_too_much_ends_before_anything_is_made(on_aws: bool) -> None:
    settings = replace(PRICED, max_cost=0.5)
    with pytest.raises(TooExpensive) as refused:
        estimated(settings=settings, on_aws=on_aws)
    said = str(refused.value)
    for part in ("max_cost allows $0.50", "estimate: $", "experiments/exp.yaml", "make estimate EXPERIMENT=exp"):
        assert part in said
    result, _ = estimated({"max_cost": 100_000}, settings=settings, on_aws=on_aws)
    assert result.high > 0.5, "the input allows what the experiment does not"


def test_the_limit_that_is_proposed_is_enough() -> None:
    with pytest.raises(TooExpensive) as refused:
        estimated(settings=replace(PRICED, max_cost=0.01))
    proposed = int(str(refused.value).split('{"max_cost": ')[1].split("}")[0])
    result, _ = estimated(settings=replace(PRICED, max_cost=float(proposed)))
    assert result.high <= proposed


def test_without_prices_of_the_region_a_run_on_aws_asks_for_them() -> None:
    with pytest.raises(NoPrice, match=r"costs/prices\.json has no prices for eu-west-1.*https://aws\.amazon\.com"):
        estimated(settings=SETTINGS, on_aws=True)


def test_without_prices_of_the_region_a_local_run_takes_others() -> None:
    _, s3 = estimated(settings=SETTINGS)
    assert json.loads(s3.objects[layout.costs("run-1")])["region"] == "us-east-1"


def test_ablation_is_billed_only_where_a_limit_allows_it() -> None:
    ablation = replace(PRICED, evaluation=replace(PRICED.evaluation, ablation=True))
    with pytest.raises(TooExpensive, match=r"evaluation\.ablation makes this \d+ trainings, all of them billed"):
        estimated(settings=ablation, on_aws=True)
    estimated(settings=ablation, on_aws=False)
    estimated(settings=replace(ablation, max_cost=10_000.0), on_aws=True)


def test_what_is_made_is_as_cheap_as_the_service_allows() -> None:
    s3 = FakeS3()
    _, s3 = estimated(s3=s3)
    trainings = json.loads(s3.objects[layout.plan("run-1")])["plan"]["trainings"]
    assert {row["solution"]["request"]["performAutoTraining"] for row in trainings} == {False}
    assert {ask["campaign"]["request"]["minProvisionedTPS"] for row in trainings for ask in row["asks"]} == {1}
