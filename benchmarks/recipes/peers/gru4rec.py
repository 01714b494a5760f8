"""GRU4Rec of Cornac with its defaults; a user's whole history is one session.

Hidasi, Karatzoglou, Baltrunas, Tikk, "Session-based Recommendations with Recurrent Neural Networks" (ICLR 2016).

Cornac calls nothing between epochs and asks for one user at a time. Its progress bar is the one seam: `_Epochs` takes
its place. Users are asked in batches here, by the model's own steps; every run holds some against Cornac's own scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from cornac.data import SequentialDataset
from cornac.models import GRU4Rec
from cornac.models.gru4rec import recom_gru4rec
from numpy.typing import NDArray

from benchmarks.recipes.exchange import Answer, Histories, Job, run
from benchmarks.recipes.lists import best
from benchmarks.recipes.peers.epochs import Peer, search_and_answer

CHECKED = 20
"""Users, and their newest interactions, whose scores are held against Cornac's own."""


class Recommender:
    """Asks a fitted or half-fitted GRU4Rec."""

    def __init__(self, model: GRU4Rec, items: list[str]) -> None:
        self._model, self._items = model, items
        self._row = {item: row for row, item in enumerate(items)}

    def scores(self, histories: list[list[str]]) -> NDArray[np.float32]:
        """(B, n_items). Histories end together, so that at each step those who have begun are the first rows."""
        with torch.no_grad():
            return self._scores(histories)

    def _scores(self, histories: list[list[str]]) -> NDArray[np.float32]:
        network = self._model.model
        network.eval()
        rows = [[self._row[item] for item in own if item in self._row] for own in histories]
        order = sorted(range(len(rows)), key=lambda k: -len(rows[k]))
        longest = len(rows[order[0]])
        state = [torch.zeros((len(rows), units)) for units in self._model.layers]
        for step in range(longest):
            begun = [rows[k] for k in order if len(rows[k]) >= longest - step]
            now = torch.tensor([own[len(own) - longest + step] for own in begun])
            active = [layer[: len(begun)] for layer in state]
            embedded, _, _ = network.embed(now, active)
            network.hidden_step(embedded, active)
            for layer, new in zip(state, active, strict=True):
                layer[: len(begun)] = new
        values = network.score_items(state[-1], network.Wy.weight, network.By.weight).numpy()
        scores = np.empty((len(rows), len(self._items)), np.float32)
        scores[order] = values[:, : len(self._items)]
        network.train()
        return scores

    def check(self, histories: list[list[str]]) -> None:
        """Raises if Cornac itself scores otherwise: its steps may change with the library."""
        for own, scores in zip(histories, self.scores(histories), strict=True):
            theirs = self._model.score(0, [self._row[item] for item in own if item in self._row])
            np.testing.assert_allclose(scores, theirs[: len(self._items)], rtol=1e-3, atol=1e-4)

    def lists(self, histories: list[list[str]], k: int) -> list[list[str]]:
        """The k best items for each history."""
        return [[self._items[row] for row in best(scores, k)] for scores in self.scores(histories)]


class _Epochs:
    """In place of Cornac's progress bar: tells when an epoch ends, and can end the training."""

    def __init__(self, epochs: int, ended: Callable[[], bool]) -> None:
        self._epochs, self._ended = epochs, ended

    def __iter__(self) -> Iterator[int]:
        for epoch in range(1, self._epochs + 1):
            yield epoch
            if self._ended():
                return

    def set_postfix(self, **_: Any) -> None:
        """What the bar would show."""


def fit(histories: Histories, seed: int, epochs: int, after_epoch: Callable[[Peer], bool]) -> Peer:
    """Cornac's defaults, but for the number of epochs."""
    events = [(user, item, place) for user, own in histories.items() if len(own) > 1 for place, item in enumerate(own)]
    data = SequentialDataset.build(events, fmt="SIT", seed=seed)
    model = GRU4Rec(n_epochs=epochs, seed=seed)
    model.batch_size = min(model.batch_size, data.num_sessions)  # fewer users than that are an error in Cornac
    asked = Recommender(model, list(data.iid_map))
    torch.manual_seed(seed)
    recom_gru4rec.trange = lambda *_, **__: _Epochs(epochs, lambda: after_epoch(asked))
    model.fit(data)
    asked.check([own[-CHECKED:] for own in list(histories.values())[:CHECKED]])
    return asked


def answer(job: Job, answer: Answer) -> None:
    """The work of the process."""
    search_and_answer(job, answer, fit)


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(answer)
