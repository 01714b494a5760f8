"""Synthesizes experiments for tests: one that uses everything, and one that uses as little as possible."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import app as entry  # noqa: E402

entry.use_node_of_the_wheel()

import aws_cdk as cdk  # noqa: E402

from experiments.config import Experiment  # noqa: E402
from stacks.application import compose  # noqa: E402

FLAGS: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
EVERYTHING = {
    "name": "everything",
    "description": "Uses every option of an experiment that a stack depends on",
    "data": {"kind": "generated"},
    "schemas": {
        "interactions": [{"name": "EVENT_TYPE", "type": "string"}],
        "users": [{"name": "AGE", "type": "string", "categorical": True}],
        "items": [{"name": "GENRES", "type": "string", "categorical": True, "nullable": True}],
    },
    "recipes": [
        {"recipe": "aws-hrnn-coldstart", "hyperparameters": {"bptt": 16, "cold_start_max_duration": 3}},
        "aws-user-personalization",
        "aws-popularity-count",
        "aws-personalized-ranking",
    ],
    "events": {"try_recipe": "aws-user-personalization"},
    "filters": [{"name": "seen", "expression": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")'}],
    "evaluation": {"users": 500},
    "mode": "serve",
    "notify": "someone@example.com",
}
YEAR = {"name": "YEAR", "type": "int", "nullable": True, "added": True}


def growing(experiment: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """The same with a column more, which its stack, deployed before, does not have."""
    schemas = experiment["schemas"]
    return {**experiment, **changed, "schemas": {**schemas, "items": [*schemas["items"], YEAR]}}


MINIMAL = {"name": "minimal", "data": {"kind": "generated"}, "recipes": ["aws-popularity-count"]}


@dataclass
class Template:
    """A synthesized template, and what tests ask of it."""

    body: dict[str, Any]
    resources: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.resources = self.body["Resources"]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Resources of a type, by logical id."""
        return {key: row for key, row in self.resources.items() if row["Type"] == kind}

    def by_path(self, path: str, kind: str) -> dict[str, Any]:
        """The resource whose logical id begins with the path's parts written together, e.g. `Tasks/Ask/Role`."""
        beginning = re.escape(path.replace("/", "").replace("-", ""))
        (found,) = [row for key, row in self.of_type(kind).items() if re.fullmatch(rf"{beginning}[0-9A-F]{{8}}", key)]
        return found

    def statements(self, role: str) -> list[dict[str, Any]]:
        """All that a role allows, tokens written as text."""
        policies = self.by_path(role, "AWS::IAM::Role")["Properties"].get("Policies", [])
        return [text_of(statement) for policy in policies for statement in policy["PolicyDocument"]["Statement"]]

    def machine(self, path: str) -> dict[str, Any]:
        """A state machine's definition."""
        properties = self.by_path(path, "AWS::StepFunctions::StateMachine")["Properties"]
        definition: dict[str, Any] = json.loads(text_of(properties["DefinitionString"]))
        return definition


def text_of(value: Any) -> Any:
    """The same with every intrinsic function as text: `<LogicalId>`, `<LogicalId.Attribute>`."""
    if isinstance(value, list):
        return [text_of(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return f"<{value['Ref']}>"
    if set(value) == {"Fn::GetAtt"}:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    if set(value) == {"Fn::Sub"}:
        return value["Fn::Sub"]
    if set(value) == {"Fn::Join"}:
        separator, parts = value["Fn::Join"]
        return separator.join(text_of(part) for part in parts)
    return {key: text_of(item) for key, item in value.items()}


def states_of(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state of a machine, those of its maps and branches too."""
    for name, state in definition["States"].items():
        yield name, state
        for inner in [state.get("ItemProcessor"), *state.get("Branches", [])]:
            if inner:
                yield from states_of(inner)


def named(outdir: Path, name: str) -> Template:
    """A synthesized stack."""
    return Template(json.loads((outdir / f"{name}.template.json").read_text()))


def new_app(outdir: Path, **context: Any) -> cdk.App:
    """An empty app with the context of cdk.json."""
    return cdk.App(context=FLAGS | context, outdir=str(outdir), analytics_reporting=False)


def synthesize(outdir: Path, *given: dict[str, Any], **context: Any) -> dict[str, Template]:
    """Templates by experiment; raises if cdk-nag or CDK's own validation has findings."""
    experiments = [Experiment.model_validate(experiment) for experiment in given]
    compose(new_app(outdir, **context), experiments).synth()
    return {experiment.name: named(outdir, experiment.name) for experiment in experiments}
