"""What a model is fitted on: all interactions as columns, by user, then time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personalize_engine.data.features import Described
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
    item_described: Described | None = None
    """A row per item: metadata of the Items dataset. None where there is none, or the recipe does not read it."""
    user_described: Described | None = None
    """A row per user: metadata of the Users dataset."""
    event_described: Described | None = None
    """A row per interaction: metadata of the Interactions dataset, which is also what a request's context holds."""
    created: NDArray[np.int64] | None = None
    """(n_items,) CREATION_TIMESTAMP of the Items dataset, Unix seconds; -1 where it is not known."""

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(n_users,) interactions of each user."""
        return np.bincount(self.user, minlength=len(self.users))

    @cached_property
    def item_counts(self) -> NDArray[np.int64]:
        """(n_items,) interactions of each item; 0 for cold ones, which only the Items dataset knows."""
        return np.bincount(self.item, minlength=len(self.items))

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """(n_users,) position behind each user's last interaction."""
        return np.cumsum(self.lengths)

    @cached_property
    def positions(self) -> NDArray[np.int32]:
        """(n,) how many interactions the same user has before this one."""
        return (np.arange(len(self)) - (self.ends - self.lengths)[self.user]).astype(np.int32)

    @cached_property
    def pairs(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Users and items of the distinct (user, item) pairs, sorted by user, then item."""
        codes = np.sort(self.user.astype(np.int64) * len(self.items) + self.item)
        codes = codes[np.diff(codes, prepend=-1) > 0]  # np.unique takes minutes for 10^7 different numbers
        user, item = np.divmod(codes, max(len(self.items), 1))
        return user.astype(np.int32), item.astype(np.int32)

    def where(self, kept: NDArray[np.bool_]) -> Past:
        """The interactions for which `kept` (n,) is true; users, items and what is known of them stay."""
        events = self.event_described
        return replace(
            self,
            user=self.user[kept],
            item=self.item[kept],
            at=self.at[kept],
            event_described=None if events is None else events.take(np.flatnonzero(kept)),
        )

    @classmethod
    def build(cls, users: Sequence[str], items: Sequence[str], at: NDArray[np.int64]) -> Past:
        """From unsorted columns of equal length; vocabularies are sorted by id."""
        user_ids, user = _codes(users)
        item_ids, item = _codes(items)
        at = np.asarray(at, dtype=np.int64)
        order = np.lexsort((at, user))  # a stable sort: ties stay as they were read
        return cls(
            users=Vocabulary(user_ids),
            items=Vocabulary(item_ids),
            user=user[order],
            item=item[order],
            at=at[order],
        )


def _codes(names: Sequence[str] | NDArray[Any]) -> tuple[list[str], NDArray[np.int32]]:
    """Distinct names in order, and the row number of each name. By hashing: sorting 10^7 strings takes a minute."""
    rows: dict[str, int] = {}
    first = np.fromiter((rows.setdefault(name, len(rows)) for name in names), dtype=np.int64, count=len(names))
    ids = [str(name) for name in rows]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    rank = np.empty(len(ids), dtype=np.int32)
    rank[order] = np.arange(len(ids), dtype=np.int32)
    return [ids[k] for k in order], rank[first]
