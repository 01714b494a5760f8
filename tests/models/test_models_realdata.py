"""Floors on real data: a model that is broken without failing falls below them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from benchmarks.recipes import Data, histories, read
from contract.recipes import Question
from contract.results import View
from evaluation.cases import Case, cases
from evaluation.interactions import Interactions
from evaluation.judge import judge
from personalize_engine.data.past import Past
from personalize_engine.models.base import Model, Query
from personalize_engine.models.co_occurrence import CoOccurrence, CoOccurrenceParameters
from personalize_engine.models.hrnn import Hrnn, HrnnParameters
from personalize_engine.models.hrnn_sizing import sizing
from personalize_engine.models.hrnn_training import train
from personalize_engine.models.popularity import Popularity, PopularityParameters
from personalize_engine.serving.rank import rank

pytestmark = pytest.mark.realdata


class MovieLens:
    """ML-100K, the newest tenth of each user held out, and the measure."""

    def __init__(self, data: Data) -> None:
        frame = data.past
        self.past = Past.build(frame["user"].tolist(), frame["item"].tolist(), frame["at"].to_numpy())
        rows = Interactions(zip(frame["user"], frame["item"], frame["at"], strict=True))
        future = Interactions(zip(data.future["user"], data.future["item"], data.future["at"], strict=True))
        self.cases: list[Case] = cases(rows, future, question=Question.USER, users=10_000, seed=0)
        self.histories = histories(frame)
        self.popularity = Popularity.fit(self.past, PopularityParameters(), seed=0)

    def precision_at_10(self, model: Model[Any], view: View = "unseen") -> float:
        queries = [
            Query(user_id=case.user, history=self.histories[case.user], item_id=case.last_item) for case in self.cases
        ]
        ranked = rank(model, queries, fallback=self.popularity.users_per_item, k=500)
        ids = self.past.items.ids
        answers = {case.user: [ids[row] for row in one.rows] for case, one in zip(self.cases, ranked, strict=True)}
        judged = judge("model", "user", cases=self.cases, answers=answers, catalogue=set(ids))
        return fmean(judged.values[view]["precision_at_10"])


@pytest.fixture(scope="module")
def movielens(test_data: Path) -> MovieLens:
    return MovieLens(read(test_data / "ml-100k"))


def test_popularity(movielens: MovieLens) -> None:
    assert movielens.precision_at_10(movielens.popularity) == pytest.approx(0.067, abs=0.002)


def test_co_occurrence(movielens: MovieLens) -> None:
    everything = CoOccurrenceParameters(max_item_interaction_count_percentile=1)
    model = CoOccurrence.fit(movielens.past, everything, seed=0)
    assert movielens.precision_at_10(model) > 0.07


def test_hrnn_after_a_short_training(movielens: MovieLens) -> None:
    weights = train(
        movielens.past,
        hidden=43,
        bptt=32,
        recency=True,
        history_percentiles=(0, 1),
        seed=0,
        progress=lambda **_: None,
        sizes=replace(sizing(len(movielens.past)), epochs=4),
    )
    model = Hrnn(HrnnParameters(), movielens.past.items, weights=weights)
    assert movielens.precision_at_10(model) > 0.12
    assert np.all(weights["repeat"][:6] < 0)  # nobody rates a film twice
