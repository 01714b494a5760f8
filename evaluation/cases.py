"""Who is asked, in which context, and what each answer is judged by."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from contract.recipes import Question
from evaluation.interactions import Interactions

SHORT_LIST = 100
"""Items in the list that a ranking recipe is asked to put in order: the most popular ones of the past."""

EXAMPLES = 3
"""Users that a report shows."""
ENOUGH_TO_TELL = 3
"""Interactions of the past that such a user should have."""
SHOWN_CONTEXTS = 4

Context = tuple[tuple[str, str], ...]
"""(column, value) pairs of interaction metadata in the order of the columns; empty cells are left out."""
Contexts = Mapping[str, Mapping[Context, Set[str]]]
"""{user: {context: the distinct items that the user met in it}}"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One user of the evaluation."""

    user: str
    past: Set[str]
    """Distinct items of the user's past."""
    last_item: str
    """The newest item of the past."""
    length: int = 0
    """Interactions of the user's past."""
    relevant: Set[str]
    """Distinct held-out items that the answer is judged by; never empty."""
    contexts: Mapping[Context, Set[str]] = field(default_factory=dict)
    """`relevant` by the context of the held-out rows: the user is asked in each, judged by its items, and the user's
    value is the mean. Empty where the experiment has no context."""


def contexts(rows: Iterable[Sequence[str]], columns: Sequence[str]) -> Contexts:
    """From the held-out rows (user, item, a cell per column)."""
    found: dict[str, dict[Context, set[str]]] = {}
    for user, item, *cells in rows:
        context = tuple((name, cell) for name, cell in zip(columns, cells, strict=True) if cell)
        found.setdefault(user, {}).setdefault(context, set()).add(item)
    return found


def cases(
    past: Interactions,
    future: Interactions,
    *,
    question: Question,
    users: int,
    seed: int,
    held_out_in: Contexts | None = None,
) -> list[Case]:
    """At most `users` of those who have a past and something to be judged by: a seeded sample, in the order of ids.

    Users without a past are not asked: nothing could be personal in the answer. For `COLD_ITEMS` only the held-out
    items without any interaction in the past count. `held_out_in`: for data with a context, that of the future.
    """
    within = held_out_in or {}
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
        parts = {context: items & relevant[user] for context, items in within.get(user, {}).items()}
        made.append(
            Case(
                user=user,
                past=set(history),
                last_item=history[-1],
                length=len(history),
                relevant=relevant[user],
                contexts={context: items for context, items in parts.items() if items},
            )
        )
    return made


def shuffled(asked: Sequence[Case], column: str, *, seed: int) -> dict[tuple[str, Context], Context]:
    """{(user, context): the same with another request's value of the column}, for contexts that have one.

    As in permutation importance (Breiman: "Random Forests", 2001): the values stay what they are as a whole, and what
    each tells of its request is lost.
    """
    places = [(case.user, context) for case in asked for context in case.contexts if column in dict(context)]
    cells = [dict(context)[column] for _, context in places]
    random.Random(seed).shuffle(cells)
    return {
        (user, context): tuple((name, cell if name == column else own) for name, own in context)
        for (user, context), cell in zip(places, cells, strict=True)
    }


def examples(asked: Sequence[Case], *, seed: int) -> list[Case]:
    """A few users to be shown: seeded, of those with the most contexts and enough to tell, if there are any."""
    able = [case for case in asked if case.length >= ENOUGH_TO_TELL] or list(asked)
    most = max((len(case.contexts) for case in able), default=0)
    chosen = [case for case in able if len(case.contexts) == most]
    able = chosen if len(chosen) >= EXAMPLES else able
    return random.Random(seed).sample(able, min(EXAMPLES, len(able)))


def common_contexts(asked: Sequence[Case]) -> list[Context]:
    """The contexts that most users are asked in, the most frequent first: in these examples are shown side by side."""
    counts = Counter(context for case in asked for context in case.contexts if context)
    return sorted(counts, key=lambda context: (-counts[context], context))[:SHOWN_CONTEXTS]
