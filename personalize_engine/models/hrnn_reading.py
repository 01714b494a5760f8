"""Histories read step by step in NumPy, for requests: the states that `hrnn_network.step` defines.

A batch takes that definition as it is. One history, what a request mostly brings, is read by the same arithmetic
without an array made at any step: half of the time of a step is the making of arrays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from personalize_engine.models import hrnn_network as net


def read_batch(
    w: net.Weights, gates: NDArray[np.float32], new_session: NDArray[np.bool_], begun: NDArray[np.integer]
) -> NDArray[np.float32]:
    """(B, H) fast states at the end of B histories that end together, the longest first.

    `gates` (B, T, 3H) of `net.gate_inputs`; `new_session` (B, T): whether a session begins with a step; `begun` (T,):
    how many of the histories have begun at a step.
    """
    anyone_enters = np.asarray(new_session.any(axis=0))
    fast = np.zeros((len(gates), w["session"].shape[0]), np.float32)
    for t in range(gates.shape[1]):
        now = fast[: begun[t]]
        if anyone_enters[t]:
            entering = new_session[: begun[t], t]
            now[entering] = net.enter_session(np, w, now[entering])
        fast[: begun[t]] = net.step(np, w, now, gates[: begun[t], t])
    return fast


def read_one(w: net.Weights, gates: NDArray[np.float32], new_session: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H,) the same for one history: `gates` (T, 3H), `new_session` (T,)."""
    hidden = w["session"].shape[0]
    halved = np.ones(3 * hidden, np.float32)
    halved[: 2 * hidden] = 0.5  # the logistic function of x is (tanh(x / 2) + 1) / 2
    recurrent, session, gates = w["recurrent"] * halved, w["session"], gates * halved
    fast, mixed = np.zeros(hidden, np.float32), np.empty(3 * hidden, np.float32)
    both, reset, keep, new = mixed[: 2 * hidden], mixed[:hidden], mixed[hidden : 2 * hidden], mixed[2 * hidden :]
    one, half = np.ones(2 * hidden, np.float32), np.full(2 * hidden, 0.5, np.float32)  # in half the time of scalars
    for of_both, of_new, enters in zip(
        gates[:, : 2 * hidden], gates[:, 2 * hidden :], new_session.tolist(), strict=True
    ):
        if enters:
            fast = np.tanh(fast @ session)
        np.dot(fast, recurrent, mixed)
        np.add(both, of_both, both)
        np.tanh(both, both)
        np.add(both, one, both)
        np.multiply(both, half, both)
        np.multiply(new, reset, new)
        np.add(new, of_new, new)
        np.tanh(new, new)
        np.subtract(fast, new, fast)
        np.multiply(fast, keep, fast)
        np.add(fast, new, fast)
    return fast
