"""What a deploy would replace or delete in Amazon Personalize, and what is lost with it: `make diff` asks it last.

    python -m tools.replacements EXPERIMENT [--environment dev] [--allow Dataset --allow …] [--before FILE]

Compares the template that is deployed (or the one in FILE) with the one of this checkout. Nearly every property of
these types is fixed at creation, so an edit replaces the resource: the new one begins empty. Exit code 1 if a type is
concerned that is not allowed to be.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from contract.naming import DEFAULT_ENVIRONMENT, stack_name

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "AWS::Personalize::"
GROUP, ADDED = "DatasetGroup", "AddedColumns"
UPDATABLE = {"Dataset": {"DatasetImportJob"}, "EventTracker": {"Tags"}, "Filter": {"Tags"}}
"""{type: properties that change in place}; all others are create-only in the registry's resource schemas."""
LOST = {
    "Schema": "nothing by itself: schemas hold no data",
    "DatasetGroup": "all data in it, events included, and every solution, version and campaign made from them",
    "Dataset": "the imported rows (the next run imports them again), and the events and single rows put into it",
    "EventTracker": "its tracking id: whoever sends events needs the new one; events sent with the old one are refused",
    "Filter": "its ARN: whoever asks with the filter needs the new one",
    ADDED: "nothing, but a dataset keeps its columns: imports without them fail. Declare them as they were",
}


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A resource that will not be there any more."""

    type: str
    """`Dataset`"""
    logical_id: str
    reason: str

    def __str__(self) -> str:
        lost = LOST.get(self.type, "what it holds")
        return f"{self.type} {self.logical_id} {self.reason}. Lost: {lost}"


def losses(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Loss]:
    """From one template to the other, in the order of the first one."""
    old = {key: row for key, row in before.get("Resources", {}).items() if row["Type"].startswith(PREFIX)}
    new = after.get("Resources", {})
    found: dict[str, Loss] = {}
    while True:  # what refers to a replaced resource has another ARN to refer to
        more = {key: loss for key in old if key not in found and (loss := _loss(key, old[key], new.get(key), found))}
        if not more:
            break
        found |= more
    lost = [found[key] for key in old if key in found]
    if GROUP not in [loss.type for loss in lost]:
        lost += [
            Loss(type=ADDED, logical_id=key, reason="will be deleted: no column is marked as added any more")
            for key, row in before.get("Resources", {}).items()
            if row["Type"] == f"Custom::{ADDED}" and key not in new
        ]
    return lost


def _loss(key: str, old: Mapping[str, Any], new: Mapping[str, Any] | None, replaced: Collection[str]) -> Loss | None:
    kind = old["Type"].removeprefix(PREFIX)
    if new is None or new["Type"] != old["Type"]:
        return Loss(type=kind, logical_id=key, reason="will be deleted")
    for name in sorted({*old.get("Properties", {}), *new.get("Properties", {})} - UPDATABLE.get(kind, set())):
        was, will = (row.get("Properties", {}).get(name) for row in (old, new))
        if was != will:
            return Loss(type=kind, logical_id=key, reason=f"will be replaced, because {name} changes")
        if other := next((ref for ref in _references(will) if ref in replaced), None):
            return Loss(type=kind, logical_id=key, reason=f"will be replaced, because {name} is of {other}")
    return None


def _references(value: Any) -> Iterator[str]:
    """Logical ids that a property's value refers to."""
    if isinstance(value, Mapping):
        if isinstance(ref := value.get("Ref"), str):
            yield ref
        if target := value.get("Fn::GetAtt"):
            yield target.split(".")[0] if isinstance(target, str) else target[0]
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _references(part)


def deployed(stack: str) -> dict[str, Any] | None:
    """The template of a stack, None if there is no such stack."""
    try:
        answer = boto3.client("cloudformation").get_template(StackName=stack, TemplateStage="Original")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    body = answer["TemplateBody"]
    template: dict[str, Any] = json.loads(body) if isinstance(body, str) else dict(body)
    return template


def synthesized(experiment: str, environment: str) -> dict[str, Any]:
    """The template of this checkout."""
    with tempfile.TemporaryDirectory() as folder:
        context = json.dumps({"experiments": experiment, "env": environment})
        subprocess.run(
            [sys.executable, str(ROOT / "app.py")],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "CDK_OUTDIR": folder, "CDK_CONTEXT_JSON": context, "CDK_VALIDATION": "false"},
        )
        template: dict[str, Any] = json.loads((Path(folder) / f"{experiment}.template.json").read_text())
        return template


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.replacements", description="what a deploy would replace in Amazon Personalize"
    )
    parser.add_argument("experiment")
    parser.add_argument("--environment", default=DEFAULT_ENVIRONMENT)
    parser.add_argument("--allow", action="append", default=[], choices=sorted(LOST), help="may be replaced")
    parser.add_argument("--before", type=Path, metavar="FILE", help="a template, instead of the deployed one")
    asked = parser.parse_args(arguments)
    stack = stack_name(asked.experiment, asked.environment)
    try:
        before = json.loads(asked.before.read_text()) if asked.before else deployed(stack)
        if before is None:
            print(f"{stack} is not deployed: nothing can be lost")
            return 0
        after = synthesized(asked.experiment, asked.environment)
    except (OSError, ValueError, ClientError, BotoCoreError) as error:
        print(f"error: what is deployed cannot be compared: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError:
        return 1  # the app has said what is wrong
    found = losses(before, after)
    for loss in found:
        print(loss)
    refused = sorted({loss.type for loss in found} - set(asked.allow))
    if "Schema" in refused:
        print("Columns of Items and Users that are marked with `added: true` replace nothing", file=sys.stderr)
    if refused:
        print(f"If that is intended: make diff ALLOW_REPLACE={','.join(refused)}", file=sys.stderr)
        return 1
    if not found:
        print(f"{stack}: nothing in Amazon Personalize is replaced or deleted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
