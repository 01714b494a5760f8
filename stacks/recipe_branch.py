"""The second machine: train once, judge every recipe that this training serves.

Each training runs in an execution of its own, because polling a long training takes thousands of the 25,000 events
that an execution may have. Its input is a `contract.plan.TrainingPlan`, its output a `TrainingOutcome`: a failure is
caught and becomes the outcome of the recipes it concerns, so that no recipe stops another.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from contract.plan import DONE
from stacks.states import ALL_ERRORS, Machine, call, wait
from stacks.tasks import Tasks
from stacks.until_active import UntilActive

QUICK = 5
"""Seconds between two looks at what takes seconds or minutes."""
SLOW = 60
"""Seconds between two looks at an import or a training: 9 events each, so that 23 hours fill half of a history."""
_CAMPAIGNS_AT_ONCE = 2
"""Of one training. Four trainings run at a time, and only retired recipes share one: a dataset group may have five."""
_USED = {
    "requests.$": "$.asked.requests",
    "probing_requests.$": "$.tried.requests",
    "campaign_from.$": "$.campaign.active_from",
    "campaign_until.$": "$$.State.EnteredTime",
}
"""What a recipe's outcome tells of the bill."""
_COMMENT = (
    "Train one solution version, then ask and judge every recipe that it serves. Started by the main machine with one"
    " training of its plan; the result says for each recipe how it ended."
)


class RecipeBranch(Construct):
    """The machine, with `arn` and `name` for the one that starts it."""

    def __init__(self, scope: Construct, construct_id: str, *, prefix: str, tasks: Tasks) -> None:
        super().__init__(scope, construct_id)
        self.name = f"{prefix}-training"
        used = ("EnsureSolution", "EnsureVersion", "ServiceMetrics", "EnsureCampaign", "Ask", "Judge", "TryEvents")
        machine = Machine(
            self,
            "Training",
            name=self.name,
            comment=_COMMENT,
            start=_train(self, tasks),
            timeout=cdk.Duration.hours(23),
            functions=[tasks[name] for name in (*used, "Release")],
        )
        self.machine = machine.machine
        self.arn = machine.arn


def failed_training(scope: Construct) -> sfn.Chain:
    """From a training plan with `$.error` to the `TrainingOutcome` in which each of its recipes failed."""
    note = sfn.Map(
        scope,
        "Note the failure for every recipe",
        items_path="$.asks",
        item_selector={
            "subject.$": "$$.Map.Item.Value.subject",
            "status": "failed",
            "reason.$": "States.JsonToString($.error)",
        },
        result_path="$.recipes",
    )
    note.item_processor(sfn.Pass(scope, "Recipe failed"))
    return note.next(
        sfn.Pass(scope, "Report the failed training", parameters={"trained.$": "$.trained", "recipes.$": "$.recipes"})
    )


def _train(scope: Construct, tasks: Tasks) -> sfn.IChainable:
    solution = UntilActive(
        scope,
        "solution",
        tasks["EnsureSolution"],
        wanted="$.solution",
        result_path="$.ensured_solution",
        seconds=QUICK,
    )
    version = UntilActive(
        scope,
        "solution version",
        tasks["EnsureVersion"],
        wanted="$.version",
        parent="$.ensured_solution.arn",
        result_path="$.ensured_version",
        seconds=SLOW,
    )
    metrics = call(
        scope,
        "Read the service's metrics",
        tasks["ServiceMetrics"],
        comment="The metrics that Personalize computed while training",
        payload={"solution_version_arn.$": "$.ensured_version.arn", "run_id.$": "$.run.run_id"},
        result_path="$.measured",
    )
    judge = sfn.Map(
        scope,
        "Ask and judge every recipe",
        comment="One campaign per recipe of this training",
        items_path="$.asks",
        item_selector={
            "run.$": "$.run",
            "ask.$": "$$.Map.Item.Value",
            "version_arn.$": "$.ensured_version.arn",
            # Known before it is made: whatever becomes of the call that makes it, the campaign is deleted.
            "campaign": {
                "arn.$": f"States.Format('{_campaigns(scope)}', $$.Map.Item.Value.campaign.name)",
                "active_from": "",
            },
            "asked": {"next": 0, "requests": 0},
            "tried": {"requests": 0},
        },
        max_concurrency=_CAMPAIGNS_AT_ONCE,
        result_path="$.recipes",
    )
    judge.item_processor(_judge(scope, tasks))
    outcome = sfn.Pass(
        scope,
        "Report the training",
        parameters={
            "trained.$": "$.trained",
            "recipes.$": "$.recipes",
            "solution_version_arn.$": "$.ensured_version.arn",
            "trained_now.$": "$.ensured_version.new",
            "training_hours.$": "$.ensured_version.hours",
            "training_seconds.$": "$.ensured_version.seconds",
            "tuned_hyperparameters.$": "$.ensured_version.tuned",
            "service_metrics.$": "$.measured.metrics",
        },
    )
    failed = failed_training(scope)
    for fragment in (solution, version):
        fragment.otherwise_catch(failed)
    metrics.add_catch(failed, errors=ALL_ERRORS, result_path="$.error")
    solution.then(version.start)
    version.then(metrics.next(judge).next(outcome))
    return solution.start


def _campaigns(scope: Construct) -> str:
    """A campaign's ARN with {} for its name."""
    return cdk.Stack.of(scope).format_arn(service="personalize", resource="campaign", resource_name="{}")


def _judge(scope: Construct, tasks: Tasks) -> sfn.IChainable:
    """One recipe: campaign, questions, judgement, events; then the campaign goes, whatever happened before."""
    campaign = UntilActive(
        scope,
        "campaign",
        tasks["EnsureCampaign"],
        wanted="$.ask.campaign",
        parent="$.version_arn",
        result_path="$.campaign",
        seconds=QUICK,
    )
    ask = call(
        scope,
        "Ask the campaign",
        tasks["Ask"],
        comment="As many users as fit into a function's time; again until all were asked",
        payload={
            "run.$": "$.run",
            "recipe.$": "$.ask.recipe",
            "subject.$": "$.ask.subject",
            "question.$": "$.ask.question",
            "campaign_arn.$": "$.campaign.arn",
            "next.$": "$.asked.next",
            "requests.$": "$.asked.requests",
        },
        result_path="$.asked",
    )
    judge = call(
        scope,
        "Judge the answers",
        tasks["Judge"],
        comment="By the held-out future",
        payload={
            "run.$": "$.run",
            "recipe.$": "$.ask.recipe",
            "subject.$": "$.ask.subject",
            "question.$": "$.ask.question",
        },
        result_path="$.judged",
    )
    try_events = call(
        scope,
        "Try events",
        tasks["TryEvents"],
        comment="Send events of a new user and see what they change",
        payload={"run.$": "$.run", "campaign_arn.$": "$.campaign.arn"},
        result_path="$.tried",
    )
    succeeded = sfn.Pass(
        scope,
        "Note the success",
        parameters={"subject.$": "$.ask.subject", "status": "succeeded", **_USED},
        result_path="$.outcome",
    )
    failed = _note_failure(scope, "Note the failure")

    campaign.then(ask)
    ask.next(
        sfn.Choice(scope, "Was everybody asked?")
        .when(sfn.Condition.string_equals("$.asked.status", DONE), judge)
        .otherwise(ask)
    )
    judge.next(
        sfn.Choice(scope, "Are events to be tried?")
        .when(sfn.Condition.boolean_equals("$.ask.try_events", True), try_events)
        .otherwise(succeeded)
    )
    try_events.next(succeeded)
    end = _release(scope, tasks)
    succeeded.next(end)
    failed.next(end)
    campaign.otherwise_catch(failed)
    for state in (ask, judge, try_events):
        state.add_catch(failed, errors=ALL_ERRORS, result_path="$.error")
    return campaign.start


def _release(scope: Construct, tasks: Tasks) -> sfn.IChainable:
    """Delete the campaign in mode `experiment`, because it costs money while it exists; then report the outcome."""
    release = call(
        scope,
        "Delete the campaign",
        tasks["Release"],
        comment="A campaign costs money for as long as it exists",
        payload={"campaign_arn.$": "$.campaign.arn", "run_id.$": "$.run.run_id"},
        result_path="$.released",
    )
    outcome = sfn.Pass(scope, "Report the recipe", output_path="$.outcome")
    kept = _note_failure(scope, "Note that the campaign is left")
    release.add_catch(kept.next(outcome), errors=ALL_ERRORS, result_path="$.error")
    release.next(
        sfn.Choice(scope, "Is the campaign deleted?")
        .when(sfn.Condition.string_equals("$.released.status", DONE), outcome)
        .otherwise(wait(scope, "Wait for the deletion", QUICK).next(release))
    )
    return (
        sfn.Choice(scope, "Is the campaign to be deleted?")
        .when(sfn.Condition.string_equals("$.run.mode", "experiment"), release)
        .otherwise(outcome)
    )


def _note_failure(scope: Construct, name: str) -> sfn.Pass:
    return sfn.Pass(
        scope,
        name,
        parameters={
            "subject.$": "$.ask.subject",
            "status": "failed",
            "reason.$": "States.JsonToString($.error)",
            **_USED,
        },
        result_path="$.outcome",
    )
