"""Who is asked, and what each answer is judged by."""

from __future__ import annotations

import random
from collections.abc import Set
from dataclasses import dataclass

from contract.recipes import Question
from evaluation.interactions import Interactions

SHORT_LIST = 100
"""Items in the list that a ranking recipe is asked to put in order: the most popular ones of the past."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One user of the evaluation."""

    user: str
    past: Set[str]
    """Distinct items of the user's past."""
    last_item: str
    """The newest item of the past."""
    relevant: Set[str]
    """Distinct held-out items that the answer is judged by; never empty."""


def cases(past: Interactions, future: Interactions, *, question: Question, users: int, seed: int) -> list[Case]:
    """At most `users` of those who have a past and something to be judged by: a seeded sample, in the order of ids.

    Users without a past are not asked: nothing could be personal in the answer. For `COLD_ITEMS` only the held-out
    items without any interaction in the past count.
    """
    known = set(past.item_ids)
    relevant: dict[str, Set[str]] = {}
    for user in future.user_ids:
        wanted = set(future.history(user))
        if question is Question.COLD_ITEMS:
            wanted -= known
        if wanted and user in past:
            relevant[user] = wanted
    chosen = sorted(relevant)
    if len(chosen) > users:
        chosen = sorted(random.Random(seed).sample(chosen, users))
    made = []
    for user in chosen:
        history = past.history(user)
        made.append(Case(user=user, past=set(history), last_item=history[-1], relevant=relevant[user]))
    return made
