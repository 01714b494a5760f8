"""Which stacks there are: the experiments that were asked for, each as one stack, with cdk-nag's checks on all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from contract import naming
from experiments.config import Experiment
from experiments.load import ConfigError, Finding, load_named, names
from stacks.experiment import ExperimentStack


def build(root: Path, *, outdir: str) -> cdk.App:
    """The app of that repository, not yet synthesized; ConfigError for a wrong experiment or context.

    `python app.py` does not get cdk.json's context from the CDK command line, so it is read here. What the command
    line passes (`-c`) has precedence.
    """
    settings = json.loads((root / "cdk.json").read_text(encoding="utf-8"))
    app = cdk.App(context=settings["context"], outdir=outdir, analytics_reporting=False)
    return compose(app, [load_named(name) for name in chosen(app.node.try_get_context("experiments"))])


def compose(app: cdk.App, experiments: list[Experiment]) -> cdk.App:
    """Put a stack per experiment and the checks into the app."""
    environment = checked_environment(app.node.try_get_context("env") or naming.DEFAULT_ENVIRONMENT)
    target = cdk.Environment(account=app.node.try_get_context("account"), region=app.node.try_get_context("region"))
    for experiment in experiments:
        check_stack_name(experiment.name, environment)
        ExperimentStack(app, experiment.name, experiment=experiment, environment=environment, env=target)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def chosen(given: str | None) -> list[str]:
    """The experiments that the context names, separated by commas; all of them without it."""
    if given is None:
        return names()
    listed = [name.strip() for name in str(given).split(",") if name.strip()]
    if listed:
        return listed
    raise _wrong("experiments", f"{given!r} names no experiment", f"There are: {', '.join(names())}")


def checked_environment(given: str) -> str:
    """The environment, if it can be a part of names; ConfigError otherwise."""
    if re.fullmatch(naming.EXPERIMENT_PATTERN, given) and len(given) <= naming.MAX_EXPERIMENT:
        return given
    allowed = f"at most {naming.MAX_EXPERIMENT} lower-case letters, digits and hyphens, a letter first"
    raise _wrong("env", f"{given!r} is not the name of an environment", f"Allowed: {allowed}")


def check_stack_name(experiment: str, environment: str) -> None:
    """`shop` in the environment `eu` and an experiment `shop-eu` would be one stack: each would replace the other."""
    named = naming.stack_name(experiment, environment)
    if environment != naming.DEFAULT_ENVIRONMENT and named in names():
        raise _wrong("env", f"{named!r} would be the stack of the experiment of that name", "Choose another name")


def _wrong(key: str, problem: str, hint: str) -> ConfigError:
    """A mistake in the context, wherever it was given."""
    return ConfigError([Finding(file=Path("cdk.json"), line=None, field=f"context.{key}", problem=problem, hint=hint)])
