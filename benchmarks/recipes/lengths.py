"""The process that trains aws-hrnn for growing numbers of epochs, until validation is as good as asked.

Its learning rate goes through one cycle, so the weights amid a training say little: each length is a training of its
own, with its own time, which is how long somebody has to train who wants it that good.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.recipes import network
from benchmarks.recipes.exchange import Answer, Asked, Curve, Job, Lists, read_histories, run
from benchmarks.recipes.ours import Asking
from benchmarks.recipes.tables import Tables
from contract.recipes import RECIPES

RECIPE = "aws-hrnn"
LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Epochs."""


def answer(job: Job, answer: Answer) -> None:
    """The work of the process. Settings: `target`, the NDCG@10 on validation that is enough."""
    tables = Tables.read(job.past, job.columns).without_newest()
    past = tables.past()
    asked: list[Asking] = []

    def ask(users: Sequence[str]) -> Lists:
        return asked[-1].lists([Asked(user=user, last_item="") for user in users])

    curve = Curve(job, answer, ask, read_histories(job.past))
    for epochs in LENGTHS:
        answer.training_seconds = answer.cpu_seconds = 0.0
        curve.start()
        model = network.fit(past, seed=job.seed, different={"epochs": epochs})
        asked[:] = [Asking(RECIPES[RECIPE], model, past, tables, k=job.length)]
        enough = curve.epoch()
        answer.notes["epochs"] = [*LENGTHS[: len(answer.curve)]]
        if enough or answer.curve[-1][-1] >= job.settings["target"]:
            return


if __name__ == "__main__":
    run(answer)
