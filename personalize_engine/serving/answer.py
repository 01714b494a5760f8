"""One question to a trained version: history with the newest events, the model, the ranked items."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan

import numpy as np
from numpy.typing import NDArray

from contract.recipes import RecipeType
from personalize_engine.filters.expression import Filter
from personalize_engine.models.base import Query
from personalize_engine.serving.eligible import Filtering, by_recipe
from personalize_engine.serving.explore import explored
from personalize_engine.serving.history import history_of
from personalize_engine.serving.rank import Ranking, best, shares
from personalize_engine.serving.records import Records
from personalize_engine.serving.trained import Trained
from personalize_engine.store.database import Store


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where all that is known at request time comes from."""

    store: Store
    records: Records
    filtering: Filtering


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a request asks."""

    user_id: str | None = None
    item_id: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    filter: Filter | None = None
    """Its placeholders filled in."""


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """How a campaign tries new items out, see `explore`."""

    weight: float
    """In [0, 1]; 0: not at all."""
    cutoff_days: float
    """Items older than that are not tried out."""


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """A part of the answer that a filter of its own decides."""

    name: str | None
    filter: Filter
    """Its placeholders filled in."""
    percent: int
    """Of the answer, 1 to 100; rounded up to whole items."""


@dataclass(frozen=True, kw_only=True)
class Recommended:
    """One item of an answer."""

    item_id: str
    score: float | None = None
    """In [0, 1]; None where the recipe gives no scores, or the model cannot tell."""
    promotion: str | None = None
    """Name of the promotion that the item is part of."""


def recommend(
    trained: Trained,
    sources: Sources,
    question: Question,
    *,
    k: int,
    promotion: Promotion | None = None,
    exploration: Exploration | None = None,
) -> list[Recommended]:
    """The k best items with their scores, best first. Events count at once where the recipe is a real-time one.

    Scores sum to 1 over all items, also those that a filter leaves out. Promoted items stand in their own order at
    random places among the others, and only the promotion's filter applies to them: items without interactions can be
    promoted with any recipe. If too few items can be promoted, others take their places.
    """
    query = _query(trained, sources, question)
    scores = trained.model.scores([query])[0]
    if exploration is not None and exploration.weight > 0:
        scores = _explored(trained, scores, exploration)
    mask = by_recipe(trained, query)
    if question.filter is not None:
        mask = _both(mask, sources.filtering.of_model(question.filter, trained, query))
    if promotion is None:
        return _shown(trained, best(scores, fallback=trained.fallback, k=k, candidates=mask))
    promotable = sources.filtering.of_model(promotion.filter, trained, query)
    promotable = _both(by_recipe(trained, query, promoting=True), promotable)
    wanted = -(-k * promotion.percent // 100)
    ranking = best(scores, fallback=trained.fallback, k=wanted, candidates=promotable)
    promoted = [replace(item, promotion=promotion.name) for item in _shown(trained, ranking)]
    others = np.ones(len(scores), bool) if mask is None else mask.copy()
    others[ranking.rows] = False
    rest = _shown(trained, best(scores, fallback=trained.fallback, k=k - len(promoted), candidates=others))
    return _mixed(promoted, rest)


def rank_items(trained: Trained, sources: Sources, question: Question, items: Sequence[str]) -> list[Recommended]:
    """The items in the order of the user's interest, each once; their scores sum to 1.

    Items without interactions at the time of the training come last, as they were given and without a score. A filter
    takes items away.
    """
    query = _query(trained, sources, question)
    given = list(dict.fromkeys(items))
    known = trained.model.items
    mask = np.zeros(len(known), bool)
    rows = known.rows(given)
    mask[rows[rows >= 0]] = True
    mask &= trained.warm
    others = [item for item, row in zip(given, rows.tolist(), strict=True) if row < 0 or not trained.warm[row]]
    if question.filter is not None:
        mask &= sources.filtering.of_model(question.filter, trained, query)
        others = sources.filtering.of_others(question.filter, trained, query, others) if others else []
    scores = trained.model.scores([query])[0]
    ranking = best(scores, fallback=trained.fallback, k=len(given), candidates=mask, share_of="candidates")
    return [*_shown(trained, ranking), *(Recommended(item_id=item) for item in others)]


def _query(trained: Trained, sources: Sources, question: Question) -> Query:
    recipe, user_id = trained.recipe, question.user_id
    if recipe.type is RecipeType.RELATED_ITEMS:
        # The user is not looked at by the model, but may be by a filter.
        return Query(user_id=user_id, item_id=question.item_id)
    if user_id is None:
        return Query()
    return Query(
        user_id=user_id,
        user=sources.records.user(trained.dataset_group, user_id) if recipe.uses_metadata else {},
        history=history_of(trained, sources.store, user_id),
        context=question.context,
    )


def _explored(trained: Trained, scores: NDArray[np.float32], exploration: Exploration) -> NDArray[np.float32]:
    """The same with new items tried out; differently at every request."""
    tried = explored(
        shares(scores),
        counts=trained.counts,
        age_days=trained.age_days,
        weight=exploration.weight,
        cutoff_days=exploration.cutoff_days,
        rng=np.random.default_rng(),
    )
    with np.errstate(divide="ignore"):  # a share that has vanished is the smallest of all
        return np.log(tried)


def _both(first: NDArray[np.bool_] | None, second: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return second if first is None else first & second


def _shown(trained: Trained, ranking: Ranking) -> list[Recommended]:
    ids, scored = trained.model.items.ids, trained.recipe.scored
    return [
        Recommended(item_id=ids[row], score=share if scored and not isnan(share) else None)
        for row, share in zip(ranking.rows.tolist(), ranking.shares.tolist(), strict=True)
    ]


def _mixed(promoted: Sequence[Recommended], others: Sequence[Recommended]) -> list[Recommended]:
    """Both in their own order, the promoted ones at random places."""
    total = len(promoted) + len(others)
    places = set(random.sample(range(total), len(promoted)))
    first, second = iter(promoted), iter(others)
    return [next(first) if place in places else next(second) for place in range(total)]
