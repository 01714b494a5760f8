"""The process that trains aws-hrnn on so many generated rows, for the seconds per epoch and the memory.

All sizes train the same network, that of a million rows. It is trained for one epoch and for some more: the difference
is those epochs, without what happens once (compiling, counting). Few rows are trained several times, until the
differences went over `ROWS` rows. Seconds are of CPU, with one thread: other work on the machine changes them little.
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
ROWS = 2_000_000
"""A difference of fewer would be lost in that of two compilations."""
MORE = 3
"""Epochs at most: the rows are random, there is nothing to learn in them, and a fifth might be stopped early."""


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
    more = min(MORE, max(1, ROWS // job.settings["rows"]))
    times = max(1, ROWS // (more * job.settings["rows"]))

    def seconds(epochs: int) -> float:
        began = time.process_time()
        network.fit(past, seed=0, different={"epochs": epochs}, sized_for=SIZED_FOR)
        return time.process_time() - began

    pairs = [(seconds(1), seconds(1 + more)) for _ in range(times)]
    answer.peak_mb = peak_mb()
    difference = sum(all_of_them - first for first, all_of_them in pairs)
    answer.notes = {"epoch": difference / (more * times), "first": pairs[0][0]}


if __name__ == "__main__":
    run(answer)
