"""What an experiment needs whose datasets get columns after the first deploy: a custom resource that removes schemas.

A run makes the schema with the new columns and puts it in place (lambdas.tasks.add_columns); CloudFormation knows
nothing of it. The datasets depend on the custom resource: they are deleted before it, and its own Delete can then
delete the schemas, which nothing uses any more. The function answers by itself: deleting a schema takes no time.
"""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from stacks.assets import Assets
from stacks.datasets import Datasets
from stacks.options import ADDED_COLUMNS
from stacks.permissions import Personalize, allow
from stacks.task_function import Task, TaskFunction


class AddedColumns(Construct):
    """The custom resource and its function."""

    def __init__(self, scope: Construct, construct_id: str, *, prefix: str, assets: Assets, datasets: Datasets) -> None:
        super().__init__(scope, construct_id)
        function = TaskFunction(self, "DeleteSchemas", task=_deleting(Personalize(self, prefix)), assets=assets)
        resource = cdk.CustomResource(
            self,
            "Schemas",
            service_token=function.arn,
            service_timeout=cdk.Duration.minutes(10),
            resource_type=ADDED_COLUMNS,
            properties={"Subject": datasets.group_name},
        )
        resource.node.add_dependency(function)
        for dataset in datasets.datasets.values():
            dataset.node.add_dependency(resource)


def _deleting(personalize: Personalize) -> Task:
    return Task(
        module="delete_schemas",
        purpose="Deletes the schemas with which columns were added",
        statements=[
            allow(["personalize:ListSchemas"], "*"),
            allow(["personalize:DeleteSchema"], personalize.grown_schemas()),
        ],
    )
