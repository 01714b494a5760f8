"""Hyperparameter optimisation (HPO): many short trainings to choose the values of the final one.

The configuration is that of `contract.tuning`. What to try is proposed by a tree-structured Parzen estimator (Bergstra,
Bardenet, Bengio, Kegl: "Algorithms for Hyper-Parameter Optimization", NIPS 2011; Optuna): first what was given or is
the default, then values drawn at random, then those that resemble the better trials. Trials are judged on a validation
part of the past that is trained on (`jobs.trial`); the test users of GetSolutionMetrics play no part.

The same seed and number of cores give the same result: proposals come in batches as large as the trials that may run at
once, each taking the others for bad ones ("constant liar": Ginsbourger, Le Riche, Carraro, 2010), and results are told
in the order of the proposals, whenever they came. What was tried before is not tried again.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.recipes import Recipe
from contract.tuning import Range, Search, read_search
from personalize_engine.data.past import Past
from personalize_engine.errors import JobFailed
from personalize_engine.jobs.cores import Cores
from personalize_engine.jobs.registry import Work
from personalize_engine.jobs.trial import Task
from personalize_engine.jobs.trials import Outcome, Trials
from personalize_engine.models.base import Progress

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

RANDOM_SHARE = 1 / 3
"""Of the trials: drawn at random, before anything is learned from them."""
LOGARITHMIC_FROM = 8.0
"""A range whose ends are so many times apart is searched in proportions: 32 to 64 counts as much as 128 to 256."""
STEPS = 100
"""Of progress, per trial."""
ENOUGH = 0.05
"""Of a trial must be done before the time left is told from it: at first a network is compiled."""


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The best trial."""

    hyperparameters: dict[str, str]
    """Those that were searched, as the API writes them."""
    value: float
    """The objective on the validation part."""


def tune_for(work: Work, past: Past, *, recipe: Recipe, config: Mapping[str, Any], seed: int) -> dict[str, str]:
    """`tune` for a training: the best of the hyperparameters that a `solutionConfig` leaves to be searched."""
    assert work.cores is not None, "trainings are done in a worker process"
    folder = work.aside / "tuning"
    try:
        return tune(
            past,
            read_search(recipe, config),
            recipe=recipe,
            featurization=config.get("featureTransformationParameters", {}),
            seed=seed,
            folder=folder,
            cores=work.cores,
            progress=work.progress,
        ).hyperparameters
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tune(
    past: Past,
    search: Search,
    *,
    recipe: Recipe,
    featurization: Mapping[str, str],
    seed: int,
    folder: Path,
    cores: Cores,
    progress: Progress,
) -> Tuned:
    """The best hyperparameters for `past`; JobFailed if no trial succeeds.

    `folder` must not exist; it holds what the trials read. A trial that fails, for example for want of memory, is only
    left out.
    """
    task = Task(recipe=recipe.name, featurization=dict(featurization), objective=search.objective, seed=seed)
    task.write(folder, past)
    width = min(search.parallel, search.jobs, cores.count)
    study = _study(search, seed)
    distributions = {row.parameter.name: _distribution(row) for row in search.ranges}
    tried: dict[tuple[str, ...], Outcome] = {}
    account = _Account(search, width=width, progress=progress)
    with Trials(folder, width=width, cores=cores) as trials:
        for begin in range(0, search.jobs, width):
            asked = [study.ask(distributions) for _ in range(min(width, search.jobs - begin))]
            values = [tuple(_text(trial.params[row.parameter.name]) for row in search.ranges) for trial in asked]
            new = [key for key in dict.fromkeys(values) if key not in tried]
            account.begin(begin)
            outcomes = trials.run([{**search.given, **_named(search, key)} for key in new], account.say)
            tried |= zip(new, outcomes, strict=True)
            for trial, key in zip(asked, values, strict=True):
                _tell(study, trial.number, tried[key])
                account.end(tried[key])
    return _best(search, tried)


def _study(search: Search, seed: int) -> Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    random = max(2, round(search.jobs * RANDOM_SHARE))
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=random, constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial(search.first)
    return study


def _distribution(row: Range) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if row.parameter.kind == "categorical":
        return CategoricalDistribution(row.values)
    logarithmic = row.low > 0 and row.high >= LOGARITHMIC_FROM * row.low
    if row.parameter.kind == "integer":
        return IntDistribution(int(row.low), int(row.high), log=logarithmic)
    return FloatDistribution(row.low, row.high, log=logarithmic)


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _named(search: Search, key: tuple[str, ...]) -> dict[str, str]:
    return dict(zip((row.parameter.name for row in search.ranges), key, strict=True))


def _tell(study: Study, number: int, outcome: Outcome) -> None:
    from optuna.trial import TrialState

    if outcome.value is None:
        study.tell(number, state=TrialState.FAIL)
    else:
        study.tell(number, outcome.value)


def _best(search: Search, tried: Mapping[tuple[str, ...], Outcome]) -> Tuned:
    """The first of the best."""
    values = {key: outcome.value for key, outcome in tried.items() if outcome.value is not None}
    if not values:
        reason = next(iter(tried.values())).reason
        raise JobFailed(f"Hyperparameter optimisation: all {len(tried)} trials failed; the first: {reason}")
    best = max(values, key=values.__getitem__)
    return Tuned(hyperparameters=_named(search, best), value=values[best])


class _Account:
    """Tells how far the search is; thread-safe."""

    def __init__(self, search: Search, *, width: int, progress: Progress) -> None:
        self._search, self._width, self._progress = search, width, progress
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._ended = 0
        self._shares: dict[int, float] = {}
        self._best: float | None = None
        self._report()

    def begin(self, ended: int) -> None:
        """A new batch, behind so many trials."""
        with self._lock:
            self._ended, self._shares = ended, {}

    def say(self, position: int, share: float) -> None:
        """How much of a trial of the batch is done."""
        with self._lock:
            self._shares[position] = share
            self._report()

    def end(self, outcome: Outcome) -> None:
        """How a trial ended."""
        with self._lock:
            if outcome.value is not None and (self._best is None or outcome.value > self._best):
                self._best = outcome.value

    def _report(self) -> None:
        jobs = self._search.jobs
        done = self._ended + sum(self._shares.values())
        whole = self._ended + sum(share >= 1 for share in self._shares.values())
        message = f"trial {min(whole + 1, jobs)} of {jobs}"
        if self._best is not None:
            message += f", best {self._search.objective} {self._best:.4f}"
        if done >= ENOUGH * self._width:
            # The final training takes about as long as one trial, which `width` of them share the time of.
            left = (time.monotonic() - self._began) / done * (jobs - done + self._width)
            message += f", about {left:.0f} s left"
        self._progress(done=int(STEPS * done), total=STEPS * jobs, message=message)
