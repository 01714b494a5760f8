"""SASRec of RecTools with its defaults: two blocks, four heads, 256 factors, sequences of 100, full softmax, Adam.

Kang, McAuley, "Self-Attentive Sequential Recommendation" (ICDM 2018), with the softmax loss that RecTools recommends.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable

import pandas as pd
import torch
from pytorch_lightning import seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

from benchmarks.recipes.exchange import Answer, Histories, Job, run
from benchmarks.recipes.peers.epochs import Peer, search_and_answer


class Recommender:
    """Asks a fitted or half-fitted SASRec."""

    def __init__(self, model: SASRecModel) -> None:
        self._model = model

    def lists(self, histories: list[list[str]], k: int) -> list[list[str]]:
        """The k best items for each history."""
        asked = {f"{place}": own for place, own in enumerate(histories)}
        found = self._model.recommend(
            users=list(asked), dataset=_dataset(asked), k=k, filter_viewed=False, on_unsupported_targets="ignore"
        )
        by_user = {user: rows[Columns.Item].tolist() for user, rows in found.groupby(Columns.User, sort=False)}
        return [by_user.get(user, []) for user in asked]


def fit(histories: Histories, seed: int, epochs: int, after_epoch: Callable[[Peer], bool]) -> Peer:
    """RecTools' defaults, but for the number of epochs; its own `fit_partial` goes on from epoch to epoch."""
    seed_everything(seed, verbose=False)
    model, data = SASRecModel(), _dataset(histories)
    asked = Recommender(model)
    for _ in range(epochs):
        model.fit_partial(data, min_epochs=1, max_epochs=1)
        if after_epoch(asked):
            break
    return asked


def answer(job: Job, answer: Answer) -> None:
    """The work of the process."""
    search_and_answer(job, answer, fit)


def _dataset(histories: Histories) -> Dataset:
    rows = [(user, item, 1.0, place) for user, own in histories.items() for place, item in enumerate(own)]
    frame = pd.DataFrame(rows, columns=[Columns.User, Columns.Item, Columns.Weight, "place"])
    frame[Columns.Datetime] = pd.Timestamp("2000-01-01") + pd.to_timedelta(frame.pop("place"), unit="s")
    return Dataset.construct(frame)


if __name__ == "__main__":
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    run(answer)
