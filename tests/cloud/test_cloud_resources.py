"""The CloudFormation types of Personalize, and a bucket that is not empty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cloud_engine import ACCOUNT, FakeEngine
from cloud_stacks import allow, role

from local_cloud.services import LocalCloud

PREFIX = f"arn:aws:personalize:us-east-1:{ACCOUNT}:"


def group(name: str = "g", schema: str = "{}") -> dict[str, Any]:
    return {
        "Schema": {
            "Type": "AWS::Personalize::Schema",
            "Properties": {"Name": f"{name}-schema-{len(schema)}", "Schema": schema},
        },
        "Group": {"Type": "AWS::Personalize::DatasetGroup", "Properties": {"Name": name}},
        "Data": {
            "Type": "AWS::Personalize::Dataset",
            "Properties": {
                "Name": "d",
                "DatasetType": "Interactions",
                "DatasetGroupArn": {"Fn::GetAtt": ["Group", "DatasetGroupArn"]},
                "SchemaArn": {"Fn::GetAtt": ["Schema", "SchemaArn"]},
            },
        },
        "Tracker": {
            "Type": "AWS::Personalize::EventTracker",
            "Properties": {"Name": "t", "DatasetGroupArn": {"Fn::GetAtt": ["Group", "DatasetGroupArn"]}},
            "DependsOn": "Data",
        },
        "Filter": {
            "Type": "AWS::Personalize::Filter",
            "Properties": {
                "Name": "f",
                "DatasetGroupArn": {"Fn::GetAtt": ["Group", "DatasetGroupArn"]},
                "FilterExpression": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")',
                "Tags": [{"Key": "a", "Value": "b"}],
            },
            "DependsOn": "Data",
        },
    }


def test_every_declared_type_is_made_waited_for_and_deleted(stacks: Any, engine: FakeEngine) -> None:
    outputs = stacks.deploy(
        "types",
        group(),
        outputs={
            "group": {"Fn::GetAtt": ["Group", "DatasetGroupArn"]},
            "tracking": {"Fn::GetAtt": ["Tracker", "TrackingId"]},
            "filter": {"Fn::GetAtt": ["Filter", "FilterArn"]},
            "data": {"Ref": "Data"},
        },
    )
    assert outputs == {
        "group": f"{PREFIX}dataset-group/g",
        "tracking": "tracking-1",
        "filter": f"{PREFIX}filter/f",
        "data": f"{PREFIX}dataset/g/INTERACTIONS",
    }
    assert engine.operations().count("DescribeDatasetGroup") == 2  # pending once, then active
    tagged = next(request for name, request in engine.calls if name == "CreateFilter")
    assert tagged["tags"] == [{"tagKey": "a", "tagValue": "b"}]
    engine.calls.clear()
    stacks.delete("types")
    assert engine.resources == {}
    deleted = [name for name in engine.operations() if name.startswith("Delete")]
    assert deleted.index("DeleteDataset") > deleted.index("DeleteEventTracker")
    assert deleted[-1] in {"DeleteDatasetGroup", "DeleteSchema"}


def test_a_refusal_of_the_service_fails_the_resource_with_its_message(stacks: Any, engine: FakeEngine) -> None:
    engine.fail["CreateDatasetGroup"] = "the service says no"
    with pytest.raises(RuntimeError, match=r"the service says no.*InvalidInputException"):
        stacks.deploy("refused", group())
    assert engine.resources == {}


def test_a_changed_schema_makes_a_new_one_and_the_dataset_is_deleted_before_it_is_made(
    stacks: Any, engine: FakeEngine
) -> None:
    stacks.deploy("replaced", group())
    engine.calls.clear()
    stacks.deploy("replaced", group(schema='{"type": "record"}'))
    order = [name for name in engine.operations() if not name.startswith("Describe")]
    assert order == ["CreateSchema", "DeleteDataset", "CreateDataset", "DeleteSchema"]
    assert f"{PREFIX}dataset/g/INTERACTIONS" in engine.resources


def test_an_unknown_property_is_refused_by_name(stacks: Any) -> None:
    resources = {"G": {"Type": "AWS::Personalize::DatasetGroup", "Properties": {"Name": "x", "Surprise": "y"}}}
    with pytest.raises(RuntimeError, match="Surprise"):
        stacks.deploy("unknown", resources)


def test_a_budget_is_made_and_deleted(stacks: Any, cloud: LocalCloud) -> None:
    limit = {"BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": "100", "Unit": "USD"}}
    stacks.deploy("budget", {"Limit": {"Type": "AWS::Budgets::Budget", "Properties": {"Budget": limit}}})
    budgets = cloud.client("budgets")

    def made() -> list[str]:
        return [row["BudgetName"] for row in budgets.describe_budgets(AccountId=ACCOUNT).get("Budgets", [])]

    assert made() == ["budget-Limit"]
    more = limit | {"BudgetLimit": {"Amount": "200", "Unit": "USD"}}
    stacks.deploy("budget", {"Limit": {"Type": "AWS::Budgets::Budget", "Properties": {"Budget": more}}})
    assert made() == ["budget-Limit"]
    stacks.delete("budget")
    assert made() == []
    with pytest.raises(RuntimeError, match="TimeUnit"):
        stacks.deploy(
            "wrong", {"Limit": {"Type": "AWS::Budgets::Budget", "Properties": {"Budget": limit | {"TimeUnit": "EVER"}}}}
        )


def test_a_bucket_with_objects_is_not_deleted(stacks: Any, cloud: LocalCloud) -> None:
    s3 = cloud.client("s3")
    stacks.deploy("full", {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "cloud-test-full"}}})
    s3.put_object(Bucket="cloud-test-full", Key="k", Body=b"v")
    with pytest.raises(RuntimeError, match="BucketNotEmpty"):
        stacks.delete("full")
    s3.delete_object(Bucket="cloud-test-full", Key="k")
    stacks.delete("full")
    assert "cloud-test-full" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_a_function_writes_its_log_as_its_role_allows(
    stacks: Any, cloud: LocalCloud, function: Callable[..., dict[str, Any]]
) -> None:
    writes = allow(["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["Logs", "Arn"]})
    resources = {
        "Role": role("lambda.amazonaws.com", writes),
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/cloud/test"}},
        "F": function("Role"),
    }
    resources["F"]["Properties"]["LoggingConfig"] = {"LogGroup": {"Ref": "Logs"}}
    name = stacks.deploy("logging", resources, outputs={"name": {"Ref": "F"}})["name"]
    logs = cloud.client("logs")
    cloud.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert logs.filter_log_events(logGroupName="/cloud/test")["events"]
    logs.delete_log_group(logGroupName="/cloud/test")
    cloud.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert "/cloud/test" not in [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
