"""The main machine: check the data, import, train every recipe and judge it, compare, report, notify.

The data that passes through it is `contract.plan`, small JSON throughout. Every state's name is what a person reads in
the console and in the local run's progress.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks_
from constructs import Construct

from contract.plan import Settings
from stacks.encryption import use_of
from stacks.permissions import allow, executions_of
from stacks.recipe_branch import QUICK, SLOW, RecipeBranch, failed_training
from stacks.states import ALL_ERRORS, Machine, call, say_if_cut_off
from stacks.tasks import Tasks
from stacks.until_active import UntilActive

_COMMENT = """\
Compare the recipes of one experiment. Start it with {}: every field of the input is optional.
  recipes: only these of the experiment's recipes, e.g. ["aws-hrnn"]
  mode: "experiment" makes campaigns for the evaluation and deletes them, "serve" updates campaigns of its own and
    keeps them; by default as in the experiment
  train_afresh: true trains again even where equal inputs were trained before
  users: ask at most so many users
  max_cost: US dollars; a run that may cost more on AWS ends before it imports or trains anything; by default as in the
    experiment
A field named Comment is ignored; any other is refused. A run that failed is started again with the same input: it
does only what is missing. The data come from `python -m data_prep EXPERIMENT --stack`."""


class Pipeline(Construct):
    """The main machine and its notification topic."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        tasks: Tasks,
        training: RecipeBranch,
        notify: str | None,
        key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(
            self,
            "Notifications",
            display_name=f"{settings.experiment}: recipes compared",
            enforce_ssl=True,
            master_key=key,
        )
        if notify:
            sns.Subscription(self, "Email", topic=self.topic, protocol=sns.SubscriptionProtocol.EMAIL, endpoint=notify)
        used = ["CheckData", "EstimateCost", "EnsureImport", "JudgeBaselines", "Compare", "Report"]
        used += ["AddColumns"] if settings.grown_schemas else []
        machine = Machine(
            self,
            "Main",
            name=f"{settings.prefix}-main",
            comment=_COMMENT,
            start=self._definition(settings, tasks=tasks, training=training),
            timeout=cdk.Duration.days(3),
            functions=[tasks[name] for name in used],
            statements=[
                allow(["sns:Publish"], self.topic.topic_arn),
                *use_of(key, "Decrypt", "GenerateDataKey"),
                *_start_and_await(self, training),
            ],
        )
        self.machine = machine.machine
        self.arn = machine.arn
        self.executions = executions_of(self, f"{settings.prefix}-main")

    def _definition(self, settings: Settings, *, tasks: Tasks, training: RecipeBranch) -> sfn.IChainable:
        check = call(
            self,
            "Check the data",
            tasks["CheckData"],
            comment="Read what was published, check it and the input, and plan the run",
            payload={
                "settings": without_none(asdict(settings)),
                "input.$": "$",
                "run_id.$": "$$.Execution.Name",
                "started_at.$": "$$.Execution.StartTime",
            },
        )
        compare = call(
            self,
            "Compare the recipes",
            tasks["Compare"],
            comment="Intervals, differences, the verdict: report.json",
            payload={
                "run.$": "$.run",
                "imported.$": "$.imported",
                "trainings.$": "$.trainings",
                "outcomes.$": "$.results.outcomes",
            },
            result_path="$.compared",
        )
        report = call(
            self,
            "Write the report",
            tasks["Report"],
            comment="report.html beside report.json",
            payload={"run.$": "$.run"},
            result_path="$.written",
        )
        say_if_cut_off(check, compare, report)
        rest = compare.next(report).next(self._notify(settings.experiment)).next(_end(self))
        planned = check.next(_estimate(self, tasks))
        if settings.grown_schemas:
            planned = planned.next(_add_columns(self, tasks))
        return (
            planned.next(_import(self, tasks))
            .next(_train_and_judge(self, tasks, training))
            .next(_unless_baselines_failed(self, rest))
        )

    def _notify(self, experiment: str) -> tasks_.SnsPublish:
        notify = tasks_.SnsPublish(
            self,
            "Notify",
            comment="Send the verdict and where the report lies",
            topic=self.topic,
            subject=f"{experiment}: recipes compared",
            message=sfn.TaskInput.from_text(
                sfn.JsonPath.format(
                    "{} The report: s3://{}/{}",
                    sfn.JsonPath.string_at("$.compared.verdict"),
                    sfn.JsonPath.string_at("$.run.bucket"),
                    sfn.JsonPath.string_at("$.written.report_html"),
                )
            ),
            result_path=sfn.JsonPath.DISCARD,
            task_timeout=sfn.Timeout.duration(cdk.Duration.minutes(1)),
        )
        notify.add_retry(errors=["States.TaskFailed"], interval=cdk.Duration.seconds(2), max_attempts=2)
        return notify


def without_none(value: Any) -> Any:
    """The same JSON without members that are null: jsii loses them anyway, and a missing one means the same."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_none(item) for item in value]
    return value


def _estimate(scope: Construct, tasks: Tasks) -> sfn.IChainable:
    """Before the first call that is billed."""
    estimate = call(
        scope,
        "Estimate the cost",
        tasks["EstimateCost"],
        comment="As on AWS, before anything is billed; a run that may cost more than max_cost ends here",
        payload={"run.$": "$.run"},
        result_path="$.estimated",
    )
    say_if_cut_off(estimate)
    return estimate


def _add_columns(scope: Construct, tasks: Tasks) -> sfn.Map:
    added = sfn.Map(
        scope,
        "Add new columns",
        comment="To datasets that were made without them; what is added already is found",
        items_path="$.columns",
        item_selector={"wanted.$": "$$.Map.Item.Value"},
        result_path=sfn.JsonPath.DISCARD,
    )
    fragment = UntilActive(
        scope,
        "schema with new columns",
        tasks["AddColumns"],
        wanted="$.wanted",
        result_path="$.ensured",
        seconds=QUICK,
    )
    say_if_cut_off(fragment.start)
    fragment.then(sfn.Succeed(scope, "Columns added"))
    added.item_processor(fragment.start)
    return added


def _import(scope: Construct, tasks: Tasks) -> sfn.Map:
    imports = sfn.Map(
        scope,
        "Import every dataset",
        comment="Side by side; what is imported already is found",
        items_path="$.imports",
        item_selector={"wanted.$": "$$.Map.Item.Value"},
        result_path="$.imported",
    )
    fragment = UntilActive(
        scope, "import", tasks["EnsureImport"], wanted="$.wanted", result_path="$.ensured", seconds=SLOW
    )
    say_if_cut_off(fragment.start)
    fragment.then(sfn.Succeed(scope, "Imported", output_path="$.ensured"))
    imports.item_processor(fragment.start)
    return imports


def _train_and_judge(scope: Construct, tasks: Tasks, training: RecipeBranch) -> sfn.Parallel:
    every = sfn.Map(
        scope,
        "Train every recipe",
        comment="One child execution per distinct training",
        items_path="$.trainings",
        max_concurrency=4,
    )
    members = ("run", "trained", "solution", "version", "asks")
    train = tasks_.StepFunctionsStartExecution(
        scope,
        "Train and judge",
        comment="Train once, judge the recipes of this training",
        state_machine=training.machine,
        integration_pattern=sfn.IntegrationPattern.RUN_JOB,
        input=sfn.TaskInput.from_object({f"{member}.$": f"$.{member}" for member in members}),
        associate_with_parent=True,
        output_path="$.Output",
        task_timeout=sfn.Timeout.duration(cdk.Duration.hours(24)),
    )
    train.add_catch(failed_training(scope), errors=ALL_ERRORS, result_path="$.error")
    every.item_processor(train)
    baselines = call(
        scope,
        "Judge the baselines",
        tasks["JudgeBaselines"],
        comment="Simple rankings made from the past alone",
        payload={"run.$": "$.run"},
    )
    # A failure here must not cut off trainings that are paid for: it is looked at when they are over.
    baselines.add_catch(
        sfn.Pass(scope, "Note that the baselines failed", parameters={"failed.$": "States.JsonToString($.error)"}),
        errors=ALL_ERRORS,
        result_path="$.error",
    )
    both = sfn.Parallel(
        scope,
        "Train the recipes and judge the baselines",
        result_selector={"outcomes.$": "$[0]", "baselines.$": "$[1]"},
        result_path="$.results",
    )
    return both.branch(every).branch(baselines)


def _unless_baselines_failed(scope: Construct, then: sfn.IChainable) -> sfn.Choice:
    failed = sfn.Fail(scope, "The baselines failed", error="BaselinesFailed", cause_path="$.results.baselines.failed")
    return (
        sfn.Choice(scope, "Were the baselines judged?")
        .when(sfn.Condition.is_present("$.results.baselines.failed"), failed)
        .otherwise(then)
    )


def _end(scope: Construct) -> sfn.IChainable:
    failed = sfn.Fail(
        scope,
        "Recipes failed",
        error="RecipesFailed",
        cause_path=sfn.JsonPath.format(
            "{} failed, see {}. When the reason is removed, start again with the same input: only what is missing is"
            " done. {}",
            sfn.JsonPath.json_to_string(sfn.JsonPath.object_at("$.compared.failed")),
            sfn.JsonPath.string_at("$.compared.report_json"),
            sfn.JsonPath.string_at("$.compared.verdict"),
        ),
    )
    succeeded = sfn.Pass(
        scope,
        "Every recipe succeeded",
        parameters={
            "bucket.$": "$.run.bucket",
            "report_json.$": "$.compared.report_json",
            "report_html.$": "$.written.report_html",
            "best.$": "$.compared.best",
            "verdict.$": "$.compared.verdict",
        },
    )
    return (
        sfn.Choice(scope, "Did every recipe succeed?")
        .when(sfn.Condition.is_present("$.compared.failed[0]"), failed)
        .otherwise(succeeded)
    )


def _start_and_await(scope: Construct, training: RecipeBranch) -> list[Any]:
    """What `startExecution.sync` needs: start the machine, follow and stop its executions, hear of their end."""
    rule = cdk.Stack.of(scope).format_arn(
        service="events", resource="rule", resource_name="StepFunctionsGetEventsForStepFunctionsExecutionRule"
    )
    return [
        allow(["states:StartExecution"], training.arn),
        allow(["states:DescribeExecution", "states:StopExecution"], executions_of(scope, training.name)),
        allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], rule),
    ]
