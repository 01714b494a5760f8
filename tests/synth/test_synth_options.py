"""Options of the stack (`stack:`): what each adds, and that cdk-nag finds nothing in any combination."""

from __future__ import annotations

import graphlib
import itertools
import json
import re
from typing import Any

import pytest
from combinations import ALL, BOUNDARY, FAST, KEY, MASKS, NUMBERS, combination
from synth_app import EVERYTHING, MINIMAL, Template, growing, named, new_app, states_of, synthesize, text_of

from contract import naming
from contract.as_json import from_json
from contract.plan import Options
from contract.watching import WatchCampaigns, Watched
from experiments.config import Experiment
from experiments.options import StackOptions
from lambdas.measures import measures_of
from lambdas.status_events import SOURCE
from stacks.experiment import ExperimentStack
from stacks.options import ADDED_COLUMNS, CLEAN_UP

PERSONALIZE = "personalize.amazonaws.com"


@pytest.fixture(scope="module")
def combinations(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """Raises if cdk-nag or CDK's own validation has findings in any."""
    return synthesize(tmp_path_factory.mktemp("combinations"), *map(combination, NUMBERS), **FAST)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The experiment that uses everything, with all options and a column that is added."""
    return synthesize(tmp_path_factory.mktemp("full"), growing(EVERYTHING, stack=ALL), **FAST)["everything"]


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """An environment with options of its own."""
    outdir = tmp_path_factory.mktemp("prod")
    own = {"prod": {"kms_key": KEY, "tags": {"stage": "prod"}, "mode": "serve"}}
    given = {**MINIMAL, "stack": {"tags": {"team": "shop"}, "retain": True}, "environments": own}
    app = new_app(outdir, **FAST)
    ExperimentStack(app, "minimal", experiment=Experiment.model_validate(given), environment="prod")
    app.synth()
    return named(outdir, "minimal")


def _needs(value: Any) -> set[str]:
    """Logical ids in a part of a template."""
    if isinstance(value, list):
        return {name for part in value for name in _needs(part)}
    if not isinstance(value, dict):
        return set()
    if isinstance(ref := value.get("Ref"), str):
        return {ref}
    if target := value.get("Fn::GetAtt"):
        return {target[0]}
    return {name for part in value.values() for name in _needs(part)}


@pytest.mark.parametrize("number", NUMBERS)
def test_any_combination_can_be_made_in_some_order(combinations: dict[str, Template], number: int) -> None:
    template = combinations[f"combination-{number}"]
    graph = {
        key: ({*row.get("DependsOn", [])} | _needs(row["Properties"])) & template.resources.keys()
        for key, row in template.resources.items()
    }
    order = list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError
    assert set(order) == set(template.resources)


def test_every_pair_of_options_is_among_the_combinations() -> None:
    assert MASKS.keys() | {"park_idle"} == StackOptions.model_fields.keys() | {"spark_job"}
    chosen = [combination(number)["stack"].keys() | (combination(number).keys() & {"spark_job"}) for number in NUMBERS]
    for one, other in itertools.permutations(MASKS, 2):
        assert len({(one in options, other in options) for options in chosen}) == 4, (one, other)
    assert {"park_idle" in options for options in chosen if "operations" in options} == {True, False}


def test_what_holds_data_is_retained_and_nothing_cleans_it(full: Template) -> None:
    kept = {"S3::Bucket", "Logs::LogGroup", "KMS::Key"}
    kept |= {f"Personalize::{kind}" for kind in ("DatasetGroup", "Dataset", "Schema", "EventTracker", "Filter")}
    for key, row in full.resources.items():
        kind = row["Type"].removeprefix("AWS::")
        if kind in kept or row["Type"] in {CLEAN_UP, ADDED_COLUMNS}:
            assert (row["DeletionPolicy"], row["UpdateReplacePolicy"]) == ("Retain", "Retain"), key
        elif kind in {"Lambda::Function", "StepFunctions::StateMachine", "SNS::Topic"}:
            assert row.get("DeletionPolicy", "Delete") == "Delete", key


def test_with_retain_the_clean_up_stays_in_the_template(full: Template, everything: Template) -> None:
    """Its removal would be a deletion: CloudFormation would have everything cleaned by the deploy that retains it."""
    assert full.of_type("Custom::CleanUp").keys() == everything.of_type("Custom::CleanUp").keys()


def test_the_role_of_an_encrypted_group_is_retained_with_it(full: Template, everything: Template) -> None:
    assert full.by_path("Storage/ServiceRole", "AWS::IAM::Role")["DeletionPolicy"] == "Retain"
    for name in ("ReadData", "UseTheKey"):
        assert full.by_path(f"Storage/ServiceRole/{name}", "AWS::IAM::Policy")["DeletionPolicy"] == "Retain"


def test_every_role_is_bounded(full: Template) -> None:
    roles = full.of_type("AWS::IAM::Role")
    assert {row["Properties"].get("PermissionsBoundary") for row in roles.values()} == {BOUNDARY}


def test_tags_are_on_all_but_what_they_would_replace(full: Template) -> None:
    tagged = 0
    for key, row in full.resources.items():
        tags = row["Properties"].get("Tags", [])
        if row["Type"].startswith("AWS::Personalize::"):
            assert not tags, key
        elif isinstance(tags, list) and tags:
            tagged += 1
            found = {tag["Key"]: tag["Value"] for tag in tags}
            assert {"team": "shop", "cost-centre": "4711", "experiment": "everything"}.items() <= found.items(), key
    assert tagged > 40


def _key_statements(template: Template) -> list[dict[str, Any]]:
    (key,) = template.of_type("AWS::KMS::Key").values()
    statements: list[dict[str, Any]] = text_of(key["Properties"]["KeyPolicy"]["Statement"])
    return statements


def _services(statement: dict[str, Any]) -> list[str]:
    found = statement["Principal"].get("Service", [])
    return found if isinstance(found, list) else [found]


def test_the_key_lets_those_in_that_encrypt_with_it(full: Template) -> None:
    by_service = {service: row for row in _key_statements(full) for service in _services(row)}
    assert set(by_service) == {
        *(PERSONALIZE, "budgets.amazonaws.com", "cloudwatch.amazonaws.com"),
        "logs.<AWS::Region>.<AWS::URLSuffix>",
    }
    personalize = by_service[PERSONALIZE]
    assert {"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:ListGrants"} == {
        *personalize["Action"]
    }
    assert personalize["Principal"]["AWS"].startswith("<StorageServiceRole")
    assert by_service["cloudwatch.amazonaws.com"]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    (key,) = full.of_type("AWS::KMS::Key").values()
    assert key["Properties"]["EnableKeyRotation"] is True


def test_what_the_key_encrypts(full: Template) -> None:
    (key,) = full.of_type("AWS::KMS::Key")
    reference = f"<{key}.Arn>"
    (group,) = full.of_type("AWS::Personalize::DatasetGroup").values()
    assert text_of(group["Properties"]["KmsKeyArn"]) == reference
    assert text_of(group["Properties"]["RoleArn"]).startswith("<StorageServiceRole")
    policies = {name for name in full.of_type("AWS::IAM::Policy") if name.startswith("StorageServiceRole")}
    assert len(policies) == 2
    assert policies <= set(group["DependsOn"])
    (topic,) = full.of_type("AWS::SNS::Topic").values()
    assert text_of(topic["Properties"]["KmsMasterKeyId"]) == reference
    groups = full.of_type("AWS::Logs::LogGroup").values()
    assert {text_of(row["Properties"]["KmsKeyId"]) for row in groups} == {reference}
    data = full.by_path("Storage/Data", "AWS::S3::Bucket")["Properties"]["BucketEncryption"]
    assert reference in json.dumps(text_of(data))
    logs = full.by_path("Storage/Logs", "AWS::S3::Bucket")["Properties"]["BucketEncryption"]
    assert "aws:kms" not in json.dumps(logs)  # S3 delivers no access logs there


def test_whoever_may_touch_the_data_may_use_the_key(full: Template) -> None:
    for key, role in full.of_type("AWS::IAM::Role").items():
        allowed = json.dumps(text_of(role["Properties"].get("Policies", [])))
        uses_data = re.search(r"s3:(GetObject|PutObject)|sns:Publish", allowed) is not None
        assert ("kms:Decrypt" in allowed) == uses_data, key
        assert ("kms:GenerateDataKey" in allowed) == bool(re.search("s3:PutObject|sns:Publish", allowed)), key


def test_a_key_gives_the_group_another_name(full: Template, everything: Template, prod: Template) -> None:
    def name(template: Template) -> str:
        (group,) = template.of_type("AWS::Personalize::DatasetGroup").values()
        found: str = group["Properties"]["Name"]
        return found

    assert name(full) != name(everything)  # the key is fixed at creation, and no name can be used twice
    assert not prod.of_type("AWS::KMS::Key")  # yours is used
    (group,) = prod.of_type("AWS::Personalize::DatasetGroup").values()
    assert group["Properties"]["KmsKeyArn"] == KEY


def test_an_environment_goes_before_what_is_said_for_all(prod: Template) -> None:
    role = prod.by_path("Storage/ServiceRole", "AWS::IAM::Role")
    tags = {tag["Key"]: tag["Value"] for tag in role["Properties"]["Tags"]}
    assert tags == {"environment": "prod", "experiment": "minimal", "stage": "prod", "retain": "true"}
    assert prod.by_path("Storage/Data", "AWS::S3::Bucket")["DeletionPolicy"] == "Retain"  # as for all
    check = prod.machine("Pipeline/Main/Machine")["States"]["Check the data"]
    assert check["Parameters"]["settings"]["mode"] == "serve"


OPERATIONS = ("CloudWatch::Alarm", "CloudWatch::Dashboard", "Scheduler::Schedule", "Budgets::Budget", "KMS::Key")


def test_nothing_of_an_option_is_there_without_it(everything: Template, minimal: Template) -> None:
    for template in (everything, minimal):
        assert not [kind for kind in OPERATIONS if template.of_type(f"AWS::{kind}")]
        for row in template.of_type("AWS::Lambda::Function").values():
            assert "TracingConfig" not in row["Properties"]
            assert {*row["Properties"].get("Environment", {}).get("Variables", {})} <= {"STATE_MACHINE_ARN"}


def test_every_machine_and_every_function_has_an_alarm(full: Template) -> None:
    watched: dict[str, set[str]] = {}
    for alarm in full.of_type("AWS::CloudWatch::Alarm").values():
        properties = text_of(alarm["Properties"])
        watched.setdefault(properties["MetricName"], set()).add(properties["Dimensions"][0]["Value"])
    machines = {f"<{key}>" for key in full.of_type("AWS::StepFunctions::StateMachine")}
    assert watched["ExecutionsFailed"] == watched["ExecutionsTimedOut"] == machines
    assert watched["Errors"] == {f"<{key}>" for key in full.of_type("AWS::Lambda::Function")}


def test_alarms_and_budget_reach_somebody(full: Template) -> None:
    (topic,) = full.of_type("AWS::SNS::Topic")
    for alarm in full.of_type("AWS::CloudWatch::Alarm").values():
        assert text_of(alarm["Properties"]["AlarmActions"]) == [f"<{topic}>"]
    (budget,) = full.of_type("AWS::Budgets::Budget").values()
    assert budget["Properties"]["Budget"]["BudgetLimit"] == {"Amount": 100, "Unit": "USD"}
    for notified in text_of(budget["Properties"]["NotificationsWithSubscribers"]):
        assert notified["Subscribers"] == [{"Address": f"<{topic}>", "SubscriptionType": "SNS"}]
    (policy,) = full.of_type("AWS::SNS::TopicPolicy").values()
    allowed = {}
    for statement in text_of(policy["Properties"]["PolicyDocument"]["Statement"]):
        if statement["Effect"] == "Allow":
            assert statement["Action"] == "sns:Publish"
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "<AWS::AccountId>"}
            allowed[statement["Principal"]["Service"]] = statement["Condition"]["ArnLike"]["aws:SourceArn"]
    account = "<AWS::AccountId>"
    assert allowed == {
        "cloudwatch.amazonaws.com": f"arn:<AWS::Partition>:cloudwatch:<AWS::Region>:{account}:alarm:*",
        "budgets.amazonaws.com": f"arn:<AWS::Partition>:budgets::{account}:*",
    }


def test_functions_trace_measure_and_those_that_change_something_announce(full: Template) -> None:
    announcing = set()
    for key, row in full.of_type("AWS::Lambda::Function").items():
        assert row["Properties"]["TracingConfig"] == {"Mode": "Active"}, key
        variables = row["Properties"]["Environment"]["Variables"]
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "personalize-cdk"
        assert variables["POWERTOOLS_SERVICE_NAME"] == naming.prefix("everything")
        if "EVENT_BUS" in variables:
            announcing.add(text_of(row["Properties"]["Role"]))
    policy = full.by_path("Operations/Announce", "AWS::IAM::Policy")["Properties"]
    assert {role.removesuffix(".Arn>") + ">" if role.endswith(".Arn>") else role for role in announcing} == set(
        text_of(policy["Roles"])
    )
    (statement,) = text_of(policy["PolicyDocument"]["Statement"])
    assert statement["Action"] == "events:PutEvents"
    assert statement["Resource"].endswith(":event-bus/default")
    assert statement["Condition"] == {
        "ForAllValues:StringEquals": {"events:source": SOURCE},
        "Null": {"events:source": "false"},
    }


def test_the_idle_alarm_reads_what_the_watch_writes(full: Template) -> None:
    alarm = full.by_path("Operations/IdleCampaigns", "AWS::CloudWatch::Alarm")["Properties"]
    watched = Watched(campaigns=1, idle=["arn"])
    assert alarm["MetricName"] in {name for name, _, _ in measures_of(watched)}
    hourly = full.by_path("Operations/Hourly/Schedule", "AWS::Scheduler::Schedule")["Properties"]
    event = from_json(WatchCampaigns, json.loads(text_of(hourly["Target"]["Input"])))
    assert alarm["Dimensions"] == [{"Name": "service", "Value": event.prefix}]
    role = full.by_path("Operations/WatchCampaigns/Role", "AWS::IAM::Role")
    assert "personalize:ListCampaigns" in json.dumps(role)


def test_a_run_starts_by_itself_with_a_role_for_this_alone(full: Template) -> None:
    schedule = full.by_path("Schedule", "AWS::Scheduler::Schedule")
    target = text_of(schedule["Properties"]["Target"])
    (main,) = [key for key in full.of_type("AWS::StepFunctions::StateMachine") if key.startswith("PipelineMain")]
    assert target["Arn"] == f"<{main}>"
    assert from_json(Options, json.loads(target["Input"])) == Options()  # nothing is trained afresh
    assert schedule["Properties"]["ScheduleExpression"] == "rate(7 days)"
    (statement,) = full.statements("Schedule/Role")
    assert (statement["Action"], statement["Resource"]) == ("states:StartExecution", f"<{main}>")
    assert full.of_type("Custom::CleanUp").keys() <= set(schedule["DependsOn"])  # it is deleted before they clean


def test_a_run_s_id_reaches_every_function_of_the_machines(everything: Template) -> None:
    for path in ("Pipeline/Main/Machine", "RecipeBranch/Training/Machine"):
        for name, state in states_of(everything.machine(path)):
            if "Function" in str(state.get("Resource")):
                given = state.get("Parameters", {})
                whole = state.get("InputPath") in {"$.wanted", "$.solution"}  # an Ensure, with the id in it
                assert whole or given.keys() & {"run_id.$", "run.$"}, name
