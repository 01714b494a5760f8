"""What a step of the training reads: windows of many users' histories side by side, with targets and negatives.

NumPy prepares a window while XLA is still at the one before. Nothing here knows the network.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personalize_engine.data.past import Past
from personalize_engine.data.percentiles import within
from personalize_engine.errors import JobFailed
from personalize_engine.models import hrnn_network as net
from personalize_engine.models.hrnn_inputs import Inputs
from personalize_engine.models.hrnn_sizing import WINDOW, Sizing

NEVER = -(2**30)
"""Stream time of what has not happened."""
_POPULARITY_POWER = 0.5
_NOT_DRAWN = 1e9


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
        self.targets = sizes.targets if past.event_described is None else 1
        """Targets per step: one where the query is made for the context of the target."""
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
        offset = self.rng.random((*event.shape, self.targets)) * ahead[..., None]
        target = np.minimum(event[..., None] + 1 + offset.astype(np.int64), past.ends[user][..., None] - 1)
        negative, correction = self._negatives()
        at_target = np.full(len(past.items), _NOT_DRAWN, np.float32)
        at_target[negative[correction < _NOT_DRAWN]] = correction[correction < _NOT_DRAWN]
        clock = np.arange(begin, begin + WINDOW, dtype=np.int32)
        batch = {
            "item": item,
            "features": net.time_features(gap, np.maximum(position, 0)),
            "new_session": gap > net.SESSION_GAP,
            "new_user": position <= 0,
            "target": past.item[target],
            "target_age": self._age(target, event[..., None]),
            "target_correction": at_target[past.item[target]],
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
        batch |= self.inputs.window(user=user, event=event, read=position + 1, target=target[..., 0], items=items)
        met[np.arange(len(item))[:, None], item] = clock
        return batch

    def _kept(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """What dropout leaves, in steps of 1/256. Drawn here since JAX's generators cost as much as the network."""
        drawn = np.frombuffer(self.rng.bytes(math.prod(shape)), np.uint8).reshape(shape)
        return drawn >= round(256 * self.sizes.dropout)

    def _negatives(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """K items and the log of how often each was expected over how often it was drawn; _NOT_DRAWN: an empty place.

        An item drawn m times takes one place with its logit raised by log m, which is the same sum.
        """
        n_items, size = len(self.past.items), self.sizes.negatives
        if len(self.warm) <= size:
            return self.warm.astype(np.int32), np.zeros(len(self.warm), np.float32)
        drawn = np.searchsorted(self.cumulated, self.rng.random(size) * self.cumulated[-1])
        drawn, times = np.unique(np.minimum(drawn, n_items - 1), return_counts=True)
        negative = np.zeros(size, np.int32)
        correction = np.full(size, _NOT_DRAWN, np.float32)
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
        drawn = correction < _NOT_DRAWN
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
