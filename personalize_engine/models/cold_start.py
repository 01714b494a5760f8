"""aws-hrnn-coldstart: new items for a user, from what the items are like.

A local approximation of the service's retired recipe. Cold items (`cold_items`) take no part in the training; a user's
taste in the others is carried over to them through metadata. Two views of the taste are joined:

- **course**: the recurrent network of aws-hrnn, asked at the end of each quarter of the history, since what suits a new
  item may lie back. Its mean answer is a product with items' vectors, so cold items need vectors of that kind; in place
  of the network's biases they have the log of their expected popularity;
- **profile**: all that the user has met, whatever the order. The matrix of users and items, each column divided by the
  item's users to the power 0.25, is projected onto its 40 strongest directions: Nikolakopoulos, Kalantzis, Gallopoulos,
  Garofalakis: "EigenRec: Generalizing PureSVD for Effective and Efficient Top-N Recommendations" (KAIS 2019). It is a
  product with items' vectors as well. Ten pseudo-interactions with the average item draw short histories towards what
  everybody likes, and lead users without any history.

Cold items' vectors of both kinds are learned from metadata (`feature_regression`), as in Gantner et al.: "Learning
Attribute-to-Feature Mappings for Cold-Start Recommendations" (ICDM 2010). The score of a cold item is

    0.2 log p(item) by the course + 0.8 log of its rate by the profile

and NaN for any other. The shares, the dimensions and the power were chosen on MovieLens, on items drawn as cold from
those that were not judged.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from personalize_engine.data.features import SparseRows
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.errors import JobFailed
from personalize_engine.models.base import Model, Progress, Query, no_progress
from personalize_engine.models.cold_items import RelativeFrom, check_limits, cold_items
from personalize_engine.models.factors import factors
from personalize_engine.models.feature_regression import FeatureRegression
from personalize_engine.models.hrnn import Hrnn, HrnnParameters
from personalize_engine.models.hrnn_sizing import Sizing

QUARTERS = 4
"""Points of a history at which the network is asked."""
COURSE_SHARE = 0.2

_DIMENSIONS = 40
_POPULARITY_POWER = 0.25
_PSEUDO = 10
"""Interactions with the average item that every profile begins with; 0 to 40 were alike on users with 20 and more."""
_FLOOR = 0.01
"""Times the mean rate of the cold items: rates that are predicted can fall below 0."""

Floats = NDArray[np.float32]


class ColdStartParameters(HrnnParameters, frozen=True, extra="forbid"):
    """Hyperparameters of aws-hrnn-coldstart, with the service's names, defaults and ranges."""

    hidden_dimension: Annotated[int, Field(ge=32, le=256)] = 149
    """Units of the network's fast state."""
    cold_start_max_interactions: Annotated[int, Field(ge=1)] = 15
    """A cold item has fewer interactions."""
    cold_start_max_duration: Annotated[float, Field(ge=0)] = 5.0
    """A cold item is younger, in days."""
    cold_start_relative_from: RelativeFrom = "latestItem"
    """Where the age counts back from: the newest item, or the time of the training."""


@final
class ColdStart(Model[ColdStartParameters]):
    """A network and a profile of the items it was trained on, and what they lead to for cold items."""

    Parameters: ClassVar[type[BaseModel]] = ColdStartParameters

    def __init__(
        self,
        parameters: ColdStartParameters,
        items: Vocabulary,
        *,
        network: Hrnn,
        regression: FeatureRegression,
        average: Floats,
        met: Floats,
        cold: NDArray[np.int64],
        vectors: Floats,
    ) -> None:
        self.parameters = parameters
        self.items = items
        self.network = network
        """Of the items that were not cold at the training."""
        self.regression = regression
        """From an item's metadata to its row of `vectors`, followed by its row of `met`."""
        self.average = average
        """(D,): an interaction with the average of all items."""
        self.met = met
        """(n_items, D): what having met an item adds to a profile."""
        self.cold = cold
        """(n_cold,) row numbers."""
        self.vectors = vectors
        """(n_cold, E + 1 + D): an item's vector in the network, its popularity, and its answer to a profile."""

    @classmethod
    def fit(
        cls,
        past: Past,
        parameters: ColdStartParameters,
        *,
        seed: int,
        progress: Progress = no_progress,
        sizes: Sizing | None = None,
    ) -> Self:
        """Trains the network on the items that are not cold; JobFailed if too few or too many are."""
        cold = _cold(past, parameters)
        learned_from = _without(cold, past)
        if not len(learned_from):
            raise JobFailed("All items with interactions are cold start items: there is nothing to train on.")
        network = Hrnn.fit(learned_from, _network_parameters(parameters), seed=seed, progress=progress, sizes=sizes)
        return cls.around(network, past, cold, parameters, seed=seed)

    @classmethod
    def around(
        cls, network: Hrnn, past: Past, cold: NDArray[np.bool_], parameters: ColdStartParameters, *, seed: int
    ) -> Self:
        """The profile, and what metadata lead to, beside a network of the items of `past` that are not `cold`."""
        learned_from = _without(cold, past)
        met, answers, average, spread = _profile(learned_from, np.random.default_rng(seed))
        popularity = (learned_from.item_counts / len(learned_from.users)).astype(np.float32)
        course = np.concatenate([network.weights["embedding"], popularity[:, None]], axis=1)
        regression = FeatureRegression.learn(
            past.item_described,
            past.items.rows(learned_from.items.ids),
            np.concatenate([course, answers, met], axis=1),
            metric=np.concatenate(
                [np.zeros((course.shape[1], len(spread)), np.float32), spread, np.zeros_like(spread)]
            ),
            seed=seed,
        )
        return cls._placed(past, cold, parameters, network=network, regression=regression, average=average, met=met)

    def updated(self, past: Past) -> Self:
        """The same network and profile; which items are cold, and what they are like, is that of `past`.

        Items that have become warm since the training are known to it after the next one.
        """
        return self._placed(
            past,
            _cold(past, self.parameters),
            self.parameters,
            network=self.network,
            regression=self.regression,
            average=self.average,
            met=self.met[self.items.rows(self.network.items.ids)],
        )

    def scores(self, queries: Sequence[Query]) -> Floats:
        """(B, n_items): see the module; NaN for items that are not cold. Who is unknown gets what the average likes."""
        scores = np.full((len(queries), len(self.items)), np.nan, np.float32)
        if not len(self.cold) or not queries:
            return scores
        size = len(self.network.weights["gain"])
        joined = _log_rates(self._profiles(queries) @ self.vectors[:, size + 1 :].T)
        course = self._course(queries)
        told = ~np.isnan(course[:, 0])
        by_course = course[told] @ self.vectors[:, :size].T + _log_rates(self.vectors[None, :, size])
        joined[told] = COURSE_SHARE * by_course + (1 - COURSE_SHARE) * joined[told]
        scores[:, self.cold] = joined
        return scores

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Network, regression and vectors."""
        ids = np.frombuffer(json.dumps(self.network.items.ids).encode(), np.uint8)
        own: dict[str, NDArray[Any]] = {
            "average": self.average,
            "met": self.met,
            "cold": self.cold,
            "vectors": self.vectors,
            "trained": ids,
        }
        parts: dict[str, Mapping[str, NDArray[Any]]] = {
            "network": self.network.arrays(),
            "regression": self.regression.arrays(),
        }
        return own | {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}

    @classmethod
    def from_arrays(
        cls, parameters: ColdStartParameters, items: Vocabulary, arrays: Mapping[str, NDArray[np.generic]]
    ) -> Self:
        """The inverse of `arrays`."""
        ids = Vocabulary(json.loads(np.asarray(arrays["trained"], np.uint8).tobytes()))
        own: dict[str, Any] = {name: arrays[name] for name in ("average", "met", "cold", "vectors")}
        return cls(
            parameters,
            items,
            network=Hrnn.from_arrays(_network_parameters(parameters), ids, _part("network.", arrays)),
            regression=FeatureRegression.from_arrays(_part("regression.", arrays)),
            **own,
        )

    @classmethod
    def _placed(
        cls,
        past: Past,
        cold: NDArray[np.bool_],
        parameters: ColdStartParameters,
        *,
        network: Hrnn,
        regression: FeatureRegression,
        average: Floats,
        met: Floats,
    ) -> Self:
        """With the vectors of the items of `past`; `met` (items of the network, D)."""
        own = network.items.rows(past.items.ids)
        places = np.flatnonzero(cold & (own < 0))
        described = past.item_described
        rows = SparseRows.empty(len(places)) if described is None else described.rows.take(places)
        vectors, met_cold = np.split(regression.predict(rows), [-len(average)], axis=1)
        met_all = np.zeros((len(past.items), len(average)), np.float32)
        met_all[own >= 0] = met[own[own >= 0]]
        met_all[places] = met_cold
        return cls(
            parameters,
            past.items,
            network=network,
            regression=regression,
            average=average,
            met=met_all,
            cold=places,
            vectors=np.ascontiguousarray(vectors),
        )

    def _profiles(self, queries: Sequence[Query]) -> Floats:
        """(B, D): all different items of each history, and some average ones."""
        profiles = np.tile(np.float32(_PSEUDO) * self.average, (len(queries), 1))
        for k, query in enumerate(queries):
            rows = np.unique(self.items.rows(event.item_id for event in query.history))
            profiles[k] += self.met[rows[rows >= 0]].sum(axis=0)
        return profiles

    def _course(self, queries: Sequence[Query]) -> Floats:
        """(B, E): the network's mean answer over the quarters; NaN where it knows no item of the history."""
        parts = []
        for query in queries:
            known = [event for event in query.history if event.item_id in self.network.items]
            ends = [max(1, round(len(known) * quarter / QUARTERS)) for quarter in range(1, QUARTERS + 1)]
            parts += [Query(history=known[:end]) for end in ends]
        asking = self.network.asking(parts)
        mean: Floats = asking.reshape(len(queries), QUARTERS, asking.shape[1]).mean(axis=1)
        return mean


def _cold(past: Past, parameters: ColdStartParameters) -> NDArray[np.bool_]:
    """(n_items,) which items are cold now; JobFailed if too few or too many are."""
    found = cold_items(
        past,
        max_interactions=parameters.cold_start_max_interactions,
        max_days=parameters.cold_start_max_duration,
        relative_from=parameters.cold_start_relative_from,
        now=time.time(),
    )
    check_limits(
        int(found.sum()),
        max_interactions=parameters.cold_start_max_interactions,
        max_days=parameters.cold_start_max_duration,
        relative_from=parameters.cold_start_relative_from,
    )
    return found


def _network_parameters(parameters: ColdStartParameters) -> HrnnParameters:
    return HrnnParameters(**parameters.model_dump(include=set(HrnnParameters.model_fields)))


def _without(cold: NDArray[np.bool_], past: Past) -> Past:
    """Ids and times of the interactions with items that are not cold; its items are those that these are with."""
    warm = np.flatnonzero(~cold & (past.item_counts > 0))
    place = np.full(len(past.items), -1, np.int32)
    place[warm] = np.arange(len(warm), dtype=np.int32)
    kept = place[past.item] >= 0
    return Past(
        users=past.users,
        items=Vocabulary([past.items.ids[row] for row in warm.tolist()]),
        user=past.user[kept],
        item=place[past.item[kept]],
        at=past.at[kept],
    )


def _profile(past: Past, random: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
    """Of items: (n, D) what they add to a profile, and (n, D) what answers it; of profiles: (D,) their average per
    interaction, and (D, D) a square root of their second moments."""
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    user, item = past.pairs
    weight = np.bincount(item, minlength=len(past.items)).astype(np.float32) ** -_POPULARITY_POWER
    matrix = csr_matrix((weight[item], (user, item)), shape=(len(past.users), len(past.items)))
    directions = factors(matrix, _DIMENSIONS, random)[1]
    directions /= np.maximum(np.linalg.norm(directions, axis=0), np.finfo(np.float32).tiny)
    profiles: Floats = matrix @ directions
    spread = (np.linalg.qr(profiles)[1].T / np.sqrt(len(profiles))).astype(np.float32)
    average = profiles.sum(axis=0) / len(item)
    return directions * weight[:, None], directions / weight[:, None], average, spread


def _log_rates(rates: Floats) -> Floats:
    """(B, n) logs of rates, the lowest ones as if they were _FLOOR of the row's mean."""
    floor = np.maximum(_FLOOR * rates.mean(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    logs: Floats = np.log(np.maximum(rates, floor))
    return logs


def _part(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays whose name begins with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
