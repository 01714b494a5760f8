"""Which items may be answered with: what a recipe recommends at all, and what a request's filter leaves of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contract import fields
from contract.recipes import RecipeType
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.filters.columns import ItemColumns, PreparedColumns
from personalize_engine.filters.evaluate import NEWEST_PER_TYPE, Asked, allowed
from personalize_engine.filters.expression import Dataset, Filter
from personalize_engine.models.base import Query
from personalize_engine.serving.records import Records
from personalize_engine.serving.trained import Trained

_NO_ITEMS = pa.table({fields.ITEM_ID: pa.array([], pa.string())})


def by_recipe(trained: Trained, query: Query, *, promoting: bool = False) -> NDArray[np.bool_] | None:
    """(n_items,) what the recipe may recommend; None: everything.

    Items without interactions only where the recipe says so or they are promoted; and no item is related to itself.
    """
    everything = promoting or trained.recipe.cold_items != "never" or trained.warm.all()
    mask = None if everything else trained.warm
    if trained.recipe.type is RecipeType.RELATED_ITEMS and query.item_id is not None:
        itself = trained.model.items.row(query.item_id)
        if itself is not None:
            mask = np.ones(len(trained.model.items), bool) if mask is None else mask.copy()
            mask[itself] = False
    return mask


class Filtering:
    """Applies filters to the items and users as they are now."""

    def __init__(self, records: Records, columns: PreparedColumns) -> None:
        self._records = records
        self._columns = columns

    def of_model(self, bound: Filter, trained: Trained, query: Query) -> NDArray[np.bool_]:
        """(n_items,) the model's items that a filter leaves (placeholders filled in)."""
        table = self._table(trained.dataset_group)
        columns = self._columns.get(trained.dataset_group, table, trained.model.items)
        return allowed(bound, columns, self._asked(bound, trained.dataset_group, query))

    def of_others(self, bound: Filter, trained: Trained, query: Query, ids: Sequence[str]) -> list[str]:
        """The same for items that the model does not know, few of them."""
        table = self._table(trained.dataset_group)
        rows = table.filter(pc.is_in(table.column(fields.ITEM_ID), pa.array(ids, pa.string())))
        columns = ItemColumns(rows, Vocabulary(ids))
        left = allowed(bound, columns, self._asked(bound, trained.dataset_group, query))
        return [item for item, kept in zip(ids, left.tolist(), strict=True) if kept]

    def _table(self, dataset_group: str) -> pa.Table:
        table = self._records.items(dataset_group)
        return _NO_ITEMS if table is None else table

    def _asked(self, bound: Filter, dataset_group: str, query: Query) -> Asked:
        """Only what the filter looks at is looked up."""
        datasets, user, item = bound.datasets, query.user_id, query.item_id
        user_row, item_row, interactions = {}, {}, []
        if user is not None and Dataset.CURRENT_USER in datasets:
            user_row = {**self._records.user(dataset_group, user), fields.USER_ID: user}
        if item is not None and Dataset.CURRENT_ITEM in datasets:
            item_row = {**self._records.item(dataset_group, item), fields.ITEM_ID: item}
        if user is not None and Dataset.INTERACTIONS in datasets:
            interactions = self._records.interactions(dataset_group, user, per_type=NEWEST_PER_TYPE)
        return Asked(
            user=user_row, item=item_row, interactions=[(event.item_id, event.event_type) for event in interactions]
        )
