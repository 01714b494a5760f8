"""`stack:` and `environments:`: what they take, and where a mistake in them is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_experiment_load import GOOD, findings, write

from experiments.load import load

OPTIONS = """\
stack:
  retain: true
  permissions_boundary: arn:aws:iam::123456789012:policy/boundary
  tags: {team: shop, cost-centre: 4711}
  kms_key: new
environments:
  prod: {kms_key: null, mode: serve, max_cost: 20}
  stage:
"""


def test_options_are_read(tmp_path: Path) -> None:
    experiment = load(write(tmp_path, GOOD + OPTIONS.replace("  stage:\n", "")))
    assert experiment.stack.tags == {"team": "shop", "cost-centre": "4711"}
    assert experiment.in_environment("dev") == experiment
    prod = experiment.in_environment("prod")
    assert (prod.stack.retain, prod.stack.kms_key, prod.mode, prod.max_cost) == (True, None, "serve", 20)
    assert (experiment.stack.kms_key, experiment.mode) == ("new", "experiment")


@pytest.mark.parametrize(
    ("text", "line", "field", "said"),
    [
        ("stack:\n  retian: true\n", 12, "stack.retian", "Did you mean 'retain'?"),
        ("stack: {retain: perhaps}\n", 11, "stack.retain", "'perhaps' is neither true nor false"),
        ("stack:\n  kms_key: alias/mine\n", 12, "stack.kms_key", "'alias/mine' is not allowed"),
        ("stack:\n  permissions_boundary: mine\n", 12, "stack.permissions_boundary", "must match"),
        ("stack:\n  tags:\n    aws:team: x\n", 13, "stack.tags.aws:team", "set by the stack or by AWS"),
        ("stack:\n  tags:\n    environment: x\n", 13, "stack.tags.environment", "set by the stack or by AWS"),
        ("stack:\n  tags:\n    a&b: x\n", 13, "stack.tags.a&b", "'a&b' is not allowed"),
        ("environments:\n  prod:\n    retian: true\n", 13, "environments.prod.retian", "Did you mean 'retain'?"),
        ("environments:\n  Prod: {retain: true}\n", 12, "environments.Prod", "'Prod' is not allowed"),
        ("environments:\n  prod:\n    mode: served\n", 13, "environments.prod.mode", "Did you mean 'serve'?"),
        ("environments:\n  prod:\n", 12, "environments.prod", "must be a mapping of fields"),
    ],
)
def test_a_mistake_is_told_where_it_is(tmp_path: Path, text: str, line: int, field: str, said: str) -> None:
    (found,) = findings(tmp_path, GOOD + text)
    assert (found.line, found.field) == (line, field)
    assert said in f"{found.problem}. {found.hint}"
