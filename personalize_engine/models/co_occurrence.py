"""aws-sims: items that the same users interacted with.

Item-based collaborative filtering (Sarwar, Karypis, Konstan, Riedl: "Item-based collaborative filtering recommendation
algorithms", WWW 2001) on distinct (user, item) pairs. With n_i users of item i and c_ij users of both,

    similarity(i, j) = c_ij / (n_i n_j)^popularity_discount_factor       if c_ij >= min_cointeraction_count

so a factor of 0 counts users, 0.5 is the cosine, and 1 is proportional to the lift.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from personalize_engine.data.past import Past
from personalize_engine.data.percentiles import within
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models.base import Model, Progress, Query, no_progress

MAX_RELATED = 1000
"""Related items kept per item: twice what a request may ask for. It bounds memory to n_items * 8 kB."""
_BLOCK = 512

Share = Annotated[float, Field(ge=0, le=1)]


class CoOccurrenceParameters(BaseModel, frozen=True, extra="forbid"):
    """Hyperparameters of aws-sims, with the service's names, defaults and ranges."""

    popularity_discount_factor: Share = 0.5
    """0 favours popular items, 1 items that go together although few know them."""
    min_cointeraction_count: Annotated[int, Field(ge=0, le=10)] = 3
    """Pairs with fewer common users are not related."""
    min_user_history_length_percentile: Share = 0.005
    max_user_history_length_percentile: Share = 0.995
    """Users whose history is shorter or longer than these quantiles are left out."""
    min_item_interaction_count_percentile: Share = 0.01
    max_item_interaction_count_percentile: Share = 0.9
    """Items with fewer or more interactions than these quantiles are left out: not related to anything."""


@final
class CoOccurrence(Model[CoOccurrenceParameters]):
    """Related items as rows of a sparse matrix: those of item i are `related[start[i]:start[i + 1]]`, best first."""

    Parameters: ClassVar[type[BaseModel]] = CoOccurrenceParameters

    def __init__(
        self,
        parameters: CoOccurrenceParameters,
        items: Vocabulary,
        *,
        start: NDArray[np.int64],
        related: NDArray[np.int32],
        similarity: NDArray[np.float32],
    ) -> None:
        self.parameters = parameters
        self.items = items
        self.start = start
        """(n_items + 1,)"""
        self.related = related
        """(n_pairs,) row numbers of items"""
        self.similarity = similarity
        """(n_pairs,)"""

    @classmethod
    def fit(
        cls, past: Past, parameters: CoOccurrenceParameters, *, seed: int, progress: Progress = no_progress
    ) -> Self:
        """Counts common users, a block of items at a time; `seed` changes nothing."""
        from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

        p = parameters
        n_users, n_items = len(past.users), len(past.items)
        users = within(past.lengths, p.min_user_history_length_percentile, p.max_user_history_length_percentile)
        counts = np.bincount(past.item, minlength=n_items)
        items = within(counts, p.min_item_interaction_count_percentile, p.max_item_interaction_count_percentile)
        user, item = past.pairs
        keep = users[user] & items[item]
        seen = csr_matrix((np.ones(keep.sum(), np.float32), (user[keep], item[keep])), shape=(n_users, n_items))
        by_item = seen.T.tocsr()
        weight = np.maximum(np.asarray(seen.sum(0)).ravel(), 1.0) ** -p.popularity_discount_factor

        lengths = np.zeros(n_items, np.int64)
        related: list[NDArray[np.int32]] = []
        similarity: list[NDArray[np.float32]] = []
        for low in range(0, n_items, _BLOCK):
            progress(done=low, total=n_items, message="counting common users")
            common = (by_item[low : low + _BLOCK] @ seen).tocsr()
            for k in range(common.shape[0]):
                row = slice(common.indptr[k], common.indptr[k + 1])
                others, together = common.indices[row], common.data[row]
                enough = (together >= max(p.min_cointeraction_count, 1)) & (others != low + k)
                others = others[enough].astype(np.int32)
                score = together[enough] * weight[others] * weight[low + k]
                best = np.lexsort((others, -score))[:MAX_RELATED]
                related.append(others[best])
                similarity.append(score[best].astype(np.float32))
                lengths[low + k] = len(best)
        progress(done=n_items, total=n_items, message="common users counted")
        return cls(
            parameters,
            past.items,
            start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            related=np.concatenate([*related, np.zeros(0, np.int32)]),
            similarity=np.concatenate([*similarity, np.zeros(0, np.float32)]),
        )

    def scores(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """(B, n_items): similarity to the item asked about; NaN where two items are not related, or it is unknown."""
        scores = np.full((len(queries), len(self.items)), np.nan, np.float32)
        for row, query in zip(scores, queries, strict=True):
            item = None if query.item_id is None else self.items.row(query.item_id)
            if item is not None:
                part = slice(self.start[item], self.start[item + 1])
                row[self.related[part]] = self.similarity[part]
        return scores

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """The sparse matrix."""
        return {"start": self.start, "related": self.related, "similarity": self.similarity}

    @classmethod
    def from_arrays(
        cls, parameters: CoOccurrenceParameters, items: Vocabulary, arrays: Mapping[str, NDArray[np.generic]]
    ) -> Self:
        """The inverse of `arrays`."""
        return cls(
            parameters,
            items,
            start=np.asarray(arrays["start"], dtype=np.int64),
            related=np.asarray(arrays["related"], dtype=np.int32),
            similarity=np.asarray(arrays["similarity"], dtype=np.float32),
        )
