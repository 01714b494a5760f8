"""Sixteen combinations of the stack's options and the Spark job.

They contain any two of them in all four ways: both, either, none. `park_idle` needs `operations`: with it, on and off.
"""

from __future__ import annotations

from typing import Any

from synth_app import EVERYTHING, MINIMAL, growing

NUMBERS = range(16)
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
FAST = {"aws:cdk:bundling-stacks": []}
"""Context for those who do not look at the layer's content."""
ALL: dict[str, Any] = {
    "retain": True,
    "permissions_boundary": BOUNDARY,
    "tags": {"team": "shop", "cost-centre": 4711},
    "kms_key": "new",
    "operations": True,
    "park_idle": True,
    "budget": 100,
    "schedule": "rate(7 days)",
}
MASKS = {
    **{"retain": 1, "kms_key": 2, "tags": 3, "permissions_boundary": 4},
    **{"budget": 5, "schedule": 6, "spark_job": 7, "operations": 8},
}
GROWING = 10
"""Of the same kind: whether a column is added to the items, where there are any."""


def combination(number: int) -> dict[str, Any]:
    """Each option is on where the bits of the number that are its own are odd in number: any two are independent."""
    on = {name for name, mask in MASKS.items() if (number & mask).bit_count() % 2}
    options = {name: value for name, value in ALL.items() if name in on}
    if number & 4 and "operations" in options:  # which it needs
        options["park_idle"] = True
    if number & 4 and "kms_key" in options:
        options["kms_key"] = KEY
    base = EVERYTHING if (number & 9).bit_count() % 2 else MINIMAL
    if base is EVERYTHING and (number & GROWING).bit_count() % 2:
        base = growing(base)
    made = {**base, "name": f"combination-{number}", "stack": options}
    return with_spark(made) if "spark_job" in on else made


def with_spark(experiment: dict[str, Any]) -> dict[str, Any]:
    """The same from files, prepared on Spark."""
    schemas = experiment.get("schemas", {})
    ids = {"interactions": ("USER_ID", "ITEM_ID", "TIMESTAMP"), "users": ("USER_ID",), "items": ("ITEM_ID",)}
    files = {
        name: {
            "path": f"{name}.csv",
            "columns": {column: column.lower() for column in [*own, *_columns(schemas, name)]},
        }
        for name, own in ids.items()
        if name == "interactions" or name in schemas
    }
    return {**experiment, "data": {"kind": "files", **files}, "spark_job": {"workers": 20}}


def _columns(schemas: dict[str, Any], name: str) -> list[str]:
    return [column["name"] for column in schemas.get(name, [])]
