"""From an experiment to what its run would do on AWS: as the first state of the machine plans it, without AWS."""

from __future__ import annotations

from contract import naming
from contract.plan import EventSettings, Run, Settings
from costs.work import Work, work_of
from experiments.config import Experiment
from experiments.settings import evaluation_settings, recipe_settings, schema_columns
from lambdas.trainings import trainings

_ACCOUNT = "000000000000"


def planned(experiment: Experiment, *, region: str) -> Work:
    """The trainings and campaigns of a run with the input {}."""
    prefix = naming.prefix(experiment.name)
    events = None
    if experiment.mode == "experiment" and experiment.events and experiment.events.try_recipe:
        events = EventSettings(recipe=experiment.events.try_recipe, tracking_id="")
    settings = Settings(
        experiment=experiment.name,
        prefix=prefix,
        bucket="",
        dataset_group_arn=f"arn:aws:personalize:{region}:{_ACCOUNT}:dataset-group/{prefix}",
        dataset_arns={},
        schema_columns=schema_columns(experiment),
        service_role_arn="",
        recipes=[recipe_settings(choice) for choice in experiment.recipes],
        evaluation=evaluation_settings(experiment),
        mode=experiment.mode,
    )
    run = Run(
        run_id="",
        started_at="",
        experiment=experiment.name,
        backend="aws",
        bucket="",
        version="",
        mode=experiment.mode,
        evaluation=settings.evaluation,
        events=events,
    )
    plans = trainings(settings, run, settings.recipes, afresh=False)
    return work_of(run, plans, region=region, max_cost=experiment.max_cost)
