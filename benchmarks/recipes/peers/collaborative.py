"""ALS, BPR and item-kNN of implicit, with its defaults, on who met what how often; one thread, as all others.

Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets" (ICDM 2008); Rendle et al., "BPR: Bayesian
Personalized Ranking from Implicit Feedback" (UAI 2009).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from benchmarks.recipes.exchange import Answer, Histories, Job, Lists, peak_mb, read_histories, run, timed
from benchmarks.recipes.lists import answer_in_batches

MODELS: dict[str, Any] = {
    "ALS": AlternatingLeastSquares,
    "BPR": BayesianPersonalizedRanking,
    "item-kNN (cosine)": CosineRecommender,
    "item-kNN (BM25)": BM25Recommender,
}


def answer(job: Job, answer: Answer) -> None:
    """The work of the process. Settings: `model` (of `MODELS`), `options` of its constructor."""
    name, options = job.settings["model"], dict(job.settings["options"])
    if name in {"ALS", "BPR"}:
        options["random_state"] = job.seed
    histories = read_histories(job.past)
    users, items = list(histories), sorted({item for own in histories.values() for item in own})
    met = _counts(histories, {item: row for row, item in enumerate(items)})
    model = MODELS[name](num_threads=1, **options)
    with timed(answer):
        model.fit(met, show_progress=False)
    answer.peak_mb = peak_mb()
    place = {user: row for row, user in enumerate(users)}

    def ask(asked: list[str]) -> Lists:
        rows = np.array([place[user] for user in asked])
        length = min(job.length, len(items))
        found, scores = model.recommend(rows, met[rows], N=length, filter_already_liked_items=False)
        return {
            user: [items[k] for k, score in zip(own, values, strict=True) if k >= 0 and score > -1e30]
            for user, own, values in zip(asked, found.tolist(), scores.tolist(), strict=True)
        }

    answer_in_batches(job, answer, ask)


def _counts(histories: Histories, rows: dict[str, int]) -> csr_matrix:
    """(users, items): how often."""
    cells = [
        (user, rows[item], count) for user, own in enumerate(histories.values()) for item, count in Counter(own).items()
    ]
    user, item, count = np.array(cells).T
    return csr_matrix((count.astype(np.float32), (user, item)), shape=(len(histories), len(rows)))


if __name__ == "__main__":
    run(answer)
