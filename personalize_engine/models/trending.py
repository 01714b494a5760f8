"""aws-trending-now: the items whose interactions increase fastest, the same for everybody.

After the developer guide's page on the Trending-Now recipe: time is cut into intervals of `trend_discovery_frequency`,
and an item's score is its interactions in the last interval minus those in the one before (the increase per interval;
"trend prediction accuracy", the metric of that recipe, sums the same differences). An item that does not increase has
no score, so the ranker places it by popularity; if the last two intervals have no interactions at all, that is all.

The last interval ends with the query's `at`; without one, at the moment that `extended` was last told, which takes up
what came since the training; without that, with the newest interaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models.base import Model, Progress, Query, no_progress

SECONDS = {"30 minutes": 1_800, "1 hour": 3_600, "2 hours": 7_200, "3 hours": 10_800, "1 day": 86_400}


class TrendingParameters(BaseModel, frozen=True, extra="forbid"):
    """The recipe's only setting, with the service's values."""

    trend_discovery_frequency: Literal["30 minutes", "1 hour", "2 hours", "3 hours", "1 day"] = "2 hours"
    """The length of an interval."""

    @property
    def interval(self) -> int:
        """Seconds."""
        return SECONDS[self.trend_discovery_frequency]


@final
class Trending(Model[TrendingParameters]):
    """The interactions of the last two intervals; what is older does not count again."""

    Parameters: ClassVar[type[BaseModel]] = TrendingParameters

    def __init__(
        self,
        parameters: TrendingParameters,
        items: Vocabulary,
        *,
        item: NDArray[np.int32],
        at: NDArray[np.int64],
        until: int | None = None,
    ) -> None:
        self.parameters = parameters
        self.items = items
        self.until = int(at.max(initial=0)) if until is None else until
        """Unix seconds: where the last interval ends."""
        kept = at > self.until - 2 * parameters.interval
        self.item = item[kept]
        """(n,) row numbers."""
        self.at = at[kept]
        """(n,) Unix seconds."""

    @classmethod
    def fit(cls, past: Past, parameters: TrendingParameters, *, seed: int, progress: Progress = no_progress) -> Self:
        """Keeps the newest interactions; `seed` changes nothing."""
        progress(done=1, total=1, message="the newest interactions kept")
        return cls(parameters, past.items, item=past.item, at=past.at)

    def extended(self, item_ids: Sequence[str], at: NDArray[np.int64], *, until: int) -> Self:
        """With later interactions, of new items too: they get the row numbers behind those of the known ones.

        `until`: Unix seconds, where the last interval now ends.
        """
        new = dict.fromkeys(name for name in item_ids if name not in self.items)
        items = Vocabulary([*self.items.ids, *new]) if new else self.items
        item = np.concatenate([self.item, items.rows(item_ids).astype(np.int32)])
        return type(self)(self.parameters, items, item=item, at=np.concatenate([self.at, at]), until=until)

    def scores(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """(B, n_items): the increase, whoever asks; NaN for items without one."""
        moments = [self.until if query.at is None else query.at for query in queries]
        increases = {moment: self._increase(moment) for moment in set(moments)}
        scores = np.empty((len(queries), len(self.items)), np.float32)
        for row, moment in zip(scores, moments, strict=True):
            row[:] = increases[moment]
        return scores

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """The interactions."""
        return {"item": self.item, "at": self.at}

    @classmethod
    def from_arrays(
        cls, parameters: TrendingParameters, items: Vocabulary, arrays: Mapping[str, NDArray[np.generic]]
    ) -> Self:
        """The inverse of `arrays`."""
        return cls(
            parameters,
            items,
            item=np.asarray(arrays["item"], dtype=np.int32),
            at=np.asarray(arrays["at"], dtype=np.int64),
        )

    def _increase(self, moment: int) -> NDArray[np.float32]:
        """(n_items,)"""
        age = (moment - self.at) // self.parameters.interval
        last, before = (np.bincount(self.item[age == k], minlength=len(self.items)) for k in (0, 1))
        increase = (last - before).astype(np.float32)
        return np.where(increase > 0, increase, np.float32(np.nan))
