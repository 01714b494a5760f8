"""Fits `hrnn_network` with JAX: streams of users, truncated back-propagation, sampled softmax.

- Users in random order are joined to long streams that are read side by side, a window at a time; the state is carried
  from window to window and emptied where a user begins, so every event is read once per epoch whatever the lengths.
- The target is one of the next few items, not always the next one: what is judged is a user's future, not its order.
- Softmax over the target and negatives that the batch shares, drawn with probability q ~ popularity^0.5; the logit of
  each is corrected by the log of the expected number of draws (Bengio, Senecal: "Adaptive importance sampling to
  accelerate training of a neural probabilistic language model", 2008). A small catalogue is used whole.
- AdamW (Loshchilov, Hutter, ICLR 2019) with one learning-rate cycle (Smith, Topin, 2018) and clipped gradients.

Memory: the interactions, and streams * n_items numbers for the repeat term; nothing of size users * items.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

from personalize_engine.data.past import Past
from personalize_engine.data.percentiles import within
from personalize_engine.errors import JobFailed
from personalize_engine.models import hrnn_network as net
from personalize_engine.models.base import Progress
from personalize_engine.models.hrnn_inputs import Inputs, sizes_of
from personalize_engine.models.hrnn_metadata import whole_items
from personalize_engine.models.hrnn_sizing import WINDOW, Sizing, sizing

NEVER = -(2**30)
"""Stream time of what has not happened."""
_POPULARITY_POWER = 0.5
_NOT_DECAYED = ("bias", "gain", "decay", "repeat", "again", "gates", "cold_bias", "item_feature_bias")
_UNCHANGED = 1e4
"""Gates at which a step leaves the state exactly as it was."""


def train(
    past: Past,
    *,
    hidden: int,
    bptt: int,
    recency: bool,
    history_percentiles: tuple[float, float],
    seed: int,
    progress: Progress,
    sizes: Sizing | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Weights (`hrnn_network.shapes`) fitted on `past`; `sizes` (default: by the rule of `hrnn_sizing`) for studies."""
    keep_freed_memory()
    sizes = sizes or sizing(len(past))
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
        grad = jax.value_and_grad(partial(loss, bptt=bptt, dropout=sizes.dropout), has_aux=True)
        (value, carry), gradient = grad(weights, carry, batch)
        change, state = optimiser.update(gradient, state, weights)
        return optax.apply_updates(weights, change), state, carry, value

    state = optimiser.init(weights)
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
    return whole_items({name: np.asarray(value, dtype=np.float32) for name, value in weights.items()}, past)


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


def loss(w: net.Weights, carry: Any, batch: dict[str, Any], *, bptt: int, dropout: float) -> Any:
    """Weighted mean cross-entropy over a window, and the state behind it; the batch is that of `Batches`."""
    queries, carry = read(w, carry, batch, bptt=bptt, dropout=dropout)
    target, negative = batch["target"], batch["negative"]
    vectors, bias = _items(w, batch, "target")
    hit = _met(w, (queries * vectors).sum(-1) + bias, batch["target_age"])
    vectors, bias = _items(w, batch, "negative")
    other = queries @ vectors.T + bias
    age = jnp.where(batch["met"] >= batch["begin"][..., None], batch["clock"] - batch["met"] + 1, 0)  # (B, T, K)
    other = jnp.where(negative == target[..., None], -1e9, _met(w, other, age) - batch["correction"])
    entropy = jnp.logaddexp(jax.nn.logsumexp(other, axis=-1), hit) - hit
    return (entropy * batch["weight"]).mean(), carry


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


class Batches:
    """Windows of B streams, as arrays: all that `loss` reads. One generator draws everything, so a seed fixes them."""

    def __init__(
        self,
        past: Past,
        *,
        sizes: Sizing,
        hidden: int,
        recency: bool,
        history_percentiles: tuple[float, float],
        seed: int,
    ) -> None:
        self.past, self.sizes = past, sizes
        self.hidden = hidden
        self.rng = np.random.default_rng([seed, 1])
        self.inputs = Inputs(past, self.rng)
        self.lead = int(self.inputs.before_first)
        """Steps of a user before the first interaction: one, where something is known of users without any."""
        self.users = np.flatnonzero(within(past.lengths, *history_percentiles) & (past.lengths > 1 - self.lead))
        if not len(self.users):
            low, high = history_percentiles
            raise JobFailed(
                f"No user with two interactions lies between min_user_history_length_percentile {low:g} and"
                f" max_user_history_length_percentile {high:g}: there is nothing to train on."
            )
        readable = int((past.lengths[self.users] - 1 + self.lead).sum())
        self.per_epoch = max(1, readable // (sizes.streams * WINDOW))
        self.before = previous(past)
        self.weight = recency_weights(past.at) if recency else np.ones(len(past), np.float32)
        self.warm = np.flatnonzero(past.item_counts)
        weight = np.where(past.item_counts > 0, (past.item_counts + 1.0) ** _POPULARITY_POWER, 0)
        self.chance = weight / weight.sum()
        self.cumulated = np.cumsum(self.chance)

    def epoch(self) -> Iterator[dict[str, Any]]:
        """Every window of one epoch."""
        past, streams = self.past, self.sizes.streams
        first = past.ends - past.lengths
        # A user's leading step stands at the event before their first: another user's last, which is never read.
        lead = first - self.lead
        order = np.concatenate([np.arange(lead[u], past.ends[u] - 1) for u in self.rng.permutation(self.users)])
        order = np.roll(order, int(self.rng.integers(len(order))))  # a remainder shorter than a window is left out
        order = np.resize(order, streams * self.per_epoch * WINDOW).reshape(streams, -1)
        met = np.full((streams, len(past.items)), NEVER, np.int32)  # stream time of the last meeting
        for stream, event in enumerate(order[:, 0]):  # a stream may begin amid a user
            earlier = np.arange(first[past.user[event + 1]], event)
            met[stream, past.item[earlier]] = earlier - event
        for begin in range(0, order.shape[1], WINDOW):
            yield self._window(order[:, begin : begin + WINDOW], met, begin)

    def _window(self, event: NDArray[np.int64], met: NDArray[np.int32], begin: int) -> dict[str, Any]:
        """Arrays of the window of `event` (B, T), positions in the past; brings `met` (B, n_items) up to date."""
        past = self.past
        user, position = past.user[event + 1], past.positions[event + 1] - 1
        item = past.item[event]
        gap = np.where(position > 0, past.at[event] - past.at[np.maximum(event - 1, 0)], 0)
        ahead = np.clip((position + 10) // 10, 1, self.sizes.ahead)
        target = event + 1 + (self.rng.random(event.shape) * ahead).astype(np.int64)
        target = np.minimum(target, past.ends[user] - 1)
        negative, correction = self._negatives()
        clock = np.arange(begin, begin + WINDOW, dtype=np.int32)
        batch = {
            "item": item,
            "features": net.time_features(gap, np.maximum(position, 0)),
            "new_session": gap > net.SESSION_GAP,
            "new_user": position <= 0,
            "target": past.item[target],
            "target_age": self._age(target, event),
            "weight": self.weight[target],
            "negative": negative,
            "correction": correction,
            "met": self._meetings(item, met, negative=negative, correction=correction, clock=clock),
            "clock": clock[None, :, None],
            "begin": clock - position,
            "kept_input": self._kept((*event.shape, self.sizes.channels)),
            "kept_states": self._kept((*event.shape, self.hidden + self.sizes.channels)),
        }
        if self.lead:
            batch["nothing_read"] = position < 0
        items = {"item": item, "target": batch["target"], "negative": negative}
        batch |= self.inputs.window(user=user, event=event, read=position + 1, target=target, items=items)
        met[np.arange(len(item))[:, None], item] = clock
        return batch

    def _kept(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """What dropout leaves, in steps of 1/256. Drawn here since JAX's generators cost as much as the network."""
        drawn = np.frombuffer(self.rng.bytes(math.prod(shape)), np.uint8).reshape(shape)
        return drawn >= round(256 * self.sizes.dropout)

    def _negatives(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """K items and the log of how often each was expected over how often it was drawn; 1e9 marks a place left empty.

        An item drawn m times takes one place with its logit raised by log m, which is the same sum.
        """
        n_items, size = len(self.past.items), self.sizes.negatives
        if len(self.warm) <= size:
            return self.warm.astype(np.int32), np.zeros(len(self.warm), np.float32)
        drawn = np.searchsorted(self.cumulated, self.rng.random(size) * self.cumulated[-1])
        drawn, times = np.unique(np.minimum(drawn, n_items - 1), return_counts=True)
        negative = np.zeros(size, np.int32)
        correction = np.full(size, 1e9, np.float32)
        negative[: len(drawn)] = drawn
        correction[: len(drawn)] = np.log(size * self.chance[drawn] / times)
        return negative, correction

    def _meetings(
        self,
        item: NDArray[np.int32],
        met: NDArray[np.int32],
        *,
        negative: NDArray[np.int32],
        correction: NDArray[np.float32],
        clock: NDArray[np.int32],
    ) -> NDArray[np.int32]:
        """(B, T, K): stream time at which each negative was met last, this step included; too early times are another
        user's, and `loss` leaves them out."""
        place = np.full(len(self.past.items), -1, np.int32)
        drawn = correction < 1e9
        place[negative[drawn]] = np.flatnonzero(drawn)
        meetings = np.full((*item.shape, len(negative)), NEVER, np.int32)
        meetings[:, 0] = met[:, negative]
        stream, step = np.nonzero(place[item] >= 0)
        meetings[stream, step, place[item[stream, step]]] = clock[step]
        for now in range(1, meetings.shape[1]):  # ten times as fast as maximum.accumulate
            np.maximum(meetings[:, now], meetings[:, now - 1], out=meetings[:, now])
        return meetings

    def _age(self, target: NDArray[np.int64], event: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many interactions ago, seen from behind `event`, the target's item was met; 0 if never."""
        last = self.before[target]
        while (late := last > event).any():  # an item may come twice within the next few
            last = np.where(late, self.before[last], last)
        return np.where(last >= 0, event - last + 1, 0)


def previous(past: Past) -> NDArray[np.int64]:
    """(n,): position of the same user's previous interaction with the same item; -1 if there is none."""
    order = np.lexsort((np.arange(len(past)), past.item, past.user))
    same = (past.user[order][1:] == past.user[order][:-1]) & (past.item[order][1:] == past.item[order][:-1])
    before = np.full(len(past), -1, np.int64)
    before[order[1:][same]] = order[:-1][same]
    return before


def recency_weights(at: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n,) weights of events in the loss, by rank: from 0.5 for the oldest of the data to 1.5 for the newest."""
    rank = np.argsort(np.argsort(at, kind="stable"), kind="stable")
    return (0.5 + (rank + 0.5) / len(at)).astype(np.float32)


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
