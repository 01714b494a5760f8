"""The state machines against the contract: payloads, names, time-outs, retries, and what their roles allow."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from synth_app import Template, states_of

from contract import plan
from contract.as_json import from_json
from contract.plan import Options, Settings

MAIN, TRAINING, CLEAN_UP = "Pipeline/Main/Machine", "RecipeBranch/Training/Machine", "Teardown/Machine"
MACHINES = (MAIN, TRAINING, CLEAN_UP)
EVENTS = {
    "Check the data": plan.CheckData,
    "Estimate the cost": plan.EstimateCost,
    "Ensure the solution version": plan.Ensure,
    "Read the service's metrics": plan.Measure,
    "Ensure the campaign": plan.Ensure,
    "Ask the campaign": plan.Asking,
    "Judge the answers": plan.Judging,
    "Judge the baselines": plan.JudgeBaselines,
    "Try events": plan.TryEvents,
    "Delete the campaign": plan.Release,
    "Compare the recipes": plan.Compare,
    "Write the report": plan.WriteReport,
    "Report the training": plan.TrainingOutcome,
}
"""What a state makes: its function's event, or the machine's result."""


def _states(template: Template, machine: str) -> dict[str, dict[str, Any]]:
    return dict(states_of(template.machine(machine)))


@pytest.mark.parametrize("name", EVENTS)
def test_payloads_are_the_contract_s(everything: Template, name: str) -> None:
    states = _states(everything, MAIN) | _states(everything, TRAINING)
    fields = dataclasses.fields(EVENTS[name])
    given = {key.removesuffix(".$") for key in states[name]["Parameters"]}
    needed = {f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING}
    assert needed <= given <= {f.name for f in fields}


def test_the_child_gets_a_training_plan(everything: Template) -> None:
    child = _states(everything, MAIN)["Train and judge"]
    given = {key.removesuffix(".$") for key in child["Parameters"]["Input"]}
    assert given - {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"} == {
        f.name for f in dataclasses.fields(plan.TrainingPlan)
    }
    assert child["Resource"].endswith("states:startExecution.sync:2")


def test_settings_are_rendered(everything: Template, minimal: Template) -> None:
    parameters = _states(everything, MAIN)["Check the data"]["Parameters"]
    settings = from_json(Settings, parameters["settings"])
    assert settings.experiment == "everything"
    assert settings.mode == "serve"
    assert settings.evaluation.users == 500
    assert list(settings.dataset_arns) == ["Interactions", "Users", "Items"]
    assert settings.schema_columns["Items"] == ["ITEM_ID", "GENRES"]
    first = settings.recipes[0]
    assert (first.hyperparameters, first.featurization) == ({"bptt": "16"}, {"cold_start_max_duration": "3"})
    assert settings.events is not None
    assert settings.events.tracking_id.endswith(".TrackingId>")
    assert parameters["run_id.$"] == "$$.Execution.Name"
    assert parameters["input.$"] == "$"
    without = from_json(Settings, _states(minimal, MAIN)["Check the data"]["Parameters"]["settings"])
    assert without.events is None


def test_the_cost_is_estimated_before_anything_is_billed(everything: Template) -> None:
    """Checking the data only reads; the next state that calls Personalize is the import."""
    states = everything.machine(MAIN)["States"]
    assert everything.machine(MAIN)["StartAt"] == "Check the data"
    assert states["Check the data"]["Next"] == "Estimate the cost"
    assert states["Estimate the cost"]["Next"] == "Import every dataset"
    caught = states["Estimate the cost"]["Catch"]
    assert {states[row["Next"]]["Type"] for row in caught} == {"Fail"}, "a run that is stopped ends there"
    assert "TooExpensive" not in [error for row in caught for error in row["ErrorEquals"]]


@pytest.mark.parametrize("state", ["Check the data", "Estimate the cost", "Ensure the import", "Compare the recipes"])
def test_a_function_that_was_cut_off_is_named_by_the_failure(everything: Template, state: str) -> None:
    states = _states(everything, MAIN)
    retried = states[state]["Retry"][-1]["ErrorEquals"]
    (caught,) = states[state]["Catch"]
    assert caught["ErrorEquals"] == retried
    failed = states[caught["Next"]]
    assert failed["Type"] == "Fail"
    assert failed["Cause"].startswith(f"{state}: ")


def test_what_is_noted_for_the_bill_is_known_whatever_happened(everything: Template) -> None:
    """A path that does not exist would fail the state that reports a failure."""
    states = _states(everything, TRAINING)
    given = states["Ask and judge every recipe"]["ItemSelector"]
    assert (given["asked"], given["tried"]) == ({"next": 0, "requests": 0}, {"requests": 0})
    assert given["campaign"]["active_from"] == ""
    for name in ("Note the success", "Note the failure", "Note that the campaign is left"):
        noted = states[name]["Parameters"]
        assert {key.removesuffix(".$") for key in noted} <= {f.name for f in dataclasses.fields(plan.RecipeOutcome)}
        assert noted["requests.$"] == "$.asked.requests"


def test_every_field_of_the_input_is_documented(everything: Template) -> None:
    comment = everything.machine(MAIN)["Comment"]
    for field in dataclasses.fields(Options):
        assert f"  {field.name}: " in comment


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_can_end_and_be_read(everything: Template, machine: str) -> None:
    definition = everything.machine(machine)
    names = [name for name, _ in states_of(definition)]
    assert len(names) == len(set(names))
    assert definition["TimeoutSeconds"] > 0
    for name, state in states_of(definition):
        assert name.isascii(), name
        assert len(name) <= 80
        if state["Type"] == "Task":
            assert state["TimeoutSeconds"] <= 24 * 3600, name
            assert state["Comment"], name
        if state["Type"] == "Task" and "Function" in state["Resource"]:
            retried = [error for retry in state["Retry"] for error in retry["ErrorEquals"]]
            assert {"Throttled", "Unavailable", "Sandbox.Timedout", "Runtime.ExitError"} <= set(retried), name
            assert "Lambda.ServiceException" in retried, name
            assert not {"States.ALL", "States.TaskFailed", "ResourceFailed"} & set(retried), name


def test_no_failure_of_one_recipe_ends_the_child(everything: Template) -> None:
    for name, state in _states(everything, TRAINING).items():
        if state["Type"] == "Task":
            assert state["Catch"][0]["ErrorEquals"] == ["States.ALL"], name


def test_a_failed_recipe_s_campaign_is_deleted_too(everything: Template) -> None:
    states = _states(everything, TRAINING)
    assert states["Note the failure"]["Next"] == states["Note the success"]["Next"] == "Is the campaign to be deleted?"


def test_a_campaign_is_deleted_though_the_call_that_made_it_never_returned(everything: Template) -> None:
    """Its ARN is known before; else a cut-off call would leave a campaign that costs money and that nobody sees."""
    states = _states(everything, TRAINING)
    chosen = states["Choose the campaign"]
    assert (chosen["ResultPath"], chosen["Next"]) == ("$.chosen", "Ensure the campaign")
    assert states["Is the campaign to be deleted?"]["Choices"] == [
        {"Variable": "$.chosen.temporary", "BooleanEquals": True, "Next": "Delete the campaign"}
    ]
    assert states["Delete the campaign"]["Parameters"]["campaign_arn.$"] == "$.chosen.arn"


@pytest.mark.parametrize(
    ("machine", "role"),
    [
        (MAIN, "Pipeline/Main/Role"),
        (TRAINING, "RecipeBranch/Training/Role"),
        (CLEAN_UP, "Teardown/Machine/Role"),
    ],
)
def test_a_machine_may_invoke_exactly_what_it_calls(everything: Template, machine: str, role: str) -> None:
    called = {
        state["Resource"]
        for state in _states(everything, machine).values()
        if state["Type"] == "Task" and state["Resource"].startswith("<")
    }
    (invoke,) = [s for s in everything.statements(role) if s["Action"] == "lambda:InvokeFunction"]
    allowed = invoke["Resource"]
    assert set(allowed if isinstance(allowed, list) else [allowed]) == called


@pytest.mark.parametrize("machine", MACHINES)
def test_logged_without_data_and_traced(everything: Template, machine: str) -> None:
    properties = everything.by_path(machine, "AWS::StepFunctions::StateMachine")["Properties"]
    assert properties["TracingConfiguration"] == {"Enabled": True}
    logging = properties["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    name = properties["StateMachineName"]
    groups = everything.of_type("AWS::Logs::LogGroup").values()
    assert any(row["Properties"].get("LogGroupName") == f"/aws/vendedlogs/states/{name}" for row in groups)


def test_no_more_campaigns_at_once_than_a_dataset_group_may_have(everything: Template) -> None:
    """On AWS three recipes share one training; with three others that makes four trainings at a time."""
    trainings = _states(everything, MAIN)["Train every recipe"]["MaxConcurrency"]
    of_the_shared = _states(everything, TRAINING)["Ask and judge every recipe"]["MaxConcurrency"]
    assert (trainings - 1) * 1 + of_the_shared <= 5


def test_the_longest_training_fits_into_the_history(everything: Template) -> None:
    states = _states(everything, TRAINING)
    looks = everything.machine(TRAINING)["TimeoutSeconds"] / states["Wait for the solution version"]["Seconds"]
    assert looks * 9 < 25_000 * 0.6  # task 5 events, choice 2, wait 2; the rest is for asking and judging


def test_a_function_has_time_for_a_call_that_hangs_once(everything: Template) -> None:
    """botocore gives up a read after 60 seconds and tries it again; a task that is cut off fails its recipe."""
    for function in everything.of_type("AWS::Lambda::Function").values():
        assert function["Properties"]["Timeout"] >= 120


def test_definitions_are_small(everything: Template) -> None:
    for machine in MACHINES:
        assert len(json.dumps(everything.machine(machine))) < 100_000  # CloudFormation and the service allow 1 MB
