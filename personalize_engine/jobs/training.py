"""Solution versions: gather, fit, judge, save."""

from __future__ import annotations

import time

from personalize_engine.errors import JobFailed
from personalize_engine.jobs.registry import ACTIVE, Ending, Job, Result, Work, register
from personalize_engine.serving import trained
from personalize_engine.serving.bind import MODELS, BindError, bind, recipe_of

KIND = "solution-version"
SEED = 0
"""Trainings are repeatable: the same data and configuration give the same model."""


def train(work: Work, arn: str) -> Result:
    """Fits the recipe's model to what the dataset group holds now."""
    from personalize_engine.jobs.gathering import gather
    from personalize_engine.jobs.service_metrics import service_metrics, split
    from personalize_engine.jobs.tuning import tune_for

    began = time.monotonic()
    version = work.resource(arn).body
    config = version.get("solutionConfig", {})
    recipe = recipe_of(version["recipeArn"])
    assert recipe is not None, "CreateSolution lets no unknown recipe pass"
    hyperparameters = config.get("algorithmHyperParameters", {})
    featurization = config.get("featureTransformationParameters", {})
    try:
        parameters = bind(recipe, hyperparameters, featurization)
    except BindError as error:
        raise JobFailed(str(error)) from None
    work.progress(done=0, total=1, message="gathering interactions")
    threshold = config.get("eventValueThreshold")
    data = gather(
        work,
        version["datasetGroupArn"],
        event_type=version.get("eventType"),
        threshold=None if threshold is None else float(threshold),
    )
    parts = split(data.past, seed=SEED)
    tuned: dict[str, str] = {}
    if version.get("performHPO"):
        tuned = tune_for(work, parts.train, recipe=recipe, config=config, seed=SEED)
        parameters = bind(recipe, {**hyperparameters, **tuned}, featurization)
    model = MODELS[recipe.name].fit(parts.train, parameters, seed=SEED, progress=work.progress)
    work.progress(done=1, total=1, message="judging on the newest interactions of a tenth of the users")
    metrics = service_metrics(model, parts, recipe=recipe, catalogue=data.catalogue)
    trained.save(
        work.aside,
        model,
        data.past,
        recipe=recipe,
        dataset_group=version["datasetGroupArn"],
        events_until=data.events_until,
    )
    return {"metrics": metrics, "tuned": tuned, "seconds": time.monotonic() - began}


def _finish(end: Ending, arn: str) -> None:
    end.transaction.set_members(arn, _metrics=end.result["metrics"], trainingHours=end.result["seconds"] / 3600)
    if tuned := end.result["tuned"]:
        end.transaction.set_members(arn, tunedHPOParams={"algorithmHyperParameters": tuned})
    end.transaction.set_status(arn, ACTIVE)


register(Job(kind=KIND, work=train, in_process=True, finish=_finish))
