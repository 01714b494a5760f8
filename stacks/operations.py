"""`operations`: alarms, a dashboard, metrics of the runs, traces, events, and the watch over idle campaigns.

All of it is added from outside: environment variables tell the functions to measure and to announce, one policy lets
their roles do so. Without the option no function asks for anything of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from contract.layout import PARKED
from stacks.assets import Assets
from stacks.objects import lists, reads, writes
from stacks.permissions import Personalize, allow
from stacks.publishing import let_publish
from stacks.schedule import Schedule
from stacks.states import TRACE, Machine
from stacks.task_function import Task, TaskFunction

NAMESPACE = "personalize-cdk"
"""Of the metrics (lambdas.measures), and the source of the events (lambdas.status_events)."""
ANNOUNCING = ("EnsureImport", "EnsureSolution", "EnsureVersion", "EnsureCampaign", "Release", "AddColumns")
"""The tasks that make and delete resources."""
ERRORS = 5
"""Of functions within a quarter of an hour: a few are mended by the machines' retries."""
_QUARTER, _HOUR, _WEEK = cdk.Duration.minutes(15), cdk.Duration.hours(1), cdk.Duration.days(7)
_ONLY_OURS = {"ForAllValues:StringEquals": {"events:source": NAMESPACE}, "Null": {"events:source": "false"}}
"""One call may carry events of several sources: each must be this one, and there must be one."""


class Operations(Construct):
    """Made last: it looks at the machines and functions of the experiment, which are beside it in the scope."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        prefix: str,
        assets: Assets,
        topic: sns.Topic,
        tasks: Construct,
        park_in: s3.Bucket | None = None,
    ) -> None:
        """`park_in`: the data bucket, if idle campaigns are to be parked."""
        super().__init__(scope, construct_id)
        self._prefix, self._topic = prefix, topic
        stack = cdk.Stack.of(self)
        watch = TaskFunction(self, "WatchCampaigns", task=_watching(prefix, stack, park_in), assets=assets)
        Schedule(
            self,
            "Hourly",
            description="Counts the campaigns that nobody asks",
            expression="rate(1 hour)",
            target_arn=watch.arn,
            action="lambda:InvokeFunction",
            given={"prefix": prefix, **({"park_in": park_in.bucket_name} if park_in else {})},
        )
        machines = [found for found in scope.node.find_all() if isinstance(found, Machine)]
        functions = [found for found in scope.node.find_all() if isinstance(found, TaskFunction)]
        self._let_tell(
            functions, [cast(TaskFunction, found) for name in ANNOUNCING if (found := tasks.node.try_find_child(name))]
        )
        alarms = [
            *(alarm for machine in machines for alarm in self._machine_alarms(machine)),
            *(self._function_alarm(task) for task in functions),
            self._idle_alarm(),
        ]
        let_publish(topic, "cloudwatch.amazonaws.com", source=_alarms(stack))
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(topic))
        self._dashboard(alarms, machines, functions)

    def _let_tell(self, functions: Sequence[TaskFunction], announcing: Sequence[TaskFunction]) -> None:
        """Traces and metrics from every function, events from those that change something."""
        stack = cdk.Stack.of(self)
        for task in functions:
            task.function.add_environment("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE)
            task.function.add_environment("POWERTOOLS_SERVICE_NAME", self._prefix)
            resource = cast(lambda_.CfnFunction, task.function.node.default_child)
            resource.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")
        for task in announcing:
            task.function.add_environment("EVENT_BUS", "default")
        bus = stack.format_arn(service="events", resource="event-bus", resource_name="default")
        iam.Policy(self, "Trace", roles=[task.role for task in functions], statements=[allow(TRACE, "*")])
        iam.Policy(
            self,
            "Announce",
            roles=[task.role for task in announcing],
            statements=[allow(["events:PutEvents"], bus, conditions=_ONLY_OURS)],
        )

    def _machine_alarms(self, machine: Machine) -> list[cloudwatch.Alarm]:
        """A run ends badly in one of two ways; an alarm over their sum would cost as much as one of each."""
        kind = str(machine.name).removeprefix(f"{self._prefix}-")
        told = f"The machine {machine.name} {{}}: its newest execution says at which state, and why"
        failed, timed_out = machine.machine.metric_failed, machine.machine.metric_timed_out
        return [
            self._alarm(f"Failed-{kind}", told.format("failed"), failed(period=_QUARTER), threshold=1),
            self._alarm(f"TimedOut-{kind}", told.format("timed out"), timed_out(period=_QUARTER), threshold=1),
        ]

    def _function_alarm(self, task: TaskFunction) -> cloudwatch.Alarm:
        return self._alarm(
            f"Errors-{task.node.id}",
            f"{ERRORS} or more errors of the function {task.node.id} within a quarter of an hour: see its log",
            task.function.metric_errors(period=_QUARTER),
            threshold=ERRORS,
        )

    def _idle_alarm(self) -> cloudwatch.Alarm:
        return self._alarm(
            "IdleCampaigns",
            "A campaign got no request for a day, and costs money: delete it (docs/options.md)",
            self._metric("IdleCampaigns", statistic="Maximum"),
            threshold=1,
        )

    def _alarm(self, name: str, description: str, metric: cloudwatch.IMetric, *, threshold: float) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            name,
            alarm_description=f"{self._prefix}: {description}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _metric(self, name: str, *, statistic: str = "Sum") -> cloudwatch.Metric:
        """One of lambdas.measures."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"service": self._prefix},
            statistic=statistic,
            period=_HOUR,
        )

    def _dashboard(
        self, alarms: list[cloudwatch.Alarm], machines: Sequence[Machine], functions: Sequence[TaskFunction]
    ) -> None:
        requests = [
            cloudwatch.MathExpression(
                expression=(
                    f"SEARCH('{{AWS/Personalize,CampaignArn}} MetricName=\"{name}\" \"{self._prefix}\"', 'Sum', 3600)"
                ),
                using_metrics={},
                label=name,
                period=_HOUR,
            )
            for name in ("GetRecommendations", "GetPersonalizedRanking")
        ]
        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self._prefix, default_interval=_WEEK)
        board.add_widgets(cloudwatch.AlarmStatusWidget(alarms=alarms, title="Alarms", width=24))
        board.add_widgets(
            _graph("Runs that succeeded", [machine.machine.metric_succeeded(period=_HOUR) for machine in machines]),
            _graph("Runs that failed", [machine.machine.metric_failed(period=_HOUR) for machine in machines]),
            _graph("Time of a run", [machine.machine.metric_time(period=_HOUR) for machine in machines]),
        )
        board.add_widgets(
            _graph("Requests of campaigns", requests),
            _graph("Campaigns", [self._metric(name, statistic="Maximum") for name in ("Campaigns", "IdleCampaigns")]),
            _graph(
                "Training hours, dollars estimated", [self._metric("TrainingHours"), self._metric("EstimatedDollars")]
            ),
        )
        board.add_widgets(
            _graph("Errors of functions", [task.function.metric_errors(period=_HOUR) for task in functions], width=12),
            _graph("Time of functions", [task.function.metric_duration(period=_HOUR) for task in functions], width=12),
        )


def _watching(prefix: str, scope: Construct, park_in: s3.Bucket | None) -> Task:
    statements = [allow(["personalize:ListCampaigns", "cloudwatch:GetMetricData"], "*")]
    if park_in:
        campaign = Personalize(scope, prefix).named("campaign")
        statements += [
            allow(["personalize:DescribeCampaign", "personalize:DeleteCampaign"], campaign),
            *reads(park_in, PARKED),
            lists(park_in),
            *writes(park_in, PARKED),
        ]
    return Task(
        module="watch_campaigns", purpose="Counts the campaigns that nobody asks, or parks them", statements=statements
    )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric], *, width: int = 8) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=width)


def _alarms(stack: cdk.Stack) -> str:
    return stack.format_arn(
        service="cloudwatch", resource="alarm", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )
