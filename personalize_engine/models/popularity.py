"""aws-popularity-count: the items that most users interacted with, the same for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models.base import Model, Progress, Query, no_progress


class PopularityParameters(BaseModel, frozen=True, extra="forbid"):
    """The recipe has none."""


@final
class Popularity(Model[PopularityParameters]):
    """An item's score is the number of distinct users who interacted with it."""

    Parameters: ClassVar[type[BaseModel]] = PopularityParameters

    def __init__(
        self, parameters: PopularityParameters, items: Vocabulary, *, users_per_item: NDArray[np.float32]
    ) -> None:
        self.parameters = parameters
        self.items = items
        self.users_per_item = users_per_item
        """(n_items,)"""

    @classmethod
    def fit(cls, past: Past, parameters: PopularityParameters, *, seed: int, progress: Progress = no_progress) -> Self:
        """Counts; `seed` changes nothing."""
        count = np.bincount(past.pairs[1], minlength=len(past.items)).astype(np.float32)
        progress(done=1, total=1, message="users counted per item")
        return cls(parameters, past.items, users_per_item=count)

    def scores(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """(B, n_items): the counts, whoever asks."""
        return np.tile(self.users_per_item, (len(queries), 1))

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """The counts."""
        return {"users_per_item": self.users_per_item}

    @classmethod
    def from_arrays(
        cls, parameters: PopularityParameters, items: Vocabulary, arrays: Mapping[str, NDArray[np.generic]]
    ) -> Self:
        """The inverse of `arrays`."""
        return cls(parameters, items, users_per_item=np.asarray(arrays["users_per_item"], dtype=np.float32))
