"""What the stack of an experiment has beyond what its runs need: `stack:` in the YAML, and per environment.

docs/options.md says of each what it does, what it costs and what it replaces.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from contract import naming
from contract.plan import Mode
from experiments.parts import Part, wrong

NEW_KEY = "new"
RESERVED_TAGS = ("experiment", "environment", "retain")
"""What every stack is tagged with."""
MAX_TAGS = 40
"""Of the 50 that a resource may have; CloudFormation and the tags above need some."""
_ARN = r"arn:aws[a-z-]*"
_KEY = r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})"
_RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?:[2-9]|[1-9]\d+) (?:minutes|hours|days))\)")
_CRON = re.compile(r"cron\(\S+(?: \S+){5}\)")


def _schedule(value: str) -> str:
    if _RATE.fullmatch(value) or _CRON.fullmatch(value):
        return value
    raise ValueError(f"{value!r} is no schedule such as rate(7 days) or cron(0 4 ? * MON *)")


def _tags(value: Any) -> Any:
    """Numbers are text: a cost centre may be 4711."""
    if not isinstance(value, dict):
        return value
    return {key: str(text).lower() if isinstance(text, bool) else str(text) for key, text in value.items()}


def _allowed_tags(value: dict[str, str]) -> dict[str, str]:
    for key in value:
        if key in RESERVED_TAGS or key.lower().startswith("aws:"):
            raise wrong(f"the tag {key} is set by the stack or by AWS: choose another key", at=(key,))
    return value


TagKey = Annotated[str, Field(pattern=r"^[\w .:/=+@-]+$", max_length=128)]
TagValue = Annotated[str, Field(pattern=r"^[\w .:/=+@-]*$", max_length=256)]


class StackOptions(Part):
    """Options of the stack; each is off where nothing is said."""

    retain: bool = False
    """Keep bucket, dataset group, datasets, schemas and log groups when the stack is destroyed or replaces them."""
    permissions_boundary: Annotated[str, Field(pattern=rf"^{_ARN}:iam::(\d{{12}}|aws):policy/[\w+=,.@/-]+$")] | None = (
        None
    )
    """ARN of a managed policy that bounds every role of the stack."""
    tags: Annotated[
        dict[TagKey, TagValue],
        Field(max_length=MAX_TAGS),
        AfterValidator(_allowed_tags),
        BeforeValidator(_tags, json_schema_input_type=dict[str, str | int | float | bool]),
    ] = Field(default_factory=dict)
    """Of every resource, except those in Amazon Personalize, whose tags are fixed at creation."""
    kms_key: Annotated[str, Field(pattern=rf"^(?:{NEW_KEY}|{_ARN}:kms:[a-z0-9-]+:\d{{12}}:key/{_KEY})$")] | None = None
    """`new`: a customer key of the stack's own; or the ARN of yours. It encrypts the data bucket, the dataset group,
    the topic and the logs. Fixed at creation: a change replaces the dataset group."""

    operations: bool = False
    """Alarms to the notification topic, a dashboard, metrics of the runs, traces, an event per status change of a
    resource in Amazon Personalize, a watch over idle campaigns."""
    park_idle: bool = False
    """With `operations`: a campaign that nobody asked for a day is parked, that is, deleted and noted, so that
    `make unpark` makes it again under its ARN."""
    budget: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """US dollars a month: the topic is told when the account's cost of Amazon Personalize nears or exceeds them."""
    schedule: Annotated[str, AfterValidator(_schedule)] | None = None
    """When a run is started by itself, in UTC: `rate(7 days)` or `cron(0 4 ? * MON *)`. It does only what is new."""


class Environment(StackOptions):
    """An environment (`-c env=NAME`): what is said here goes before `stack` and before the fields of the experiment."""

    mode: Mode | None = None
    """Instead of the experiment's."""
    max_cost: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Instead of the experiment's."""


EnvironmentName = Annotated[str, Field(pattern=rf"^{naming.EXPERIMENT_PATTERN}$", max_length=naming.MAX_EXPERIMENT)]
