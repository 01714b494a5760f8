"""Dot products of queries with all items' vectors: what a request that looks at every item cannot do without."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray

SHARED_FROM = 1 << 21
"""Numbers in the vectors (8 MB) from which one query's products are made by several threads.

Fewer stay in a processor's cache and are read before a second thread has woken up. More are read from memory, which
one core cannot do as fast as the memory would allow.
"""
_PART = 1 << 20
"""Numbers (4 MB) that a thread takes at a time."""
_MOST_THREADS = 4
"""More than a few cores do not read faster than the memory delivers."""


def products(queries: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(B, n) of (B, D) and (n, D). One query goes another way: as a matrix of one row it takes half as long again.

    The threads of NumPy's own library are no help here: with requests side by side they halve what a server answers.
    """
    found: NDArray[np.float32]
    if len(queries) > 1:
        found = queries @ vectors.T
        return found
    query = queries[0]
    if vectors.size < SHARED_FROM or _cores() == 1:
        found = vectors @ query
        return found[None]
    found = np.empty((1, len(vectors)), np.float32)
    step = max(1, _PART // vectors.shape[1])
    parts = iter([slice(low, low + step) for low in range(0, len(vectors), step)])

    def take() -> None:
        for part in parts:  # the iterator of a list: each part goes to one of the threads
            np.dot(vectors[part], query, found[0, part])

    helpers = [_threads().submit(take) for _ in range(_cores() - 1)]
    take()
    for helper in helpers:
        if not helper.cancel():  # one that has not begun is not waited for: nothing is left to do
            helper.result()
    return found


@cache
def _cores() -> int:
    """Cores that this process may use for one request."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(allowed or 1, _MOST_THREADS)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_cores() - 1, thread_name_prefix="products")
