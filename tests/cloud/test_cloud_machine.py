"""State machines: errors under their own names, the machine's role, and a history that tells of inner states."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cloud_stacks import allow, role

from local_cloud.services import LocalCloud

Json = dict[str, Any]


def machine(definition: Json, role_name: str = "MachineRole") -> Json:
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": {"Fn::GetAtt": [role_name, "Arn"]},
            "DefinitionString": {"Fn::Sub": json.dumps(definition)},
        },
    }


def invoke(payload: Json, **more: Any) -> Json:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "${F.Arn}", "Payload": payload},
        "End": True,
        **more,
    }


def single(state: Json, **states: Json) -> Json:
    return {"StartAt": "Do it", "States": {"Do it": state, **states}}


@pytest.fixture
def run(stacks: Any, function: Callable[..., Json], execute: Callable[..., Json]) -> Callable[..., Json]:
    def running(definition: Json, *statements: Json, timeout: int = 5, **more: Json) -> Json:
        resources = {
            "Role": role("lambda.amazonaws.com"),
            "F": function("Role", timeout),
            "MachineRole": role("states.amazonaws.com", *statements),
            "M": machine(definition),
            **more,
        }
        made = stacks.deploy("machine", resources, outputs={"arn": {"Ref": "M"}})
        ended = execute(made["arn"])
        stacks.delete("machine")
        return ended

    return running


INVOKE = allow("lambda:InvokeFunction", {"Fn::GetAtt": ["F", "Arn"]})


def test_an_exception_has_its_class_name_and_can_be_caught(run: Callable[..., Json]) -> None:
    caught = {"Catch": [{"ErrorEquals": ["ResourceFailed"], "Next": "Told"}]}
    ended = run(single(invoke({"do": "raise"}, **caught), Told={"Type": "Pass", "End": True}), INVOKE)
    assert ended["status"] == "SUCCEEDED"
    output = json.loads(ended["output"])
    assert output["Error"] == "ResourceFailed"
    assert json.loads(output["Cause"])["errorMessage"] == "because"


def test_an_exception_that_nobody_catches_names_the_failure(run: Callable[..., Json]) -> None:
    ended = run(single(invoke({"do": "raise"})), INVOKE)
    assert (ended["status"], ended["error"]) == ("FAILED", "ResourceFailed")


def test_a_function_that_runs_out_of_time_is_sandbox_timedout(run: Callable[..., Json]) -> None:
    ended = run(single(invoke({"do": "sleep"})), INVOKE, timeout=1)
    assert ended["error"] == "Sandbox.Timedout"


def test_a_function_whose_process_ends_is_runtime_exiterror(run: Callable[..., Json]) -> None:
    ended = run(single(invoke({"do": "die"})), INVOKE)
    assert ended["error"] == "Runtime.ExitError"


def test_a_task_that_runs_out_of_time_is_states_timeout(run: Callable[..., Json]) -> None:
    ended = run(single(invoke({"do": "sleep"}, TimeoutSeconds=1)), INVOKE)
    assert ended["error"] == "States.Timeout"


def test_a_fail_state_takes_its_cause_from_the_input(run: Callable[..., Json]) -> None:
    definition = {
        "StartAt": "Words",
        "States": {
            "Words": {"Type": "Pass", "Result": {"why": "aws-sims failed"}, "Next": "End"},
            "End": {"Type": "Fail", "Error": "RecipesFailed", "CausePath": "$.why"},
        },
    }
    ended = run(definition)
    assert (ended["error"], ended["cause"]) == ("RecipesFailed", "aws-sims failed")


def test_a_function_runs_under_its_own_role(run: Callable[..., Json]) -> None:
    ended = run(single(invoke({})), INVOKE)
    told = json.loads(ended["output"])["Payload"]
    assert ":assumed-role/" in told["who"]
    assert "-Role-" in told["who"]
    assert told["sees"] == [], "addresses that no policy guards"


def test_code_is_unpacked_once_for_all_workers(run: Callable[..., Json]) -> None:
    first, second = (json.loads(run(single(invoke({})), INVOKE)["output"])["Payload"]["code"] for _ in range(2))
    assert first == second
    assert "/unpacked/" in first


def test_without_the_permission_the_machine_cannot_invoke(run: Callable[..., Json]) -> None:
    ended = run(single(invoke({})))
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert "is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:" in ended["cause"]


def test_a_role_that_states_may_not_assume_is_of_no_use(run: Callable[..., Json]) -> None:
    other = {"MachineRole": role("lambda.amazonaws.com", INVOKE)}
    ended = run(single(invoke({})), **other)
    assert "states.amazonaws.com is not authorized to assume the role" in ended["cause"]


def test_without_the_permission_the_machine_cannot_publish(run: Callable[..., Json]) -> None:
    # The default policy of a topic lets everyone in the account publish; one of our own takes its place.
    insecure = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = {"Version": "2012-10-17", "Statement": [insecure]}
    topic = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": document},
        },
    }
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {"TopicArn": "${Topic}", "Message": "done"},
        "End": True,
    }
    assert run(single(publish), **topic)["error"] == "SNS.AuthorizationErrorException"
    assert run(single(publish), allow("sns:Publish", {"Ref": "Topic"}), **topic)["status"] == "SUCCEEDED"


SYNC_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
CHILD_STATEMENTS = [
    allow("states:StartExecution", {"Ref": "Child"}),
    allow(
        ["states:DescribeExecution", "states:StopExecution"],
        {"Fn::Sub": "arn:aws:states:${AWS::Region}:${AWS::AccountId}:execution:${Child.Name}:*"},
    ),
    allow(
        ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
        {"Fn::Sub": f"arn:aws:events:${{AWS::Region}}:${{AWS::AccountId}}:rule/{SYNC_RULE}"},
    ),
]


@pytest.mark.parametrize("missing", [None, 0, 1, 2], ids=["all", "start", "describe", "rule"])
def test_a_child_execution_needs_each_of_its_permissions(run: Callable[..., Json], missing: int | None) -> None:
    child = {
        "ChildRole": role("states.amazonaws.com"),
        "Child": machine(single({"Type": "Pass", "Result": {"x": 1}, "End": True}), "ChildRole"),
    }
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": "${Child}", "Input": {}},
        "ResultSelector": {"x.$": "$.Output.x"},
        "End": True,
    }
    statements = [s for i, s in enumerate(CHILD_STATEMENTS) if i != missing]
    ended = run(single(start), *statements, **child)
    if missing is None:
        assert json.loads(ended["output"]) == {"x": 1}
    else:
        assert ended["error"] == "StepFunctions.AWSStepFunctionsException"


def test_reading_items_from_s3_needs_the_permission(run: Callable[..., Json], cloud: LocalCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="cloud-test-items")
    s3.put_object(Bucket="cloud-test-items", Key="items.json", Body=b"[1, 2]")
    definition = single(
        {
            "Type": "Map",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "Parameters": {"Bucket": "cloud-test-items", "Key": "items.json"},
                "ReaderConfig": {"InputType": "JSON"},
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Pass",
                "States": {"Pass": {"Type": "Pass", "End": True}},
            },
            "End": True,
        }
    )
    assert run(definition)["error"] == "States.ItemReaderFailed"
    assert run(definition, allow("s3:GetObject", "arn:aws:s3:::cloud-test-items/*"))["status"] == "SUCCEEDED"


def test_an_integration_that_the_plug_in_does_not_know_is_refused(run: Callable[..., Json]) -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sqs:listQueues", "Parameters": {}, "End": True}
    ended = run(single(task), allow("sqs:*", "*"))
    assert "does not know which permissions" in ended["cause"]


def test_the_history_tells_of_states_in_maps_and_branches_once(run: Callable[..., Json], cloud: LocalCloud) -> None:
    inner = {
        "StartAt": "Look",
        "States": {"Look": {"Type": "Pass", "Next": "Rest"}, "Rest": {"Type": "Wait", "Seconds": 1, "End": True}},
    }
    definition = {
        "StartAt": "Each",
        "States": {
            "Each": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inner, "Next": "Both"},
            "Both": {"Type": "Parallel", "Branches": [single({"Type": "Pass", "End": True})], "End": True},
        },
    }
    definition = {
        "StartAt": "Two",
        "States": {"Two": {"Type": "Pass", "Result": {"items": [1, 2]}, "Next": "Each"}, **definition["States"]},
    }
    ended = run(definition)
    events = cloud.client("stepfunctions").get_execution_history(executionArn=ended["executionArn"])["events"]
    entered = [e["stateEnteredEventDetails"]["name"] for e in events if e["type"].endswith("StateEntered")]
    assert sorted(entered) == sorted(["Two", "Each", "Look", "Rest", "Look", "Rest", "Both", "Do it"])


def test_a_custom_resource_answers_over_tls(stacks: Any, function: Callable[..., Json]) -> None:
    resources = {
        "Role": role("lambda.amazonaws.com"),
        "F": function("Role"),
        "C": {
            "Type": "Custom::Thing",
            "Properties": {"ServiceToken": {"Fn::GetAtt": ["F", "Arn"]}, "ServiceTimeout": 20},
        },
    }
    made = stacks.deploy("custom", resources, outputs={"a": {"Fn::GetAtt": ["C", "A"]}, "id": {"Ref": "C"}})
    assert made == {"a": "b", "id": "made"}
    stacks.delete("custom")
