"""Hyperparameter optimisation on data small enough to try many values: aws-sims, real processes."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from contract.recipes import RECIPES
from contract.tuning import read_search
from personalize_engine.data.past import Past
from personalize_engine.errors import JobFailed
from personalize_engine.jobs.cores import Cores
from personalize_engine.jobs.service_metrics import service_metrics
from personalize_engine.jobs.trial import Task, validation_split
from personalize_engine.jobs.trials import Outcome, Trials, _Seat
from personalize_engine.jobs.tuning import Tuned, tune
from personalize_engine.models.base import no_progress
from personalize_engine.serving.bind import MODELS, bind

SIMS = RECIPES["aws-sims"]
OBJECTIVE = "mean_reciprocal_rank_at_25"


@pytest.fixture(scope="module")
def past() -> Past:
    """Popular items that go with everything, and pairs that go together: to discount popularity must help."""
    draw = np.random.default_rng(0)
    rows = []
    for user in range(300):
        own = 10 + 2 * draw.integers(0, 20)
        common = draw.integers(0, 10, size=4)
        rows += [(f"u{user:03d}", f"i{item:02d}", step) for step, item in enumerate([*common, own, own + 1])]
    return Past.build([r[0] for r in rows], [r[1] for r in rows], np.array([r[2] for r in rows]))


def config(*, jobs: int, parallel: int = 10, **more: Any) -> dict[str, Any]:
    resources = {"maxNumberOfTrainingJobs": str(jobs), "maxParallelTrainingJobs": str(parallel)}
    return {"hpoConfig": {"hpoResourceConfig": resources, "hpoObjective": {"metricName": OBJECTIVE}, **more}}


def tuned(past: Past, folder: Path, cores: Cores, settings: dict[str, Any], **more: Any) -> Tuned:
    wanted: dict[str, Any] = {"recipe": SIMS, "featurization": {}, "seed": 0, "progress": no_progress, **more}
    return tune(past, read_search(SIMS, settings), folder=folder, cores=cores, **wanted)


def value(past: Past, hyperparameters: dict[str, str]) -> float:
    """The objective, computed here."""
    parts = validation_split(past, seed=0)
    model = MODELS[SIMS.name].fit(parts.train, bind(SIMS, hyperparameters, {}), seed=0)
    return service_metrics(model, parts, recipe=SIMS, catalogue=frozenset(past.items.ids))[OBJECTIVE]


def test_the_best_trial_is_found_and_is_at_least_as_good_as_the_defaults(past: Past, tmp_path: Path) -> None:
    said: list[tuple[int, int, str]] = []
    found = tuned(
        past,
        tmp_path / "tuning",
        Cores(tmp_path / "cores", 2),
        config(jobs=6),
        progress=lambda *, done, total, message: said.append((done, total, message)),
    )
    assert set(found.hyperparameters) == {"popularity_discount_factor", "min_cointeraction_count"}
    assert found.value == pytest.approx(value(past, found.hyperparameters))
    assert found.value >= value(past, {})
    assert said[0][2] == "trial 1 of 6"
    assert [done for done, _, _ in said] == sorted(done for done, _, _ in said)
    assert said[-1][:2] == (600, 600)
    assert OBJECTIVE in said[-1][2]
    assert said[-1][2].endswith(" s left")


def test_the_same_seed_and_cores_give_the_same_result_whatever_else_is_done(past: Past, tmp_path: Path) -> None:
    cores = Cores(tmp_path / "cores", 2)
    settings = config(jobs=6)
    free = tuned(past, tmp_path / "free", cores, settings)
    with cores.own():
        busy = threading.Thread(target=lambda: time.sleep(1))
        busy.start()
        with cores.own():  # no core is left to be borrowed
            assert tuned(past, tmp_path / "busy", cores, settings) == free
        busy.join()


def test_a_trial_on_a_borrowed_core_rests_while_a_job_needs_it(tmp_path: Path) -> None:
    cores = Cores(tmp_path / "cores", 1)
    own, order, done = threading.Lock(), [], threading.Event()
    seat = _Seat(own, cores)

    def job() -> None:
        with cores.own():
            order.append("job")
            done.wait(5)

    job_thread = threading.Thread(target=job)
    with own, seat as taken:
        assert taken, "the only core is idle"
        seat.give_way()
        order.append("nobody waits")
        job_thread.start()
        while not cores.wanted():
            time.sleep(0.01)
        threading.Timer(0.2, done.set).start()
        seat.give_way()
        order.append("trial")
    assert order == ["nobody waits", "job", "trial"]
    job_thread.join()


def test_a_resting_trial_takes_the_job_s_own_core_once_that_is_free(tmp_path: Path) -> None:
    cores = Cores(tmp_path / "cores", 2)
    own = threading.Lock()
    first, second = _Seat(own, cores), _Seat(own, cores)
    with cores.own(), first as has_own, second as has_loan:
        assert (has_own, has_loan) == (True, True)
        waiting = threading.Thread(target=lambda: cores.own().__enter__(), daemon=True)
        waiting.start()
        while not cores.wanted():
            time.sleep(0.01)
        threading.Timer(0.2, first.__exit__).start()
        second.give_way()
        assert own.locked()


def test_what_was_tried_is_not_tried_again(past: Past, tmp_path: Path) -> None:
    only = {"categoricalHyperParameterRanges": [], "integerHyperParameterRanges": []}
    only["integerHyperParameterRanges"] = [{"name": "min_cointeraction_count", "minValue": 2, "maxValue": 3}]
    seen: set[str] = set()
    found = tuned(
        past,
        tmp_path / "tuning",
        Cores(tmp_path / "cores", 1),
        config(jobs=40, algorithmHyperParameterRanges=only),
        progress=lambda *, done, total, message: seen.add(message.split(",", maxsplit=1)[0]),
    )
    assert found.hyperparameters["min_cointeraction_count"] in {"2", "3"}
    assert len(seen) <= 4, "two trainings, not forty"


def test_if_every_trial_fails_the_first_reason_is_told(past: Past, tmp_path: Path) -> None:
    hrnn = RECIPES["aws-hrnn"]
    nobody = {"min_user_history_length_percentile": "1.0", "max_user_history_length_percentile": "0.0"}
    with pytest.raises(JobFailed, match=r"trials failed; the first: .*history_length_percentile"):
        tune(
            past,
            read_search(hrnn, config(jobs=2)),
            recipe=hrnn,
            featurization=nobody,
            seed=0,
            folder=tmp_path / "tuning",
            cores=Cores(tmp_path / "cores", 1),
            progress=no_progress,
        )


def test_a_trial_whose_process_is_killed_has_no_value_and_the_next_one_has(past: Past, tmp_path: Path) -> None:
    task = Task(recipe=SIMS.name, featurization={}, objective=OBJECTIVE, seed=0)
    task.write(tmp_path / "tuning", past)
    before = {child.pid for child in psutil.Process().children()}

    def kill() -> None:
        while not (born := [child for child in psutil.Process().children() if child.pid not in before]):
            time.sleep(0.01)
        born[0].kill()

    with Trials(tmp_path / "tuning", width=1, cores=Cores(tmp_path / "cores", 1)) as trials:
        killer = threading.Thread(target=kill)
        killer.start()
        (outcome,) = trials.run([{}], lambda position, share: None)
        killer.join()
        assert outcome.value is None
        assert "signal 9" in str(outcome.reason)
        (after,) = trials.run([{}], lambda position, share: None)
        assert after == Outcome(value=value(past, {}))
    assert {child.pid for child in psutil.Process().children()} <= before
