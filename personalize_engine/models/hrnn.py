"""aws-hrnn and its relatives: the next items for a user, from the order and the times of their interactions.

A local approximation of the service's retired recipe, after Ma, Narayanaswamy, Lin, Ding: "Temporal-Contextual
Recommendation in Real-Time" (KDD 2020). The user's history is read item by item:

- fast state: a gated recurrent unit over items and time gaps. When a session ends (an hour without an event) the state
  passes through a learned map, so that the next session starts from a summary of the last one: the hierarchical part;
- slow state: per embedding channel an exponential moving average with a learned time scale: the user's lasting taste;
- score of an item: the layer-normalised mix of both states times the item's (tied) embedding, plus the item's bias;
- repeat term: learned numbers say what an item gains or loses for having been met in the history, by how long ago, in
  the spirit of Ren et al.: "RepeatNet" (AAAI 2019). Nothing about seen items is a rule: it turns positive where they
  come back, and strongly negative where they never do.

With metadata in the past (aws-hrnn-metadata, aws-user-personalization, aws-personalized-ranking) items, users, events
and the context of a request are also what their features say: `hrnn_metadata`. A past without any is aws-hrnn's.

To the network's log-probabilities comes a fixed part of what plain counts say (`followers`): they know rare pairs of
items that the network has not learned, most of all on little data or after a short training.

`hrnn_training` fits the weights with JAX. Serving is plain NumPy: a request costs milliseconds and no import of JAX.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, model_validator

from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models import hrnn_network as net
from personalize_engine.models.base import Interaction, Model, Progress, Query, no_progress
from personalize_engine.models.followers import Followers
from personalize_engine.models.hrnn_metadata import Encoders, asked, described_items, read_with
from personalize_engine.models.hrnn_reading import read_batch, read_one
from personalize_engine.models.hrnn_sizing import Sizing, sizing
from personalize_engine.models.hrnn_validation import Validation
from personalize_engine.models.products import products

NEWEST = 512
"""Items of the history that the states are computed from; the repeat term sees all of it."""
FOLLOWERS_SHARE = 0.6
"""Weight of the counts beside the log-probabilities; chosen on validation parts of MovieLens."""
_BATCH = 128
"""Users whose states are computed together: what is held in memory at once is about _BATCH * NEWEST * 3H floats."""

_ENCODERS = "encoders"

Share = Annotated[float, Field(ge=0, le=1)]


class HrnnParameters(BaseModel, frozen=True, extra="forbid"):
    """Hyperparameters of aws-hrnn, with the service's names, defaults and ranges."""

    hidden_dimension: Annotated[int, Field(ge=32, le=256)] = 43
    """Units of the fast state."""
    bptt: Annotated[int, Field(ge=2, le=32)] = 32
    """Steps that a gradient is carried back through time."""
    recency_mask: bool = True
    """Whether the newest events of the whole data weigh more in training (`hrnn_training.recency_weights`)."""
    min_user_history_length_percentile: Share = 0.0
    max_user_history_length_percentile: Share = 0.99
    """Users whose history is shorter or longer than these quantiles are not trained on."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_user_history_length_percentile > self.max_user_history_length_percentile:
            raise ValueError("min_user_history_length_percentile is above max_user_history_length_percentile")
        return self


@dataclass(frozen=True, kw_only=True)
class _History:
    """The known items of one user's history."""

    item: NDArray[np.int64]
    """(n,) row numbers."""
    at: NDArray[np.int64]
    """(n,) Unix seconds."""
    added: NDArray[np.float32] | None
    """(min(n, NEWEST), D): what metadata of the newest interactions add; None if the model knows of no such."""


@final
class Hrnn(Model[HrnnParameters]):
    """A trained network. `weights` has the arrays of `hrnn_network.shapes`, items summed up (`whole_items`)."""

    Parameters: ClassVar[type[BaseModel]] = HrnnParameters

    def __init__(
        self,
        parameters: HrnnParameters,
        items: Vocabulary,
        *,
        weights: Mapping[str, NDArray[Any]],
        followers: Followers | None = None,
        encoders: Encoders | None = None,
    ) -> None:
        self.parameters = parameters
        self.items = items
        self.followers = followers
        """None: the network alone."""
        self.encoders = encoders or Encoders()
        self.weights: net.Weights = {name: np.asarray(value, dtype=np.float32) for name, value in weights.items()}
        rate = net.sigmoid(np, self.weights["decay"])
        self._kept = rate[None, :] ** np.arange(NEWEST - 1, -1, -1, dtype=np.float32)[:, None] * (1 - rate)
        """(NEWEST, D): the weight of each of the newest items in the slow state."""

    @classmethod
    def fit(
        cls,
        past: Past,
        parameters: HrnnParameters,
        *,
        seed: int,
        progress: Progress = no_progress,
        sizes: Sizing | None = None,
    ) -> Self:
        """Train on the CPU; the same seed and number of cores give the same weights.

        `sizes`: what the service's hyperparameters leave open, by default the thorough rule of `hrnn_sizing`.
        """
        from personalize_engine.models.hrnn_training import train

        encoders = Encoders.of(past)
        held_out = Validation.of(past, seed=seed)

        def judge(weights: net.Weights) -> NDArray[np.float64]:
            assert held_out is not None
            return held_out.likelihood(cls(parameters, past.items, weights=weights, encoders=encoders).scores)

        weights = train(
            past if held_out is None else held_out.training,
            hidden=parameters.hidden_dimension,
            bptt=parameters.bptt,
            recency=parameters.recency_mask,
            history_percentiles=(
                parameters.min_user_history_length_percentile,
                parameters.max_user_history_length_percentile,
            ),
            seed=seed,
            progress=progress,
            sizes=sizes or sizing(len(past)),
            judge=None if held_out is None else judge,
        )
        return cls(parameters, past.items, weights=weights, followers=Followers.count(past), encoders=encoders)

    def updated(self, past: Past) -> Self:
        """The same network for the items of `past`: those it knows keep their vectors, new ones get their features'.

        Without metadata of the items nothing tells new ones apart: they score as the least popular item does.
        """
        own = self.items.rows(past.items.ids)
        vectors = np.zeros((len(past.items), self.weights["embedding"].shape[1]), np.float32)
        bias = np.full(len(past.items), self.weights["bias"].min(initial=0))
        if past.item_described is not None and self.encoders.item.columns:
            vectors, added = described_items(self.weights, past.item_described, self.encoders.item)
            described = np.diff(past.item_described.rows.start) > 0
            bias[described] = self.weights["cold_bias"] + added[described]
        vectors[own >= 0] = self.weights["embedding"][own[own >= 0]]
        bias[own >= 0] = self.weights["bias"][own[own >= 0]]
        weights = {**self.weights, "embedding": vectors, "bias": bias}
        followers = Followers.count(past)
        return type(self)(self.parameters, past.items, weights=weights, followers=followers, encoders=self.encoders)

    def scores(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """(B, n_items) log-probabilities of the next item, each row but for a constant; NaN where nothing tells it.

        That is: no known item in the history and, with metadata, no known feature of the user or the context.
        """
        scores = np.full((len(queries), len(self.items)), np.nan, np.float32)
        histories = [self._known(query.history) for query in queries]
        asking = self._asking(queries, histories)
        told = np.flatnonzero(~np.isnan(asking[:, 0]))
        for low in range(0, len(told), _BATCH):
            rows = told[low : low + _BATCH]
            scores[rows] = self._scored(asking[rows], [histories[row] for row in rows])
        return scores

    def asking(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """(B, D): what items' vectors are multiplied by to score them; rows of NaN as in `scores`.

        For items that others make vectors for (`cold_start`): the repeat term has no part in it.
        """
        return self._asking(queries, [self._known(query.history) for query in queries])

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """The weights, and the encoders where there is metadata."""
        followers = self.followers.arrays() if self.followers is not None else {}
        return {**self.weights, **followers, **({_ENCODERS: self.encoders.array()} if self.encoders else {})}

    @classmethod
    def from_arrays(
        cls, parameters: HrnnParameters, items: Vocabulary, arrays: Mapping[str, NDArray[np.generic]]
    ) -> Self:
        """The inverse of `arrays`."""
        followers = Followers.from_arrays(arrays)
        encoders = Encoders.from_array(arrays[_ENCODERS]) if _ENCODERS in arrays else None
        known = {_ENCODERS, *(followers.arrays() if followers is not None else ())}
        weights = {name: array for name, array in arrays.items() if name not in known}
        return cls(parameters, items, weights=weights, followers=followers, encoders=encoders)

    def _asking(self, queries: Sequence[Query], histories: Sequence[_History]) -> NDArray[np.float32]:
        """`asking`, given the known items of each query's history."""
        asking = np.full((len(queries), len(self.weights["gain"])), np.nan, np.float32)
        added, known = asked(self.weights, self.encoders, queries, read=[len(one.item) for one in histories])
        longest_first = sorted(
            (row for row, history in enumerate(histories) if len(history.item) or known[row]),
            key=lambda row: -len(histories[row].item),
        )
        for low in range(0, len(longest_first), _BATCH):
            rows = longest_first[low : low + _BATCH]
            asking[rows] = self._queries([histories[row] for row in rows]) + added[rows]
        return asking

    def _scored(self, asking: NDArray[np.float32], histories: Sequence[_History]) -> NDArray[np.float32]:
        """(B, n_items) of (B, D): the vectors' products, the repeat term and the followers'."""
        logits = products(asking, self.weights["embedding"])
        logits += self.weights["bias"]
        for row, history in enumerate(histories):
            met, age = _ages(history.item)
            logits[row, met] = net.met_score(self.weights, logits[row, met], net.repeat_age(np, age))
            if self.followers is not None:
                led_to, evidence = self.followers.evidence(history.item)
                logits[row, led_to] += FOLLOWERS_SHARE * evidence
        return logits

    def _known(self, history: Sequence[Interaction]) -> _History:
        """The history without the items that the model does not know."""
        item = self.items.rows([event.item_id for event in history])
        at = np.array([event.at for event in history], dtype=np.int64)
        met = np.flatnonzero(item >= 0)
        added = None
        if self.encoders.event.columns:
            added = read_with(self.weights, self.encoders, [history[k] for k in met[-NEWEST:]])
        return _History(item=item[met], at=at[met], added=added)

    def _queries(self, histories: Sequence[_History]) -> NDArray[np.float32]:
        """(B, D) from the histories of B users, the longest first.

        Histories end together, so that at each step the users who have begun are the first rows of the batch.
        """
        w = self.weights
        lengths = np.array([min(len(history.item), NEWEST) for history in histories])
        steps = int(lengths[0])
        item = np.zeros((len(histories), steps), np.int64)
        gap = np.zeros((len(histories), steps), np.int64)
        position = np.zeros((len(histories), steps), np.int64)
        added = np.zeros((len(histories), steps, len(w["gain"])) if self.encoders.event.columns else (), np.float32)
        for row, history in enumerate(histories):
            n = lengths[row]
            item[row, steps - n :] = history.item[-n:] if n else ()
            gap[row, steps - n :] = np.diff(history.at, prepend=history.at[:1])[-n:] if n else ()
            position[row, steps - n :] = np.arange(len(history.item) - n, len(history.item))
            if history.added is not None:
                added[row, steps - n :] = history.added
        begun = np.searchsorted(-lengths, -steps + np.arange(steps), side="right")
        embedded = (w["embedding"][item] + added) * np.float32(net.EMBEDDING_GAIN)
        embedded[np.arange(steps) < steps - lengths[:, None]] = 0
        gates = net.gate_inputs(np, w, embedded, net.time_features(gap, position))
        new_session = gap > net.SESSION_GAP
        if len(histories) == 1:
            fast = read_one(w, gates[0], new_session[0])[None]
        else:
            fast = read_batch(w, gates, new_session, begun)
        slow = np.einsum("btd,td->bd", embedded, self._kept[NEWEST - steps :])
        result: NDArray[np.float32] = net.query(np, w, fast, slow)
        return result


def _ages(item: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct items of a history, and how many interactions ago each was met last (1: the newest)."""
    met, first = np.unique(item[::-1], return_index=True)
    return met, first + 1
