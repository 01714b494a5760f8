"""The process that trains one of our recipes on a work's files and asks it, as the engine does.

Exploration is off: it gives up accuracy now for what is learned later, and lists that are judged once cannot show that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.recipes import network
from benchmarks.recipes.exchange import Answer, Asked, Job, Lists, peak_mb, run, timed
from benchmarks.recipes.lists import answer_in_batches
from benchmarks.recipes.tables import Tables
from contract.recipes import RECIPES, DatasetKind, Question, Recipe, RecipeType
from evaluation.cases import SHORT_LIST
from personalize_engine.data.past import Past
from personalize_engine.models.base import Model, Query
from personalize_engine.serving.bind import MODELS, bind
from personalize_engine.serving.rank import rank


def answer(job: Job, answer: Answer) -> None:
    """The work of the process. Settings: `recipe`; `study`: arguments of `network.fit`, if not the recipe itself."""
    row = RECIPES[job.settings["recipe"]]
    tables = Tables.read(job.past, job.columns)
    past = tables.past(row.metadata)
    parameters = bind(row, {}, {})
    with timed(answer):
        if study := job.settings.get("study"):
            model: Model[Any] = network.fit(past, seed=job.seed, parameters=parameters, **study)
        else:
            model = MODELS[row.name].fit(past, parameters, seed=job.seed)
    answer.peak_mb = peak_mb()
    asking = Asking(row, model, past, tables, k=job.length)
    by_user = {one.user: one for one in job.asked}
    answer_in_batches(job, answer, lambda users: asking.lists([by_user[user] for user in users]))
    for one in job.asked if DatasetKind.INTERACTIONS in row.metadata else ():
        for context in one.contexts:
            (items,) = asking.lists([one], context).values()
            answer.in_context.append((one.user, [*context.items()], items))


class Asking:
    """A trained model and what it is asked with."""

    def __init__(self, recipe: Recipe, model: Model[Any], past: Past, tables: Tables, *, k: int) -> None:
        self._recipe, self._model, self._past, self._tables, self._k = recipe, model, past, tables, k
        users = np.bincount(past.pairs[1], minlength=len(past.items)).astype(np.float32)
        self._popularity = users
        warm = np.flatnonzero(past.item_counts > 0)
        self._candidates: NDArray[np.int64] | None = None
        if recipe.question is Question.RANK_POPULAR:
            self._candidates = np.argsort(-users, kind="stable")[:SHORT_LIST]
        elif len(warm) < len(past.items) and recipe.question is Question.USER:
            self._candidates = warm

    def lists(self, asked: Sequence[Asked], context: dict[str, str] | None = None) -> Lists:
        """The best items for each."""
        queries = [self._query(one, context or {}) for one in asked]
        exclude = None
        if self._related:
            exclude = [np.array([self._past.items.row(one.last_item)]) for one in asked]
        rankings = rank(
            self._model,
            queries,
            fallback=self._popularity,
            k=self._k,
            candidates=self._candidates,
            exclude=exclude,
        )
        ids = self._past.items.ids
        return {one.user: [ids[k] for k in ranking.rows] for one, ranking in zip(asked, rankings, strict=True)}

    @property
    def _related(self) -> bool:
        return self._recipe.type is RecipeType.RELATED_ITEMS

    def _query(self, one: Asked, context: dict[str, str]) -> Query:
        if self._related:
            return Query(item_id=one.last_item)
        return Query(
            user_id=one.user,
            user=self._tables.users.get(one.user, {}) if self._recipe.metadata else {},
            history=self._tables.history(one.user, metadata=bool(self._recipe.metadata)),
            context=context,
        )


if __name__ == "__main__":
    run(answer)
