"""Personalize through the gateway: IAM on every call, from a function under its own role."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest
from cloud_engine import ACCOUNT, FakeEngine
from cloud_stacks import allow, role

from local_cloud.services import LocalCloud

ARN = f"arn:aws:personalize:us-east-1:{ACCOUNT}:"
SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/reads-the-bucket"
IMPORT = {
    "jobName": "job",
    "datasetArn": f"{ARN}dataset/g/INTERACTIONS",
    "dataSource": {"dataLocation": "s3://b/k"},
    "roleArn": SERVICE_ROLE,
}
SOLUTION = {
    "name": "s",
    "datasetGroupArn": f"{ARN}dataset-group/g",
    "recipeArn": "arn:aws:personalize:::recipe/aws-hrnn",
}
EVENTS = {
    "trackingId": "t",
    "userId": "u",
    "sessionId": "s",
    "eventList": [{"eventType": "e", "sentAt": 1}],
}
PASS = allow(
    "iam:PassRole", SERVICE_ROLE, condition={"StringEquals": {"iam:PassedToService": "personalize.amazonaws.com"}}
)
WHOLE_IMPORT = [
    allow("personalize:CreateDatasetImportJob", [f"{ARN}dataset-import-job/job", f"{ARN}dataset/g/INTERACTIONS"]),
    PASS,
]


@pytest.fixture
def ask(cloud: LocalCloud, stacks: Any, function: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Call Personalize from a function whose role has these statements."""
    count = 0

    def asking(
        statements: list[dict[str, Any]], method: str, arguments: dict[str, Any], service: str = "personalize"
    ) -> Any:
        nonlocal count
        count += 1
        name = f"calls-{count}"
        resources = {"Role": role("lambda.amazonaws.com", *statements), "F": function("Role")}
        made = stacks.deploy(name, resources, outputs={"name": {"Ref": "F"}})
        event = {"do": "personalize", "service": service, "method": method, "arguments": arguments}
        answer = cloud.client("lambda").invoke(FunctionName=made["name"], Payload=json.dumps(event))
        stacks.delete(name)
        return json.loads(answer["Payload"].read())

    return asking


def test_an_allowed_call_reaches_the_engine(ask: Callable[..., Any], engine: FakeEngine) -> None:
    answer = ask(WHOLE_IMPORT, "create_dataset_import_job", IMPORT)
    assert (answer["code"], answer["status"]) == ("ok", 200)
    assert "amazonaws.com" not in answer["endpoint"]
    assert engine.calls == [("CreateDatasetImportJob", IMPORT)]


@pytest.mark.parametrize(
    ("statements", "missing", "resource"),
    [
        ([], "personalize:CreateDatasetImportJob", "dataset-import-job/job"),
        (
            [allow("personalize:CreateDatasetImportJob", f"{ARN}dataset-import-job/job"), PASS],
            "personalize:CreateDatasetImportJob",
            "dataset/g/INTERACTIONS",
        ),
        (WHOLE_IMPORT[:1], "iam:PassRole", SERVICE_ROLE),
        (
            [
                WHOLE_IMPORT[0],
                allow("iam:PassRole", "*", condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
            ],
            "iam:PassRole",
            SERVICE_ROLE,
        ),
    ],
    ids=["nothing allowed", "not the dataset", "no PassRole", "PassRole for another service"],
)
def test_one_missing_permission_is_access_denied(
    ask: Callable[..., Any], engine: FakeEngine, statements: list[dict[str, Any]], missing: str, resource: str
) -> None:
    answer = ask(statements, "create_dataset_import_job", IMPORT)
    assert answer["code"] == "AccessDeniedException"
    assert f"is not authorized to perform: {missing} on resource: " in answer["message"]
    assert resource in answer["message"]
    assert engine.calls == []


def test_a_solution_also_needs_its_recipe(ask: Callable[..., Any]) -> None:
    allowed = [allow("personalize:CreateSolution", [f"{ARN}solution/s", f"{ARN}dataset-group/g"])]
    assert "recipe/aws-hrnn" in ask(allowed, "create_solution", SOLUTION)["message"]


def test_tags_need_tag_resource(ask: Callable[..., Any]) -> None:
    allowed = [allow("personalize:CreateDatasetGroup", f"{ARN}dataset-group/g")]
    tagged = {"name": "g", "tags": [{"tagKey": "a", "tagValue": "b"}]}
    assert "personalize:TagResource" in ask(allowed, "create_dataset_group", tagged)["message"]
    assert ask(allowed, "create_dataset_group", {"name": "g"})["code"] == "ok"


def test_events_need_the_star_and_the_runtime_its_campaign(ask: Callable[..., Any], engine: FakeEngine) -> None:
    narrow, star = [allow("personalize:PutEvents", f"{ARN}event-tracker/t")], [allow("personalize:PutEvents", "*")]
    assert ask(narrow, "put_events", EVENTS, "personalize-events")["code"] == "AccessDeniedException"
    assert ask(star, "put_events", EVENTS, "personalize-events")["code"] == "ok"
    wanted = {"campaignArn": f"{ARN}campaign/c", "userId": "u"}
    other = [allow("personalize:GetRecommendations", f"{ARN}campaign/d")]
    own = [allow("personalize:GetRecommendations", f"{ARN}campaign/c")]
    assert ask(other, "get_recommendations", wanted, "personalize-runtime")["code"] == "AccessDeniedException"
    assert ask(own, "get_recommendations", wanted, "personalize-runtime")["code"] == "ok"
    assert [name for name, _ in engine.calls] == ["/events", "/recommendations"]


def test_an_operation_that_personalize_does_not_have_is_denied_even_to_root(
    cloud: LocalCloud, engine: FakeEngine
) -> None:
    client = cloud.client("personalize")
    client.meta.service_model._shape_resolver  # noqa: B018 - loads the model
    client.meta.events.register(
        "before-sign.personalize.ListRecipes",
        lambda request, **_: request.headers.replace_header("X-Amz-Target", "AmazonPersonalize.Surprise"),
    )
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDeniedException"):
        client.list_recipes()
    assert engine.calls == []


def test_a_call_with_a_wrong_secret_is_refused(cloud: LocalCloud, engine: FakeEngine) -> None:
    import boto3

    client = boto3.client(
        "personalize",
        endpoint_url=cloud.gateway_url,
        verify=str(cloud.ca),
        region_name="us-east-1",
        aws_access_key_id="ASIAUNKNOWNUNKNOWN12",
        aws_secret_access_key="no",
        aws_session_token="no",
    )
    with pytest.raises(botocore.exceptions.ClientError):
        client.list_recipes()
    assert engine.calls == []


@pytest.mark.parametrize(("source", "answer"), [("personalize-cdk", "ok"), ("somebody-else", "AccessDeniedException")])
def test_a_role_may_publish_events_of_one_source_only(ask: Callable[..., Any], source: str, answer: str) -> None:
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    only = allow(
        "events:PutEvents",
        bus,
        condition={
            "ForAllValues:StringEquals": {"events:source": "personalize-cdk"},
            "Null": {"events:source": "false"},
        },
    )
    entry = {"Source": source, "DetailType": "t", "Detail": "{}"}
    assert ask([only], "put_events", {"Entries": [entry]}, "events")["code"] == answer
