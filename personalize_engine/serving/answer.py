"""One question to a trained version: history with the newest events, the model, the ranked items."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

import numpy as np

from contract.recipes import RecipeType
from personalize_engine.models.base import Query
from personalize_engine.serving.history import history_of
from personalize_engine.serving.rank import rank
from personalize_engine.serving.trained import Trained
from personalize_engine.store.database import Store

UNSCORED = {"aws-popularity-count"}
"""USER_PERSONALIZATION recipes without scores."""


def recommend(
    trained: Trained,
    store: Store,
    *,
    user_id: str | None,
    item_id: str | None,
    context: Mapping[str, str],
    k: int,
) -> list[tuple[str, float | None]]:
    """The k best items with their scores, best first. Events count at once where the recipe is a real-time one.

    Scores lie in [0, 1] and sum to 1 over all items; None where the recipe gives none.
    """
    related = trained.recipe.type is RecipeType.RELATED_ITEMS
    history = history_of(trained, store, user_id) if user_id is not None and not related else []
    query = Query(user_id=user_id, history=history, item_id=item_id if related else None, context=context)
    exclude = None
    if related and item_id is not None and (row := trained.model.items.row(item_id)) is not None:
        exclude = [np.array([row])]
    (ranking,) = rank(trained.model, [query], fallback=trained.fallback, k=k, exclude=exclude)
    ids = trained.model.items.ids
    scored = trained.recipe.type is RecipeType.USER_PERSONALIZATION and trained.recipe.name not in UNSCORED
    return [
        (ids[row], share if scored and not isnan(share) else None)
        for row, share in zip(ranking.rows.tolist(), ranking.shares.tolist(), strict=True)
    ]
