"""Lists out of scores, in batches, and how many of them a second makes. Needs NumPy alone."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.recipes.exchange import Answer, Job, Lists

BATCH = 256
"""Users that a model is asked about at a time."""


def best(scores: NDArray[np.floating], k: int) -> list[int]:
    """Rows of the k largest scores (n_items,), the largest first, equal ones by row; NaN and -inf are left out."""
    order = np.argsort(-scores, kind="stable")[:k]
    return [int(row) for row in order[np.isfinite(scores[order])]]


def answer_in_batches(job: Job, answer: Answer, ask: Callable[[list[str]], Lists]) -> None:
    """Fills in lists and speed for all who are asked."""
    users = [one.user for one in job.asked]
    began = time.monotonic()
    for low in range(0, len(users), BATCH):
        answer.lists |= ask(users[low : low + BATCH])
    answer.per_second = len(users) / max(time.monotonic() - began, 1e-9)
