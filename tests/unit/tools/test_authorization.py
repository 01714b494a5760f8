"""The table of Personalize's actions, out of the package's files."""

from __future__ import annotations

from local_cloud.plugin.authorization import FILE, REFERENCE
from tools.authorization import PACKAGE, TABLE, table

DESCRIBED = {"name": PACKAGE, "version": "1.2.3", "updatedAt": "2026-01-02T03:04:05Z", "license": "MIT"}
ACTIONS = {
    "b": {"name": "B", "resourceTypes": [{"name": "two", "required": True}, {"name": "one", "required": True}]},
    "a": {"name": "A", "resourceTypes": [], "accessLevel": "List"},
}
TYPES = {"two": {"key": "two", "arn": "arn:two/${Id}", "conditionKeys": []}, "one": {"key": "one", "arn": "arn:one"}}


def test_it_keeps_actions_types_and_where_they_come_from() -> None:
    assert table(DESCRIBED, ACTIONS, TYPES) == {
        "package": PACKAGE,
        "version": "1.2.3",
        "updated": "2026-01-02",
        "resource_types": {"one": "arn:one", "two": "arn:two/${Id}"},
        "actions": {"A": [], "B": ["one", "two"]},
    }


def test_the_plug_in_reads_what_the_command_writes() -> None:
    assert FILE == TABLE
    assert REFERENCE["package"] == PACKAGE
    types = {kind for kinds in REFERENCE["actions"].values() for kind in kinds}
    assert types <= set(REFERENCE["resource_types"])
