"""Floors on real data: a model that is broken without failing falls below them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from benchmarks.recipes.judging import Judge
from benchmarks.recipes.tables import Tables
from benchmarks.recipes.works import Prepared, movielens, prepared
from contract.results import View
from evaluation.judge import judge
from personalize_engine.models.base import Model, Query
from personalize_engine.models.co_occurrence import CoOccurrence, CoOccurrenceParameters
from personalize_engine.models.hrnn import Hrnn, HrnnParameters
from personalize_engine.models.hrnn_sizing import sizing
from personalize_engine.models.popularity import Popularity, PopularityParameters
from personalize_engine.serving.rank import rank

pytestmark = pytest.mark.realdata


class MovieLens:
    """ML-100K, the newest tenth of each user held out, and the measure."""

    def __init__(self, work: Prepared) -> None:
        self.tables = Tables.read(work.past, work.columns)
        self.past = self.tables.past()
        self.cases = Judge(work).cases
        self.popularity = Popularity.fit(self.past, PopularityParameters(), seed=0)

    def precision_at_10(self, model: Model[Any], view: View = "unseen") -> float:
        queries = [
            Query(user_id=case.user, history=self.tables.history(case.user, metadata=False), item_id=case.last_item)
            for case in self.cases
        ]
        ranked = rank(model, queries, fallback=self.popularity.users_per_item, k=500)
        ids = self.past.items.ids
        answers = {case.user: [ids[row] for row in one.rows] for case, one in zip(self.cases, ranked, strict=True)}
        judged = judge("model", "user", cases=self.cases, answers=answers, catalogue=set(ids))
        return fmean(judged.values[view]["precision_at_10"])


@pytest.fixture(scope="module")
def ml_100k(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> MovieLens:
    work, *_ = movielens(test_data / "ml-100k")
    return MovieLens(prepared(work, tmp_path_factory.mktemp("works")))


def test_popularity(ml_100k: MovieLens) -> None:
    assert ml_100k.precision_at_10(ml_100k.popularity) == pytest.approx(0.067, abs=0.002)


def test_co_occurrence(ml_100k: MovieLens) -> None:
    everything = CoOccurrenceParameters(max_item_interaction_count_percentile=1)
    model = CoOccurrence.fit(ml_100k.past, everything, seed=0)
    assert ml_100k.precision_at_10(model) > 0.07


def test_hrnn_after_a_short_training(ml_100k: MovieLens) -> None:
    sizes = replace(sizing(len(ml_100k.past)), epochs=4)
    model = Hrnn.fit(ml_100k.past, HrnnParameters(), seed=0, sizes=sizes)
    assert ml_100k.precision_at_10(model) > 0.12
    assert np.all(model.weights["repeat"][:6] < 0)  # nobody rates a film twice
