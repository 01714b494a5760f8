"""What is declared in Amazon Personalize: schemas, the dataset group, datasets, the event tracker, filters.

Nearly every property of these types is fixed at creation, and CloudFormation cannot replace a resource that has a
name of its own by one of the same name. So each name carries a digest of what it is made from, and the group's digest
covers all schemas: an edit replaces group, datasets, tracker and filters together. Columns that are marked as added
are in none of these schemas (stacks.added_columns). They carry no tags, because tags
are fixed at creation too; so is the group's key, which is therefore in its digest. Solutions are not declared:
CloudFormation cannot switch their automatic training off.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_personalize as personalize
from constructs import Construct

from contract import naming
from contract.recipes import DatasetKind
from experiments.avro import schema_json
from experiments.config import Experiment
from stacks.encryption import Encryption


class Datasets(Construct):
    """The experiment's dataset group and what is in it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        experiment: Experiment,
        prefix: str,
        service_role: iam.Role,
        encryption: Encryption | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        schemas = {kind: schema_json(experiment, kind, released=True) for kind in experiment.schemas.kinds}
        self.group_name = group_name = naming.name(
            prefix, "group", schemas, *([encryption.given] if encryption else [])
        )
        self.group = personalize.CfnDatasetGroup(
            self,
            "Group",
            name=group_name,
            kms_key_arn=encryption.key.key_arn if encryption else None,
            role_arn=service_role.role_arn if encryption else None,
        )
        if encryption:
            self.group.node.add_dependency(service_role)  # with its policies, which CloudFormation knows nothing of
        self.datasets = {
            kind: self._dataset(
                kind, name=naming.name(prefix, kind.value.lower(), group_name), schema=text, prefix=prefix
            )
            for kind, text in schemas.items()
        }
        self.tracker = self._tracker(naming.name(prefix, "tracker", group_name)) if experiment.events else None
        self.filters = {
            chosen.name: self._filter(
                chosen.name,
                name=naming.name(prefix, f"f-{chosen.name}", group_name, chosen.expression),
                expression=chosen.expression,
            )
            for chosen in experiment.filters
        }
        for found in self.node.find_all():
            if isinstance(found, cdk.CfnResource):  # whatever tags the stack and the app around us have
                found.add_property_deletion_override("Tags")

    @property
    def group_arn(self) -> str:
        return self.group.attr_dataset_group_arn

    @property
    def dataset_arns(self) -> dict[str, str]:
        """{"Interactions": arn, …}"""
        return {kind.value: dataset.attr_dataset_arn for kind, dataset in self.datasets.items()}

    @property
    def filter_arns(self) -> dict[str, str]:
        """By the name in the experiment."""
        return {name: declared.attr_filter_arn for name, declared in self.filters.items()}

    @property
    def owned(self) -> list[str]:
        """ARNs in the group that CloudFormation deletes itself: the clean-up leaves them alone."""
        trackers = [self.tracker.attr_event_tracker_arn] if self.tracker else []
        return [*trackers, *self.filter_arns.values()]

    def _dataset(self, kind: DatasetKind, *, name: str, schema: str, prefix: str) -> personalize.CfnDataset:
        declared = personalize.CfnSchema(
            self,
            f"{kind.value}Schema",
            name=naming.name(prefix, f"{kind.value.lower()}-schema", schema),
            schema=schema,
        )
        return personalize.CfnDataset(
            self,
            kind.value,
            name=name,
            dataset_type=kind.value,
            dataset_group_arn=self.group_arn,
            schema_arn=declared.attr_schema_arn,
        )

    def _tracker(self, name: str) -> personalize.CfnEventTracker:
        tracker = personalize.CfnEventTracker(self, "Tracker", name=name, dataset_group_arn=self.group_arn)
        # Needed, yet invisible to CloudFormation: a tracker writes to the group's interactions.
        tracker.add_resource_dependency(self.datasets[DatasetKind.INTERACTIONS])
        return tracker

    def _filter(self, construct_id: str, *, name: str, expression: str) -> personalize.CfnFilter:
        declared = personalize.CfnFilter(
            self,
            f"Filter-{construct_id}",
            name=name,
            dataset_group_arn=self.group_arn,
            filter_expression=expression,
        )
        for dataset in self.datasets.values():  # whose fields the expression names
            declared.add_resource_dependency(dataset)
        return declared
