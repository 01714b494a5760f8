"""Fits `hrnn_network` with JAX to the windows of `hrnn_batches`: truncated back-propagation, sampled softmax.

- Users in random order are joined to long streams that are read side by side, a window at a time; the state is carried
  from window to window and emptied where a user begins, so every event is read once per epoch whatever the lengths.
- Targets are drawn from the next few items, not always the next one: what is judged is a user's future, not its order.
  Several per step share the step's states and negatives, so they cost next to nothing.
- Softmax over a target and negatives that the batch shares, drawn with probability q ~ popularity^0.5; the logit of
  each is corrected by the log of the expected number of draws (Bengio, Senecal: "Adaptive importance sampling to
  accelerate training of a neural probabilistic language model", 2008). A small catalogue is used whole.
- AdamW (Loshchilov, Hutter, ICLR 2019) with one learning-rate cycle (Smith, Topin, 2018) and clipped gradients.
- After every epoch the weights are judged. A cycle's best ranking comes at its end, when the likelihood has long been
  flat; so the result are the newest weights that are not clearly worse than the best, and training stops early only
  when a third of the epochs were: then the network has begun to learn by heart.

Memory: the interactions, and streams * n_items numbers for the repeat term; nothing of size users * items.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from personalize_engine.data.past import Past
from personalize_engine.models import hrnn_network as net
from personalize_engine.models.base import Progress
from personalize_engine.models.hrnn_batches import Batches
from personalize_engine.models.hrnn_inputs import sizes_of
from personalize_engine.models.hrnn_metadata import whole_items
from personalize_engine.models.hrnn_sizing import WINDOW, Sizing

_NOT_DECAYED = ("bias", "gain", "decay", "repeat", "again", "gates", "cold_bias", "item_feature_bias")
_UNCHANGED = 1e4
"""Gates at which a step leaves the state exactly as it was."""


Judge = Callable[[net.Weights], NDArray[np.float64]]
"""Weights to values that should be high, of the same events each time."""


def train(
    past: Past,
    *,
    hidden: int,
    bptt: int,
    recency: bool,
    history_percentiles: tuple[float, float],
    seed: int,
    progress: Progress,
    sizes: Sizing,
    judge: Judge | None = None,
) -> net.Weights:
    """Weights (`hrnn_network.shapes`) fitted on `past`: the newest ones that `judge` finds not clearly worse."""
    keep_freed_memory()
    batches = Batches(
        past, sizes=sizes, hidden=hidden, recency=recency, history_percentiles=history_percentiles, seed=seed
    )
    total = sizes.epochs * batches.per_epoch
    weights = first_weights(past, hidden=hidden, channels=sizes.channels, seed=seed)
    schedule = optax.cosine_onecycle_schedule(total, sizes.learning_rate, pct_start=0.1)
    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adamw(
            schedule, weight_decay=sizes.weight_decay, mask={name: name not in _NOT_DECAYED for name in weights}
        ),
    )

    # One thread: small matrices gain little from more and lose much on a busy machine; results are the same anywhere.
    @partial(jax.jit, donate_argnums=(0, 1, 2), compiler_options={"xla_cpu_multi_thread_eigen": False})
    def update(weights: Any, state: Any, carry: Any, batch: Any) -> Any:
        grad = jax.value_and_grad(partial(loss, bptt=bptt, dropout=sizes.dropout, repeats=sizes.repeats), has_aux=True)
        (value, carry), gradient = grad(weights, carry, batch)
        change, state = optimiser.update(gradient, state, weights)
        return optax.apply_updates(weights, change), state, carry, value

    state = optimiser.init(weights)
    best = Best(patience=max(3, ceil(sizes.epochs / 3)))
    often, began, done = max(1, total // 100), math.nan, 0
    progress(done=0, total=total, message="compiling the network")
    for epoch in range(sizes.epochs):
        carry = (jnp.zeros((sizes.streams, hidden)), jnp.zeros((sizes.streams, sizes.channels)))
        for batch in batches.epoch():
            weights, state, carry, value = update(weights, state, carry, batch)
            done += 1
            if done == 1:
                value.block_until_ready()  # compiled: from here on the steps are alike, and time can be told from them
                began = time.monotonic()
                progress(done=done, total=total, message=f"epoch 1 of {sizes.epochs}")
            elif done % often == 0 or done == total:
                current = float(value)  # waits for the computation, so the time left is honest
                left = (time.monotonic() - began) / (done - 1) * (total - done)
                message = f"epoch {epoch + 1} of {sizes.epochs}, loss {current:.3f}, about {left:.0f} s left"
                progress(done=done, total=total, message=message)
        if judge is None:
            continue
        as_served = _as_served(weights, past)
        best.take(as_served, epoch, judge(as_served))
        if best.late(epoch):
            message = f"stopped after epoch {epoch + 1}: it had been better by epoch {best.epoch + 1}"
            progress(done=total, total=total, message=message)
            break
    return best.weights or _as_served(weights, past)


class Best:
    """The weights to be kept so far."""

    def __init__(self, *, patience: int) -> None:
        self.patience = patience
        self.epoch = 0
        self.weights: net.Weights = {}
        self._highest: NDArray[np.float64] | None = None

    def take(self, weights: net.Weights, epoch: int, values: NDArray[np.float64]) -> None:
        """Keeps `weights` unless their `values` are lower than the highest by two standard errors of the difference."""
        if self._highest is None or values.mean() > self._highest.mean():
            self._highest = values
        behind = self._highest - values
        if not self.weights or behind.mean() <= 2 * behind.std() / math.sqrt(len(behind)):
            self.weights, self.epoch = weights, epoch

    def late(self, epoch: int) -> bool:
        """Whether `patience` epochs were clearly worse."""
        return epoch - self.epoch >= self.patience


def _as_served(weights: net.Weights, past: Past) -> net.Weights:
    return whole_items({name: np.array(value, np.float32) for name, value in weights.items()}, past)


def first_weights(past: Past, *, hidden: int, channels: int, seed: int) -> net.Weights:
    """Random weights; the bias starts at the log of the popularity, the moving averages at 1.6 to 250 steps."""
    rng = np.random.default_rng(seed)
    spread = {
        "embedding": 0.05,
        "input": channels**-0.5,
        "recurrent": hidden**-0.5,
        "session": 0.02,
        "output": hidden**-0.5,
    }
    weights = {
        name: rng.normal(0, spread.get(name, 0), shape)
        for name, shape in net.shapes(
            n_items=len(past.items), hidden=hidden, channels=channels, **sizes_of(past)
        ).items()
    }
    count = past.item_counts + 1.0
    weights["bias"] = np.log(count / count.sum())
    if "cold_bias" in weights:
        weights["cold_bias"] = weights["bias"].mean()
    weights["session"] += 0.9 * np.eye(hidden)
    weights["decay"] = np.linspace(0.5, 5.5, channels)
    weights["gain"] = np.ones(channels)
    weights["again"] = np.ones(())
    return {name: jnp.asarray(value, jnp.float32) for name, value in weights.items()}


def loss(w: net.Weights, carry: Any, batch: dict[str, Any], *, bptt: int, dropout: float, repeats: bool = True) -> Any:
    """Weighted mean cross-entropy over a window, and the state behind it; the batch is that of `Batches`.

    Without `repeats` items met before are scored like any other.
    """
    queries, carry = read(w, carry, batch, bptt=bptt, dropout=dropout)
    vectors, bias = _items(w, batch, "target")
    hit = jnp.einsum("btd,btmd->btm", queries, vectors) + bias
    vectors, bias = _items(w, batch, "negative")
    other = queries @ vectors.T + bias
    if repeats:
        age = jnp.where(batch["met"] >= batch["begin"][..., None], batch["clock"] - batch["met"] + 1, 0)  # (B, T, K)
        hit, other = _met(w, hit, batch["target_age"]), _met(w, other, age)
    drawn = jax.nn.logsumexp(other - batch["correction"], axis=-1)[..., None]
    itself = jnp.exp(hit - batch["target_correction"] - drawn)  # the target's share of that sum, if it was drawn
    others = drawn + jnp.log1p(-jnp.minimum(itself, 1 - 1e-6))
    return ((jnp.logaddexp(others, hit) - hit) * batch["weight"]).mean(), carry


def read(w: net.Weights, carry: Any, batch: dict[str, Any], *, bptt: int, dropout: float) -> Any:
    """Queries (B, T, D) after each item of a window, and the states (B, H), (B, D) behind it."""
    items, _ = _items(w, batch, "item")
    if "event_described" in batch:
        items += net.featured(w["event_features"], *batch["event_described"])
    embedded = _drop(net.EMBEDDING_GAIN * items, batch["kept_input"], dropout)
    gates = net.gate_inputs(jnp, w, embedded, batch["features"])
    if "nothing_read" in batch:
        nothing = batch["nothing_read"][..., None]
        embedded, gates = jnp.where(nothing, 0.0, embedded), jnp.where(nothing, _UNCHANGED, gates)
    rate = net.sigmoid(jnp, w["decay"])

    def forward(states: Any, now: Any) -> Any:
        fast, slow = states
        gate, embedded, new_session, new_user, cut = now
        fast = jnp.where(cut, jax.lax.stop_gradient(fast), fast)
        fast = jnp.where(new_session[:, None], net.enter_session(jnp, w, fast), fast)
        fast = net.step(jnp, w, jnp.where(new_user[:, None], 0.0, fast), gate)
        slow = rate * jnp.where(new_user[:, None], 0.0, slow) + (1 - rate) * embedded
        return (fast, slow), (fast, slow)

    by_time = [x.swapaxes(0, 1) for x in (gates, embedded, batch["new_session"], batch["new_user"])]
    cut = jnp.arange(WINDOW) % bptt == 0
    carry, (fast, slow) = jax.lax.scan(forward, carry, (*by_time, cut))
    states = _drop(jnp.concatenate([fast, slow], axis=-1).swapaxes(0, 1), batch["kept_states"], dropout)
    hidden = fast.shape[-1]
    queries = net.query(jnp, w, states[..., :hidden], states[..., hidden:])
    for name, part in (("user_features", "user_described"), ("context_features", "context_described")):
        if part in batch:
            queries += net.featured(w[name], *batch[part])
    return queries, carry


def _items(w: net.Weights, batch: dict[str, Any], name: str) -> tuple[Any, Any]:
    """Vectors (..., D) and biases (...) of the items under `name`."""
    rows = batch[name]
    vectors, bias = w["embedding"][rows], w["bias"][rows]
    if f"{name}_described" not in batch:
        return vectors, bias
    index, weight, free = batch[f"{name}_described"]
    vectors = vectors * free[..., None] + net.featured(w["item_features"], index, weight)
    bias = jnp.where(free > 0, bias, w["cold_bias"]) + (w["item_feature_bias"][index] * weight).sum(-1)
    return vectors, bias


def _met(w: net.Weights, score: Any, age: Any) -> Any:
    """`met_score` where the age in interactions is not 0 (never met)."""
    age_class = net.repeat_age(jnp, jnp.maximum(age, 1))
    return jnp.where(age > 0, net.met_score(w, score, age_class), score)


def _drop(x: Any, kept: Any, share: float) -> Any:
    """Dropout (Srivastava et al., JMLR 2014)."""
    return x * kept / (1 - share)


def keep_freed_memory() -> None:
    """Tell glibc to keep freed blocks: handing them back and taking them anew each step costs a third of the training.

    For worker processes: what the largest training took stays with the process, for the next one. Other C libraries
    are left as they are.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-4, 0)  # M_MMAP_MAX: no separate mappings for large blocks
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        return
