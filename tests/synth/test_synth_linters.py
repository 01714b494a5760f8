"""cfn-lint and asl-validator find nothing in any template: whatever options, Spark, every experiment here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from combinations import ALL, FAST, NUMBERS, combination, with_spark
from linters import asl_validator, cfn_lint
from synth_app import EVERYTHING, Template, new_app, synthesize

from experiments.load import load_named, names
from stacks.application import compose
from stacks.personalize_experiment import REGIONS

COMMON = [region for region in REGIONS if not region.startswith("eusc-")]
"""Those of which cfn-lint knows which resource types they have."""


def _check(folder: Path, tmp_path: Path, *, regions: list[str]) -> None:
    paths = sorted(folder.glob("*.template.json"))
    assert cfn_lint(paths, regions=regions) == ""
    assert asl_validator([Template(json.loads(path.read_text())) for path in paths], tmp_path) == ""


def test_the_plain_templates(templates: dict[str, Template], assembly: Path, tmp_path: Path) -> None:
    assert templates
    _check(assembly, tmp_path, regions=COMMON)


def test_the_template_with_every_option_and_spark(tmp_path: Path) -> None:
    synthesize(tmp_path / "out", {**with_spark(EVERYTHING), "stack": ALL}, **FAST)
    _check(tmp_path / "out", tmp_path, regions=COMMON)


@pytest.mark.slow  # its short form is the two above: nothing and everything
def test_every_combination(tmp_path: Path) -> None:
    made = synthesize(tmp_path / "out", *map(combination, NUMBERS), **FAST)
    assert len(made) == len(NUMBERS)
    _check(tmp_path / "out", tmp_path, regions=["us-east-1"])


@pytest.mark.slow
def test_every_experiment_here(tmp_path: Path) -> None:
    compose(new_app(tmp_path / "out", **FAST), [load_named(name) for name in names()]).synth()
    assert len(list((tmp_path / "out").glob("*.template.json"))) == len(names())
    _check(tmp_path / "out", tmp_path, regions=["us-east-1"])


def test_a_finding_is_one(everything: Template, tmp_path: Path) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketNam": "x"}}
    (tmp_path / "wrong.json").write_text(json.dumps({"Resources": {"Bucket": bucket}}))
    assert "BucketNam" in cfn_lint([tmp_path / "wrong.json"])
    machine: dict[str, Any] = {"StartAt": "Nowhere", "States": {"End": {"Type": "Succeed"}}}
    row = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": json.dumps(machine)}}
    assert "Nowhere" in asl_validator([everything, Template({"Resources": {"Machine": row}})], tmp_path)
    assert asl_validator([], tmp_path)
