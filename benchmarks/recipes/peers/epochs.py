"""How long a peer that learns by epochs is to learn: found on validation, then learned anew on the whole past."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from benchmarks.recipes.exchange import Answer, Curve, Histories, Job, Lists, best_epoch, peak_mb, read_histories, timed
from benchmarks.recipes.lists import answer_in_batches


class Peer(Protocol):
    """A model that is asked with histories."""

    def lists(self, histories: list[list[str]], k: int) -> list[list[str]]:
        """The k best items for each history, seen ones included."""
        ...


Fit = Callable[[Histories, int, int, Callable[[Peer], bool]], Peer]
"""(histories, seed, epochs at most, called behind each epoch: True ends the training) -> the model."""
_ENDLESS = 1000


def search_and_answer(job: Job, answer: Answer, fit: Fit) -> None:
    """Fills in the curve and, unless the job asks for the curve alone, the lists."""
    histories = read_histories(job.past)
    asked: list[Peer] = []

    def ask(users: list[str]) -> Lists:
        own = [curve.train[user] for user in users]
        seen = max(map(len, own))
        return dict(zip(users, asked[-1].lists(own, 10 + seen), strict=True))

    def after_epoch(model: Peer) -> bool:
        asked[:] = [model]
        return curve.epoch()

    curve = Curve(job, answer, lambda users: ask(list(users)), histories)
    fit(curve.train, job.seed, _ENDLESS, after_epoch)
    if job.curve:
        return
    epochs = best_epoch(answer.curve)
    answer.notes |= {"epochs": epochs, "search_seconds": round(answer.cpu_seconds, 1)}
    answer.training_seconds = answer.cpu_seconds = 0.0
    with timed(answer):
        model = fit(histories, job.seed, epochs, lambda _: False)
    answer.peak_mb = peak_mb()
    answer_in_batches(
        job,
        answer,
        lambda users: dict(zip(users, model.lists([histories[user] for user in users], job.length), strict=True)),
    )
