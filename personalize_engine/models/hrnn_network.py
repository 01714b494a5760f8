"""The recurrent network's equations, written once for both users: JAX trains them, NumPy serves them.

`xp` is `numpy` or `jax.numpy`. Shapes: B users, T steps, H hidden units, D channels of the item embeddings.
After Ma, Narayanaswamy, Lin, Ding: "Temporal-Contextual Recommendation in Real-Time" (KDD 2020), with a gated recurrent
unit (Cho et al., EMNLP 2014) as the fast state and exponential moving averages as the slow one; see `hrnn`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SESSION_GAP = 3600
"""Seconds without an event after which a new session begins."""
N_FEATURES = 4
EMBEDDING_GAIN = 4.0
SLOW_GAIN = 3.0
"""Embeddings start small, for the scores' sake; these bring what enters the network to about unit variance."""
REPEAT_AGES = 13
"""Classes of the time since an item was met last, counted in interactions: 1 to 8, then doubling."""
PRIOR = 10.0
"""Interactions after which a user's history weighs as much as what their metadata say: see `prior_weight`."""
REPEAT_GAIN = 10.0
"""A factor of its learning rate: the repeat term must be able to reach a logit of -10 within one short training."""

Weights = dict[str, Any]
"""Arrays by name, see `shapes`."""


def shapes(
    *,
    n_items: int,
    hidden: int,
    channels: int,
    item_features: int = 0,
    user_features: int = 0,
    event_features: int = 0,
) -> dict[str, tuple[int, ...]]:
    """Name and shape of every learned array; those of metadata only where there is some (`hrnn_metadata`)."""
    described: dict[str, tuple[int, ...]] = {}
    if item_features:
        described |= {
            "item_features": (item_features, channels),
            "item_feature_bias": (item_features,),
            "cold_bias": (),
        }
    if user_features:
        described |= {"user_features": (user_features, channels)}
    if event_features:
        described |= {"event_features": (event_features, channels), "context_features": (event_features, channels)}
    return described | {
        "embedding": (n_items, channels),
        "bias": (n_items,),
        "input": (channels + N_FEATURES, 3 * hidden),
        "recurrent": (hidden, 3 * hidden),
        "gates": (3 * hidden,),
        "session": (hidden, hidden),
        "decay": (channels,),
        "output": (hidden + channels, channels),
        "gain": (channels,),
        "repeat": (REPEAT_AGES,),
        "again": (),
    }


def time_features(gap: NDArray[np.int64], position: NDArray[np.integer]) -> NDArray[np.float32]:
    """(..., N_FEATURES) from the seconds since the user's event before (0 for the first) and the events before it."""
    gap = np.maximum(gap, 0)
    parts = (np.log1p(gap) / 10, gap > SESSION_GAP, np.log1p(gap / 86400), np.log1p(position) / 5)
    return np.stack(parts, axis=-1).astype(np.float32)


def sigmoid(xp: Any, x: Any) -> Any:
    """Logistic function, by the hyperbolic tangent: no overflow."""
    return 0.5 * (xp.tanh(0.5 * x) + 1.0)


def featured(vectors: Any, index: Any, weight: Any) -> Any:
    """(..., D): the weighted sums of rows of `vectors` (F, D) at `index` (..., W)."""
    return (vectors[index] * weight[..., None]).sum(-2)


def prior_weight(read: Any) -> Any:
    """Weight, in (0, 1], of a user's metadata beside a history of that many interactions.

    Shrinkage as of a prior's mean (Efron, Morris: "Stein's Estimation Rule and Its Competitors", JASA 1973): what is
    known of a user who has no history counts in full. On MovieLens 100k no difference to a constant weight was seen.
    """
    return PRIOR / (PRIOR + read)


def gate_inputs(xp: Any, w: Weights, embedded: Any, features: Any) -> Any:
    """(..., 3H): what an item (..., D) and its moment (..., N_FEATURES) bring to the gates."""
    return xp.concatenate([embedded, features], axis=-1) @ w["input"] + w["gates"]


def enter_session(xp: Any, w: Weights, fast: Any) -> Any:
    """(..., H): the state that a new session starts from, given that which the last one ended with."""
    return xp.tanh(fast @ w["session"])


def step(xp: Any, w: Weights, fast: Any, gate_input: Any) -> Any:
    """(..., H): the fast state after one more item; (..., H) before it and (..., 3H) of `gate_inputs`."""
    hidden = fast.shape[-1]
    recurrent = fast @ w["recurrent"]
    gates = sigmoid(xp, gate_input[..., : 2 * hidden] + recurrent[..., : 2 * hidden])
    reset, keep = gates[..., :hidden], gates[..., hidden:]
    new = xp.tanh(gate_input[..., 2 * hidden :] + reset * recurrent[..., 2 * hidden :])
    return new + keep * (fast - new)


def query(xp: Any, w: Weights, fast: Any, slow: Any) -> Any:
    """(..., D): what is compared with the item embeddings; a layer norm of a linear map of both states."""
    mixed = xp.concatenate([fast, SLOW_GAIN * slow], axis=-1) @ w["output"]
    centred = mixed - mixed.mean(axis=-1, keepdims=True)
    return centred / xp.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * w["gain"]


def repeat_age(xp: Any, age: Any) -> Any:
    """Class of an age >= 1 in interactions, from 0: 1, 2, ..., 8, 9-16, 17-32, 33-64, 65-128, more."""
    doublings = xp.ceil(xp.log2(age) - 1e-4).astype(xp.int32)
    return xp.where(age <= 8, age - 1, xp.minimum(doublings + 4, REPEAT_AGES - 1))


def met_score(w: Weights, score: Any, age_class: Any) -> Any:
    """The logit of an item that the user has met, from its logit as a new item and the class of its age."""
    return w["again"] * score + REPEAT_GAIN * w["repeat"][age_class]
