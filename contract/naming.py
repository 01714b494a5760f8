"""Names of what the project makes: `{experiment}-{6 hex}-{kind}-{8 hex of the inputs}`, at most 63 characters.

Equal inputs give equal names, so that a second run finds what the first one made; changed inputs give new names, so
that a replacement in CloudFormation never collides with what it replaces. The first six digits come from experiment
and environment: IAM grants end right behind them, so one experiment's name may extend another's.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

EXPERIMENT_PATTERN = r"[a-z][a-z0-9-]*"
MAX_EXPERIMENT = 24
MAX_KIND = 22
MAX_NAME = 63
DEFAULT_ENVIRONMENT = "dev"


def canonical_json(value: Any) -> str:
    """JSON text with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(*inputs: Any, length: int = 8) -> str:
    """The first `length` hex digits of SHA-256 over the canonical JSON of the inputs."""
    return hashlib.sha256(canonical_json(list(inputs)).encode()).hexdigest()[:length]


def prefix(experiment: str, environment: str = DEFAULT_ENVIRONMENT) -> str:
    """`{experiment}-{6 hex}`: what every name of the experiment begins with, and what grants match (`{prefix}-*`)."""
    if not re.fullmatch(EXPERIMENT_PATTERN, experiment) or len(experiment) > MAX_EXPERIMENT:
        raise ValueError(
            f"experiment name {experiment!r}: at most {MAX_EXPERIMENT} characters, lower-case letters, digits and"
            " hyphens, beginning with a letter"
        )
    parts = experiment.split("-")
    for length in range(1, len(parts)):
        shorter = "-".join(parts[:length])
        if parts[length] == digest(shorter, environment, length=6):  # would lie inside what `shorter` is granted
            raise ValueError(f"experiment name {experiment!r} begins like the resources of {shorter!r}: choose another")
    return f"{experiment}-{digest(experiment, environment, length=6)}"


def stack_name(experiment: str, environment: str = DEFAULT_ENVIRONMENT) -> str:
    """The CloudFormation stack of an experiment in an environment (`-c env=…`)."""
    return experiment if environment == DEFAULT_ENVIRONMENT else f"{experiment}-{environment}"


def name(of_prefix: str, kind: str, *inputs: Any) -> str:
    """The name of a resource of that kind (a short fixed word) made from those inputs (JSON values)."""
    if not kind or len(kind) > MAX_KIND:
        raise ValueError(f"kind {kind!r}: 1 to {MAX_KIND} characters")
    made = f"{of_prefix}-{kind}-{digest(*inputs)}"
    if len(made) > MAX_NAME:
        raise ValueError(f"name {made!r} is longer than {MAX_NAME} characters")
    return made


def grown_schema(group: str, kind: str, schema: str) -> str:
    """The name of a schema with added columns, for a dataset of the group of that name: `{grown_schemas}…`."""
    return f"{grown_schemas(group)}{kind.lower()}-{digest(schema)}"


def grown_schemas(group: str) -> str:
    """What the names of all these schemas of the group begin with."""
    return f"{group}-"


def attempt(base: str, number: int) -> str:
    """The name of the n-th attempt (1, 2, …) at something that cannot be deleted, such as an import job."""
    return base if number <= 1 else f"{base[: MAX_NAME - 4]}-a{number}"
