"""Interactions in memory, compactly: each user's items in the order of time, without numpy.

Twelve bytes per row besides the ids and a few lists while it is built, so that ten million rows fit into a Lambda
function.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise


class Interactions:
    """The rows of one interactions file, grouped by user, oldest first; ties in time keep the order of the file."""

    def __init__(self, rows: Iterable[Sequence[str]]) -> None:
        """`rows`: (USER_ID, ITEM_ID, TIMESTAMP in Unix seconds) as they stand in the CSV file."""
        user_numbers: dict[str, int] = {}
        item_numbers: dict[str, int] = {}
        users, items, times = array("i"), array("i"), array("q")
        for user, item, time in rows:
            users.append(user_numbers.setdefault(user, len(user_numbers)))
            items.append(item_numbers.setdefault(item, len(item_numbers)))
            times.append(int(time))
        self._user_numbers = user_numbers
        self.item_ids: list[str] = list(item_numbers)
        """By item number."""
        self._starts = _starts(users, len(user_numbers))
        self._items = _by_user_then_time(users, items, times, self._starts)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def user_ids(self) -> list[str]:
        """In the order of the file."""
        return list(self._user_numbers)

    def __contains__(self, user: object) -> bool:
        return user in self._user_numbers

    def numbers(self, user: str) -> array[int]:
        """The user's items as numbers, oldest first; empty for an unknown user."""
        number = self._user_numbers.get(user)
        if number is None:
            return array("i")
        return self._items[self._starts[number] : self._starts[number + 1]]

    def history(self, user: str) -> list[str]:
        """The user's item ids, oldest first."""
        return [self.item_ids[number] for number in self.numbers(user)]

    def item_counts(self) -> list[int]:
        """Interactions of each item, by item number."""
        counts = [0] * len(self.item_ids)
        for item in self._items:
            counts[item] += 1
        return counts

    def popular(self) -> list[str]:
        """All item ids by the number of *different users*, most first; equal ones by id."""
        counts = [0] * len(self.item_ids)
        for number in range(len(self._user_numbers)):
            for item in set(self._items[self._starts[number] : self._starts[number + 1]]):
                counts[item] += 1
        order = sorted(range(len(counts)), key=lambda item: (-counts[item], self.item_ids[item]))
        return [self.item_ids[item] for item in order]


def _starts(users: array[int], n_users: int) -> array[int]:
    """Where each user's rows begin once they are grouped; one more entry for the end."""
    counts = [0] * n_users
    for user in users:
        counts[user] += 1
    starts = array("q", [0])
    for count in counts:
        starts.append(starts[-1] + count)
    return starts


def _by_user_then_time(users: array[int], items: array[int], times: array[int], starts: array[int]) -> array[int]:
    free = array("q", starts)
    grouped_items, grouped_times = array("i", bytes(4 * len(items))), array("q", bytes(8 * len(items)))
    for user, item, time in zip(users, items, times, strict=True):
        place = free[user]
        grouped_items[place], grouped_times[place] = item, time
        free[user] = place + 1
    for begin, end in pairwise(starts):
        own = grouped_times[begin:end]
        order = sorted(range(len(own)), key=own.__getitem__)
        if order != list(range(len(own))):
            grouped_items[begin:end] = array("i", [grouped_items[begin + place] for place in order])
    return grouped_items
