"""The process that trains aws-hrnn on so many generated rows, for the seconds per epoch and the memory.

All sizes train the same network, that of a million rows. It is trained for one epoch and for three: half of the
difference is an epoch, without what happens once (compiling, counting).
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.recipes import network
from benchmarks.recipes.exchange import Answer, Job, peak_mb, run
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary

ITEMS = 10_000
EVENTS_PER_USER = 100
SIZED_FOR = 1_000_000
"""Interactions whose network all sizes train."""
FEW, MANY = 1, 3
"""Epochs."""


def generated_past(rows: int, *, seed: int = 0) -> Past:
    """`rows` interactions with popularity ~ 1 / (rank + 100), a minute to a day apart."""
    rng = np.random.default_rng(seed)
    users = max(1, rows // EVENTS_PER_USER)
    chance = np.cumsum(1 / (np.arange(ITEMS) + 100.0))
    item = np.searchsorted(chance, rng.random(rows) * chance[-1]).clip(0, ITEMS - 1)
    user = np.sort(np.arange(rows) % users)
    at = 1_700_000_000 + np.cumsum(rng.integers(60, 86_400, rows))
    return Past(
        users=Vocabulary([f"u{k:08}" for k in range(users)]),
        items=Vocabulary([f"i{k:05}" for k in range(ITEMS)]),
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        at=at.astype(np.int64),
    )


def answer(job: Job, answer: Answer) -> None:
    """The work of the process. Settings: `rows`."""
    past = generated_past(job.settings["rows"])
    seconds = {}
    for epochs in (FEW, MANY):
        began = time.monotonic()
        network.fit(past, seed=0, different={"epochs": epochs}, sized_for=SIZED_FOR)
        seconds[epochs] = time.monotonic() - began
    answer.peak_mb = peak_mb()
    answer.notes = {"epoch": (seconds[MANY] - seconds[FEW]) / (MANY - FEW), "first": seconds[FEW]}


if __name__ == "__main__":
    run(answer)
