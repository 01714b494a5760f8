"""The stack: nothing replaced by accident, nothing left behind, nothing allowed that is not needed."""

from __future__ import annotations

import ast
import copy
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from synth_app import EVERYTHING, MINIMAL, ROOT, Template, named, new_app, text_of

from contract import naming
from experiments.config import Experiment
from experiments.load import ConfigError
from stacks.experiment import ExperimentStack

PREFIX = naming.prefix("everything")
FAST = {"@aws-cdk/core:validateAgainstDefaultRules": False}
LAMBDA, ROLE = "AWS::Lambda::Function", "AWS::IAM::Role"
PERSONALIZE = "AWS::Personalize::"


def _personalize(template: Template) -> dict[str, dict[str, Any]]:
    return {key: row for key, row in template.resources.items() if row["Type"].startswith(PERSONALIZE)}


def _names(template: Template) -> dict[str, str]:
    return {key: row["Properties"]["Name"] for key, row in _personalize(template).items()}


def test_names_say_whose_they_are_and_fit(everything: Template) -> None:
    for name in _names(everything).values():
        assert re.fullmatch(rf"{PREFIX}-[a-z-]+-[0-9a-f]{{8}}", name), name
        assert len(name) <= 63


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """The same experiments, one with another schema, one in another environment."""
    outdir = tmp_path_factory.mktemp("variants")
    changed: dict[str, Any] = copy.deepcopy(EVERYTHING)
    changed["schemas"]["users"].append({"name": "CITY", "type": "string", "categorical": True})
    app = new_app(outdir, **FAST)
    ExperimentStack(app, "changed", experiment=Experiment.model_validate(changed))
    ExperimentStack(app, "prod", experiment=Experiment.model_validate(MINIMAL), environment="prod")
    app.synth()
    return {name: named(outdir, name) for name in ("changed", "prod")}


def test_a_changed_schema_gives_new_names_to_group_datasets_tracker_and_filters(
    everything: Template, variants: dict[str, Template]
) -> None:
    before, after = _names(everything), _names(variants["changed"])
    assert before.keys() == after.keys()
    kept = {key for key in before if before[key] == after[key]}
    assert kept == {key for key in before if key.startswith(("DatasetsInteractionsSchema", "DatasetsItemsSchema"))}


def test_another_environment_shares_no_name(minimal: Template, variants: dict[str, Template]) -> None:
    assert not set(_names(variants["prod"]).values()) & set(_names(minimal).values())


@pytest.mark.parametrize(("environment", "name"), [("dev", "minimal"), ("prod", "minimal-prod")])
def test_the_stack_of_an_environment(tmp_path: Path, environment: str, name: str) -> None:
    app = new_app(tmp_path)
    stack = ExperimentStack(app, "any", experiment=Experiment.model_validate(MINIMAL), environment=environment)
    assert stack.stack_name == name


def test_personalize_resources_carry_no_tags(everything: Template) -> None:
    for key, row in _personalize(everything).items():
        assert "Tags" not in row["Properties"], key  # fixed at creation: a changed tag would replace the group


def test_solutions_and_campaigns_are_not_declared(everything: Template) -> None:
    kinds = {row["Type"].removeprefix(PERSONALIZE) for row in _personalize(everything).values()}
    assert kinds == {"DatasetGroup", "Schema", "Dataset", "EventTracker", "Filter"}


def test_hidden_order_is_declared(everything: Template) -> None:
    datasets = set(everything.of_type(f"{PERSONALIZE}Dataset"))
    (tracker,) = everything.of_type(f"{PERSONALIZE}EventTracker").values()
    (declared,) = everything.of_type(f"{PERSONALIZE}Filter").values()
    assert set(tracker["DependsOn"]) & datasets
    assert datasets <= set(declared["DependsOn"])


def test_an_experiment_without_options_has_none_of_their_resources(minimal: Template) -> None:
    assert not minimal.of_type(f"{PERSONALIZE}EventTracker")
    assert not minimal.of_type(f"{PERSONALIZE}Filter")
    assert not minimal.of_type("AWS::SNS::Subscription")
    assert "TrackingId" not in minimal.body["Outputs"]


def test_outputs(everything: Template) -> None:
    assert set(everything.body["Outputs"]) == {
        *("DataBucketName", "ServiceRoleArn", "StateMachineArn", "DatasetGroupArn", "TrackingId"),
        *("CleanUpMachineArn", "NotificationTopicArn"),
    }


def test_everything_is_deleted_with_the_stack(everything: Template) -> None:
    kept = [key for key, row in everything.resources.items() if row.get("DeletionPolicy", "Delete") != "Delete"]
    assert kept == []


def test_every_function_has_a_log_group_that_goes(everything: Template) -> None:
    groups = everything.of_type("AWS::Logs::LogGroup")
    for key, function in everything.of_type(LAMBDA).items():
        group = groups[function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]]
        assert group["Properties"]["RetentionInDays"] == 90, key
        assert group["DeletionPolicy"] == "Delete", key


def test_nothing_runs_on_node(everything: Template) -> None:
    runtimes = {row["Properties"]["Runtime"] for row in everything.of_type(LAMBDA).values()}
    assert runtimes == {"python3.14"}
    custom = {
        row["Type"] for row in everything.resources.values() if row["Type"].startswith(("Custom::", "AWS::CloudF"))
    }
    assert custom == {"Custom::CleanUp"}


def test_the_clean_up_is_deleted_before_all_that_it_needs_or_cleans(everything: Template) -> None:
    needed = {
        key
        for key, row in everything.resources.items()
        if key.startswith(("Datasets", "Storage", "Pipeline"))
        or (key.startswith("Teardown") and row["Type"] != "Custom::CleanUp")
    }
    resources = everything.of_type("Custom::CleanUp")
    for row in resources.values():
        assert needed == set(row["DependsOn"])
        assert row["Properties"]["ServiceTimeout"] == "3600"
    subjects = sorted(str(text_of(row["Properties"]["Subject"])) for row in resources.values())
    assert [re.sub(r"[0-9A-F]{8}", "", subject) for subject in subjects] == [
        "<DatasetsGroup.DatasetGroupArn>",
        "<StorageData>",
        "<StorageLogs>",
    ]


def test_the_service_role_is_guarded_against_the_confused_deputy(everything: Template) -> None:
    role = everything.by_path("Storage/ServiceRole", ROLE)["Properties"]
    (statement,) = text_of(role["AssumeRolePolicyDocument"]["Statement"])
    assert statement["Principal"] == {"Service": "personalize.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"},
        "ArnLike": {"aws:SourceArn": "arn:<AWS::Partition>:personalize:<AWS::Region>:<AWS::AccountId>:*"},
    }


def test_the_bucket_lets_the_service_read_and_nobody_without_tls(everything: Template) -> None:
    policy = everything.by_path("Storage/Data/Policy", "AWS::S3::BucketPolicy")["Properties"]["PolicyDocument"]
    statements = text_of(policy["Statement"])
    assert next(s for s in statements if s["Effect"] == "Deny")["Condition"] == {
        "Bool": {"aws:SecureTransport": "false"}
    }
    allowed = [s["Action"] for s in statements if s["Principal"] == {"Service": "personalize.amazonaws.com"}]
    assert sorted(allowed) == ["s3:GetObject", "s3:ListBucket"]


TASKS = {
    **{f"Tasks/{name}": module for name, module in {"Ask": "ask", "CheckData": "check_data"}.items()},
    **{"Tasks/EstimateCost": "estimate_cost"},
    **{"Tasks/Compare": "compare", "Tasks/Judge": "judge", "Tasks/JudgeBaselines": "judge_baselines"},
    **{"Tasks/Release": "release", "Tasks/Report": "report", "Tasks/ServiceMetrics": "service_metrics"},
    **{"Tasks/ChooseCampaign": "choose_campaign", "Tasks/Weigh": "weigh"},
    **{"Tasks/TryEvents": "try_events", "Teardown/CleanUp": "cleanup", "Teardown/EmptyBucket": "empty_bucket"},
    **{"Teardown/Answer": "answer", "Teardown/StartCleanUp": "start_cleanup"},
    **{"Tasks/AddColumns": "add_columns", "AddedColumns/DeleteSchemas": "delete_schemas"},
}
ENSURE = ("Tasks/EnsureImport", "Tasks/EnsureSolution", "Tasks/EnsureVersion", "Tasks/EnsureCampaign")


def _documented(module: str) -> set[str]:
    """The actions that a task's docstring lists."""
    text = ast.get_docstring(ast.parse((ROOT / "lambdas" / "tasks" / f"{module}.py").read_text())) or ""
    return set(re.findall(r"\b(?:personalize|s3|iam|states):[A-Z]\w+", text))


def _allowed(template: Template, *functions: str) -> set[str]:
    """The actions that the functions' roles allow, besides writing to their logs."""
    actions: set[str] = set()
    for function in functions:
        for statement in template.statements(f"{function}/Role"):
            found = statement["Action"]
            actions |= set(found if isinstance(found, list) else [found])
    return {action for action in actions if not action.startswith("logs:")}


@pytest.mark.parametrize("function", TASKS)
def test_a_task_may_do_what_its_docstring_lists(grown: Template, function: str) -> None:
    assert _allowed(grown, function) == _documented(TASKS[function])


def test_ensure_may_do_what_its_docstring_lists(everything: Template) -> None:
    assert _allowed(everything, *ENSURE) == _documented("ensure")


def test_every_function_is_covered_above(grown: Template) -> None:
    handlers = {row["Properties"]["Handler"] for row in grown.of_type(LAMBDA).values()}
    assert handlers == {f"lambdas.tasks.{module}.handler" for module in {*TASKS.values(), "ensure"}}
    assert len(grown.of_type(LAMBDA)) == len(TASKS) + len(ENSURE)


def test_grants_end_behind_the_prefix(everything: Template) -> None:
    for role in everything.of_type(ROLE).values():
        for policy in role["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                resources = text_of(statement["Resource"])
                for resource in resources if isinstance(resources, list) else [resources]:
                    if ":personalize:" in resource and "*" in resource:
                        kind, _, name = resource.rpartition(":")[2].partition("/")
                        assert name == f"{PREFIX}-*" or kind == "event-tracker", resource


def test_pass_role_is_for_personalize_only(everything: Template) -> None:
    passes = [s for s in everything.statements("Tasks/EnsureImport/Role") if s["Action"] == "iam:PassRole"]
    assert [s["Condition"] for s in passes] == [{"StringEquals": {"iam:PassedToService": "personalize.amazonaws.com"}}]
    assert passes[0]["Resource"].startswith("<StorageServiceRole")


def test_a_region_without_the_service_is_refused(tmp_path: Path) -> None:
    there = cdk.Environment(account="123456789012", region="eu-north-1")
    with pytest.raises(ConfigError, match="cannot be deployed to eu-north-1"):
        ExperimentStack(new_app(tmp_path), "minimal", experiment=Experiment.model_validate(MINIMAL), env=there)
