"""Solution versions: gather, fit or update, judge, save."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol, Self, runtime_checkable

from contract.recipes import Recipe
from personalize_engine.data.past import Past
from personalize_engine.errors import JobFailed
from personalize_engine.jobs.following import follow
from personalize_engine.jobs.registry import ACTIVE, Ending, Job, Result, Work, register
from personalize_engine.models.base import Model
from personalize_engine.serving import trained
from personalize_engine.serving.bind import BindError, bind, fit, recipe_of
from personalize_engine.store.events import Selection

KIND = "solution-version"
SPLIT_SEED = 0
"""All versions are judged on the same users."""
NUMBER = "_number"
"""Member of a version's body: how many trainings of its solution came before. It is the training's seed: the same data,
configuration and number give the same model, and a solution that is trained once more shows what chance does."""
KNOWN = "_knownColumns"
"""Member of a solution's and a version's body: jobs.columns.Offered.known."""
UPDATES = "_updates"
"""Member of a version's body: the version whose model an UPDATE starts from."""


@runtime_checkable
class Updatable(Protocol):
    """A model that takes up new items without being fitted anew."""

    def updated(self, past: Past) -> Self:
        """The same weights; items that were not there are known by their metadata. Features are as in the training."""


def train(work: Work, arn: str) -> Result:
    """Fits the recipe's model to what the dataset group holds now, or brings an earlier version's up to it (UPDATE)."""
    from personalize_engine.jobs.columns import Offered
    from personalize_engine.jobs.gathering import Wanted, gather
    from personalize_engine.jobs.service_metrics import service_metrics, split

    began = time.monotonic()
    version = work.resource(arn).body
    config = version.get("solutionConfig", {})
    recipe = recipe_of(version["recipeArn"])
    assert recipe is not None, "CreateSolution lets no unknown recipe pass"
    before = work.artifacts.path(version[UPDATES]) if UPDATES in version else None
    wanted = Wanted(
        recipe=recipe,
        selection=Selection.of(version.get("eventType"), config.get("eventValueThreshold")),
        columns=Offered(config=config.get("trainingDataConfig", {}), known=version.get(KNOWN, {})),
        encoders=None if before is None else trained.load_encoders(before),
    )
    work.progress(done=0, total=1, message="gathering interactions")
    data = gather(work, version["datasetGroupArn"], wanted)
    parts = split(data.past, seed=SPLIT_SEED)
    if before is None:
        model, tuned = _fit(work, parts.train, recipe, version)
    else:
        model, tuned = _update(trained.load_model(before, recipe), data.past), {}
    work.progress(done=1, total=1, message="judging on the newest interactions of a tenth of the users")
    metrics = service_metrics(model, parts, recipe=recipe, catalogue=data.catalogue)
    trained.save(
        work.aside,
        model,
        data.past,
        recipe=recipe,
        dataset_group=version["datasetGroupArn"],
        events_until=data.events_until,
        selection=wanted.selection,
        properties=data.properties,
    )
    return {"metrics": metrics, "tuned": tuned, "seconds": time.monotonic() - began}


def _fit(work: Work, past: Past, recipe: Recipe, version: Mapping[str, Any]) -> tuple[Model[Any], dict[str, str]]:
    """The model, and the hyperparameters that were found for it if there was a search."""
    from personalize_engine.jobs.tuning import tune_for

    config = version.get("solutionConfig", {})
    hyperparameters = config.get("algorithmHyperParameters", {})
    featurization = config.get("featureTransformationParameters", {})
    try:
        parameters = bind(recipe, hyperparameters, featurization)
    except BindError as error:
        raise JobFailed(str(error)) from None
    tuned: dict[str, str] = {}
    seed = version.get(NUMBER, 0)
    if version.get("performHPO"):
        tuned = tune_for(work, past, recipe=recipe, config=config, seed=seed)
        parameters = bind(recipe, {**hyperparameters, **tuned}, featurization)
    return fit(recipe, past, parameters, seed=seed, effort=work.effort, progress=work.progress), tuned


def _update(model: Model[Any], past: Past) -> Model[Any]:
    """The same weights for the items that there are now; metrics are judged anew, with the split of this past."""
    assert isinstance(model, Updatable), "CreateSolutionVersion lets other recipes' updates not pass"
    return model.updated(past)


def _finish(end: Ending, arn: str) -> None:
    end.transaction.set_members(arn, _metrics=end.result["metrics"], trainingHours=end.result["seconds"] / 3600)
    if tuned := end.result["tuned"]:
        end.transaction.set_members(arn, tunedHPOParams={"algorithmHyperParameters": tuned})
    end.transaction.set_status(arn, ACTIVE)
    follow(end.transaction, arn.rpartition("/")[0])


register(Job(kind=KIND, work=train, in_process=True, finish=_finish))
