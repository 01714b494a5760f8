"""The table of Personalize's actions against the service's own models."""

from __future__ import annotations

import re
from collections.abc import Iterator

import botocore.model
import botocore.session
import pytest

from local_cloud.plugin import actions, authorization

SERVICES = ("personalize", "personalize-runtime", "personalize-events")
ARN = "arn:aws:personalize:us-east-1:000000000000:"


def operations() -> Iterator[tuple[str, botocore.model.OperationModel]]:
    session = botocore.session.get_session()
    for service in SERVICES:
        model = session.get_service_model(service)
        for name in model.operation_names:
            yield service, model.operation_model(name)


def test_every_operation_has_a_row_and_no_row_is_of_another_service() -> None:
    assert {model.name for _, model in operations()} == set(actions.RESOURCES)


def test_every_member_that_a_row_names_is_in_the_request() -> None:
    for _, model in operations():
        entries = actions.RESOURCES[model.name]
        named = [m for entry in entries if entry != "*" for m in (re.findall(r"\{(\w+)\}", entry) or [entry])]
        assert set(named) <= set(model.input_shape.members), model.name


def test_the_reference_has_every_operation_and_beside_them_only_what_the_console_uses() -> None:
    assert set(authorization.REFERENCE["actions"]) - {m.name for _, m in operations()} == authorization.NO_OPERATIONS


def test_every_resource_type_of_the_reference_is_checked() -> None:
    for _, model in operations():
        entries = [entry for entry in actions.RESOURCES[model.name] if (model.name, entry) not in authorization.BESIDE]
        types = authorization.REFERENCE["actions"][model.name]
        if model.name in authorization.ONE_OF_MANY:
            assert len(types) > 1
            assert len(entries) == 1
        else:
            assert len(entries) == len(types or ["*"]), model.name


def test_no_line_of_the_overlay_is_needless() -> None:
    members = {model.name: set(model.input_shape.members) for _, model in operations()}
    for action, kind in authorization.MEMBERS:
        assert kind in authorization.REFERENCE["actions"][action]
        rule = authorization.rule(action, kind)
        assert rule not in members[action] or kind == "dataset", f"the rule finds {rule}"
    for action, member in authorization.BESIDE:
        assert member in members[action]
        assert member.removesuffix("Arn") not in authorization.REFERENCE["actions"][action], (
            "the reference lists it now"
        )


def test_every_line_of_the_overlay_has_its_source() -> None:
    sources = [source for _, source in [*authorization.MEMBERS.values(), *authorization.ONE_OF_MANY.values()]]
    for source in [*sources, *authorization.BESIDE.values()]:
        assert source.startswith("https://")


def test_requests_are_recognised_as_the_models_say() -> None:
    for service, model in operations():
        if service == "personalize":
            assert actions.operation("POST", "/", f"AmazonPersonalize.{model.name}") == model.name
        else:
            assert actions.operation(model.http["method"], model.http["requestUri"], "") == model.name


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("POST", "/", "AmazonPersonalize.Surprise"),
        ("POST", "/", "AmazonPersonalizeSurprise.CreateSchema"),
        ("POST", "/", "AmazonPersonalize.GetRecommendations"),
        ("POST", "/surprise", ""),
        ("GET", "/recommendations", ""),
    ],
)
def test_what_is_no_operation_is_recognised_as_none(method: str, path: str, target: str) -> None:
    assert actions.operation(method, path, target) is None


def asked(name: str, request: dict[str, object]) -> list[tuple[str, str]]:
    found = actions.checks(name, request, account="000000000000", region="us-east-1")
    return [(check.action, check.resource) for check in found]


def test_a_dataset_is_checked_on_itself_and_its_group() -> None:
    request = {"name": "d", "datasetGroupArn": f"{ARN}dataset-group/g", "datasetType": "Items"}
    assert asked("CreateDataset", request) == [
        ("personalize:CreateDataset", f"{ARN}dataset/g/ITEMS"),
        ("personalize:CreateDataset", f"{ARN}dataset-group/g"),
    ]


def test_a_role_is_passed() -> None:
    request = {"jobName": "j", "datasetArn": f"{ARN}dataset/g/ITEMS", "roleArn": "arn:aws:iam::000000000000:role/r"}
    found = actions.checks("CreateDatasetImportJob", request, account="000000000000", region="us-east-1")
    assert found[-1] == actions.Check(
        "iam:PassRole", "arn:aws:iam::000000000000:role/r", {"iam:PassedToService": "personalize.amazonaws.com"}
    )


def test_a_request_that_names_nothing_is_checked_on_the_star() -> None:
    assert asked("GetRecommendations", {}) == [("personalize:GetRecommendations", "*")]


def test_tags_of_a_request_that_names_nothing_are_checked_on_the_star() -> None:
    tags = [{"tagKey": "a", "tagValue": "b"}]
    asked = actions.checks("CreateSolutionVersion", {"tags": tags}, account="000000000000", region="us-east-1")
    assert [(check.action, check.resource) for check in asked] == [
        ("personalize:CreateSolutionVersion", "*"),
        ("personalize:TagResource", "*"),
    ]


def test_an_update_with_tags_in_another_member_does_not_ask_for_tag_resource() -> None:
    assert asked("TagResource", {"resourceArn": f"{ARN}solution/s", "tags": [{}]}) == [
        ("personalize:TagResource", f"{ARN}solution/s")
    ]
