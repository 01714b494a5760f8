"""What a model is fitted on: all interactions as columns, by user, then time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from personalize_engine.data.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True)
class Past:
    """Interactions sorted by user, then time; ties keep the order in which they were read."""

    users: Vocabulary
    items: Vocabulary
    user: NDArray[np.int32]
    """(n,) row numbers, non-decreasing."""
    item: NDArray[np.int32]
    """(n,) row numbers."""
    at: NDArray[np.int64]
    """(n,) Unix seconds."""

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(n_users,) interactions of each user."""
        return np.bincount(self.user, minlength=len(self.users))

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """(n_users,) position behind each user's last interaction."""
        return np.cumsum(self.lengths)

    @classmethod
    def build(cls, users: list[str], items: list[str], at: NDArray[np.int64]) -> Past:
        """From unsorted columns of equal length; vocabularies are sorted by id."""
        user_ids, user = np.unique(np.asarray(users, dtype=object), return_inverse=True)
        item_ids, item = np.unique(np.asarray(items, dtype=object), return_inverse=True)
        order = np.lexsort((np.arange(len(at)), at, user))
        return cls(
            users=Vocabulary([str(name) for name in user_ids]),
            items=Vocabulary([str(name) for name in item_ids]),
            user=user.astype(np.int32)[order],
            item=item.astype(np.int32)[order],
            at=np.asarray(at, dtype=np.int64)[order],
        )
