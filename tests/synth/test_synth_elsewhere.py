"""The construct in an app that is not ours: what it makes does not hang on the feature flags of our cdk.json."""

from __future__ import annotations

import json
from typing import Any

import pytest
from synth_app import EVERYTHING, FLAGS, cdk
from test_synth_options import ALL, FAST

from experiments.config import Experiment
from stacks.personalize_experiment import PersonalizeExperiment

POLICIES = {"Policies", "PolicyDocument", "KeyPolicy"}
"""Flags sort and merge statements there, which allow the same."""


def _made(options: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    app = cdk.App(context={**FAST, **context}, analytics_reporting=False)
    stack = cdk.Stack(app, "Shop")
    given = {**EVERYTHING, "stack": options, "spark_job": {"workers": 2}}
    PersonalizeExperiment(stack, "Recommendations", experiment=Experiment.model_validate(given))
    template: dict[str, Any] = _without_policies(app.synth().get_stack_by_name("Shop").template)
    return template


def _without_policies(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_policies(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_policies(item) for key, item in value.items() if key not in POLICIES}


@pytest.mark.parametrize("options", [{}, ALL], ids=["plain", "all-options"])
def test_without_our_feature_flags_the_same_is_made(options: dict[str, Any]) -> None:
    made = _made(options, {})
    assert json.dumps(made, indent=1) == json.dumps(_made(options, FLAGS), indent=1)
    assert len(made["Resources"]) <= 140  # docs/reuse.md says so: a stack may have 500
