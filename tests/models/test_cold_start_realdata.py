"""A floor for aws-hrnn-coldstart on MovieLens: half of the items cold, genres as the only metadata.

The protocol of the service's published cold-start sample: all that a user has met of the cold items is the truth, and
the measure is how often the five best are in it, over how often a cold item drawn at random is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest

from benchmarks.recipes.judging import Judge
from benchmarks.recipes.tables import Tables
from benchmarks.recipes.works import movielens, prepared
from contract.recipes import DatasetKind
from personalize_engine.models.base import Query
from personalize_engine.models.cold_start import ColdStart, ColdStartParameters
from personalize_engine.models.hrnn_sizing import sizing

pytestmark = pytest.mark.realdata


def lift(folder: Path, out: Path, *, draw: int, epochs: int | None = None) -> float:
    """P@5 over that of random cold items, equally good items in random order; None: as many epochs as by default."""
    work = prepared(movielens(folder)[1 + draw], out)
    tables = Tables.read(work.past, work.columns)
    past = tables.past([DatasetKind.ITEMS])
    sizes = None if epochs is None else replace(sizing(len(past)), epochs=epochs)
    model = ColdStart.fit(past, ColdStartParameters(), seed=0, sizes=sizes)
    random = np.random.default_rng(0)
    hits, chance = [], []
    for case in Judge(work).cases:
        (scores,) = model.scores([Query(user_id=case.user, history=tables.history(case.user, metadata=False))])
        best = np.lexsort((random.random(len(scores)), -np.nan_to_num(scores, nan=-np.inf)))[:5]
        hits.append(fmean(past.items.ids[row] in case.relevant for row in best))
        chance.append(len(case.relevant) / len(model.cold))
    return fmean(hits) / fmean(chance)


def test_half_of_movielens_is_cold(test_data: Path, tmp_path: Path) -> None:
    assert lift(test_data / "ml-100k", tmp_path, draw=0, epochs=4) > 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_mean_of_three_draws(test_data: Path, tmp_path: Path) -> None:
    assert fmean(lift(test_data / "ml-100k", tmp_path, draw=draw) for draw in range(3)) >= 4
