"""`budget`: tells the topic when the account's monthly cost of Amazon Personalize nears what was allowed.

AWS computes costs a few times a day, and for the whole account: this warns, it stops nothing (`max_cost` does).
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.publishing import let_publish

_PUBLISHER = "budgets.amazonaws.com"
_WARNINGS = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
"""Percent of the limit: spent, or expected by the end of the month."""


class Budget(Construct):
    """The budget and its warnings."""

    def __init__(self, scope: Construct, construct_id: str, *, dollars: float, topic: sns.Topic) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        let_publish(
            topic,
            _PUBLISHER,
            source=f"arn:{stack.partition}:budgets::{stack.account}:*",  # budgets have no region
        )
        told = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)
        budget = budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
                cost_filters={"Service": ["Amazon Personalize"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[told],
                )
                for kind, percent in _WARNINGS
            ],
        )
        budget.node.add_dependency(topic)  # with its policy: a topic that refuses is no subscriber
