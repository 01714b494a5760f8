"""EASE with recency weights, the linear model that deep ones are to beat.

Item-item weights B = I - P · diag(1 / diag P), P = (XᵀX + λI)⁻¹, X the users' distinct items; a user's scores are
q · B. Source: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019), equation 8. Its q is the user's
row of X; here an item weighs 1 / (1 + age)^RECENCY, age = how many interactions ago it was met last.

REGULARIZATION and RECENCY were chosen on validation parts cut from the past of MovieLens 100k and 1M, one pair for all
data. A catalogue larger than MAX_ITEMS is cut to its most popular items: the inverse is cubic in their number.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from benchmarks.recipes.exchange import Answer, Histories, Job, Lists, read_histories, run, timed
from benchmarks.recipes.lists import answer_in_batches, best

MAX_ITEMS = 20_000
REGULARIZATION = 1000.0
RECENCY = 0.9


class Ease:
    """Fitted on histories; asked with histories."""

    def __init__(self, histories: Histories, *, regularization: float = REGULARIZATION) -> None:
        users = Counter(item for own in histories.values() for item in set(own))
        self.items = sorted(sorted(users), key=lambda item: -users[item])[:MAX_ITEMS]
        self._row = {item: row for row, item in enumerate(self.items)}
        pairs = [(u, self._row[i]) for u, own in enumerate(histories.values()) for i in set(own) if i in self._row]
        user, item = np.array(pairs).T
        seen = csr_matrix((np.ones(len(pairs), np.float32), (user, item)), shape=(len(histories), len(self.items)))
        gram = (seen.T @ seen).toarray().astype(np.float64)
        gram[np.diag_indices_from(gram)] += regularization
        inverse = np.linalg.inv(gram)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0)
        self.weights = weights.astype(np.float32)
        """(n_items, n_items)"""

    def scores(self, histories: list[list[str]], *, recency: float = RECENCY) -> NDArray[np.float32]:
        """(B, n_items)"""
        query = np.zeros((len(histories), len(self.items)), np.float32)
        for place, own in enumerate(histories):
            for age, item in enumerate(reversed(own)):
                row = self._row.get(item)
                if row is not None and not query[place, row]:
                    query[place, row] = (1 + age) ** -recency
        scores: NDArray[np.float32] = query @ self.weights
        return scores

    def lists(self, histories: list[list[str]], k: int) -> list[list[str]]:
        """The k best items for each history; equal scores by popularity."""
        return [[self.items[row] for row in best(scores, k)] for scores in self.scores(histories)]


def answer(job: Job, answer: Answer) -> None:
    """The work of the process."""
    histories = read_histories(job.past)
    with timed(answer):
        model = Ease(histories)

    def ask(users: list[str]) -> Lists:
        return dict(zip(users, model.lists([histories[user] for user in users], job.length), strict=True))

    answer_in_batches(job, answer, ask)


if __name__ == "__main__":
    run(answer)
