"""The second machine: train once, judge every recipe that this training serves.

Each training runs in an execution of its own, because polling a long training takes thousands of the 25,000 events
that an execution may have. Its input is a `contract.plan.TrainingPlan`, its output a `TrainingOutcome`: a failure is
caught and becomes the outcome of the recipes it concerns, so that no recipe stops another.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks_
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
        used = (
            *("EnsureSolution", "EnsureVersion", "ServiceMetrics", "ChooseCampaign", "EnsureCampaign", "Ask", "Judge"),
            *("TryEvents", "Weigh"),
        )
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
            "chosen": {"arn": "", "temporary": False},
            "campaign": {"active_from": ""},
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


def _judge(scope: Construct, tasks: Tasks) -> sfn.IChainable:
    """One recipe: campaign, questions, judgement, events; then a temporary campaign goes, whatever happened before."""
    choose = call(
        scope,
        "Choose the campaign",
        tasks["ChooseCampaign"],
        comment="One of its own, or the one that applications use",
        payload={"run.$": "$.run", "ask.$": "$.ask", "version_arn.$": "$.version_arn"},
        result_path="$.chosen",
    )
    campaign = UntilActive(
        scope,
        "campaign",
        tasks["EnsureCampaign"],
        wanted="$.chosen.campaign",
        parent="$.version_arn",
        result_path="$.campaign",
        seconds=QUICK,
    )
    ask = _ask(scope, tasks, "Ask the campaign", subject="$.ask.subject", arn="$.campaign.arn")
    judge = _judge_answers(scope, tasks, "Judge the answers", subject="$.ask.subject", result_path="$.judged")
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
        parameters={
            "subject.$": "$.ask.subject",
            "status": "succeeded",
            "promotion.$": "$.chosen.promotion",
            **_USED,
        },
        result_path="$.outcome",
    )
    failed = _note_failure(scope, "Note the failure")
    promote = _promote(scope, tasks, otherwise=succeeded, failed=failed)

    choose.next(campaign.start)
    campaign.then(ask)
    _until_all_were_asked(scope, "Was everybody asked?", ask).next(judge)
    judge.next(
        sfn.Choice(scope, "What comes after the judgement?")
        .when(sfn.Condition.boolean_equals("$.ask.try_events", True), try_events)
        .when(sfn.Condition.string_equals("$.chosen.served_arn", ""), succeeded)
        .otherwise(promote)
    )
    try_events.next(succeeded)
    end = _release(scope, tasks)
    succeeded.next(end)
    failed.next(end)
    campaign.otherwise_catch(failed)
    for state in (choose, ask, judge, try_events):
        state.add_catch(failed, errors=ALL_ERRORS, result_path="$.error")
    return choose


def _promote(scope: Construct, tasks: Tasks, *, otherwise: sfn.Pass, failed: sfn.Pass) -> sfn.IChainable:
    """Ask what is served the same, weigh the two, and let the new version be served unless it is clearly worse."""
    turn = sfn.Pass(
        scope,
        "Turn to what is served",
        parameters={"next": 0, "requests.$": "$.asked.requests"},
        result_path="$.asked",
    )
    subject = "$.chosen.served_subject"
    ask = _ask(scope, tasks, "Ask what is served", subject=subject, arn="$.chosen.served_arn")
    judge = _judge_answers(scope, tasks, "Judge what is served", subject=subject, result_path="$.judged_served")
    weigh = call(
        scope,
        "Weigh the versions",
        tasks["Weigh"],
        comment="Is the new one worse than what is served, by more than chance?",
        payload={
            "run.$": "$.run",
            "subject.$": "$.ask.subject",
            "served_subject.$": subject,
            "promotion.$": "$.chosen.promotion",
        },
        result_path="$.chosen.promotion",
    )
    update = UntilActive(
        scope,
        "served version",
        tasks["EnsureCampaign"],
        wanted="$.ask.campaign",
        parent="$.version_arn",
        result_path="$.updated",
        seconds=QUICK,
    )
    turn.next(ask)
    _until_all_were_asked(scope, "Was everybody asked about it?", ask).next(judge)
    judge.next(weigh)
    weigh.next(
        sfn.Choice(scope, "Is the new version to be served?")
        .when(sfn.Condition.string_equals("$.chosen.promotion.decision", "replaced"), update.start)
        .otherwise(otherwise)
    )
    update.then(otherwise)
    update.otherwise_catch(failed)
    for state in (ask, judge, weigh):
        state.add_catch(failed, errors=ALL_ERRORS, result_path="$.error")
    return turn


def _ask(scope: Construct, tasks: Tasks, name: str, *, subject: str, arn: str) -> tasks_.LambdaInvoke:
    return call(
        scope,
        name,
        tasks["Ask"],
        comment="As many users as fit into a function's time; again until all were asked",
        payload={
            "run.$": "$.run",
            "recipe.$": "$.ask.recipe",
            "subject.$": subject,
            "question.$": "$.ask.question",
            "campaign_arn.$": arn,
            "next.$": "$.asked.next",
            "requests.$": "$.asked.requests",
        },
        result_path="$.asked",
    )


def _until_all_were_asked(scope: Construct, name: str, ask: tasks_.LambdaInvoke) -> sfn.Chain:
    """Continues after the choice; asks again until all were asked."""
    choice = sfn.Choice(scope, name)
    ask.next(choice)
    choice.when(sfn.Condition.not_(sfn.Condition.string_equals("$.asked.status", DONE)), ask)
    return choice.afterwards(include_otherwise=True)


def _judge_answers(scope: Construct, tasks: Tasks, name: str, *, subject: str, result_path: str) -> tasks_.LambdaInvoke:
    return call(
        scope,
        name,
        tasks["Judge"],
        comment="By the held-out future",
        payload={
            "run.$": "$.run",
            "recipe.$": "$.ask.recipe",
            "subject.$": subject,
            "question.$": "$.ask.question",
        },
        result_path=result_path,
    )


def _release(scope: Construct, tasks: Tasks) -> sfn.IChainable:
    """Delete a temporary campaign, because it costs money while it exists; then report the outcome."""
    release = call(
        scope,
        "Delete the campaign",
        tasks["Release"],
        comment="A campaign costs money for as long as it exists",
        payload={"campaign_arn.$": "$.chosen.arn", "run_id.$": "$.run.run_id"},
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
        .when(sfn.Condition.boolean_equals("$.chosen.temporary", True), release)
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
