"""A work's files as the engine's training sees them: a `Past`, with metadata where the recipe reads it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from contract.fields import CREATION_TIMESTAMP, ITEM_ID, TIMESTAMP, USER_ID
from contract.holdout import future_count
from contract.recipes import DatasetKind
from personalize_engine.data.features import Described, Kind
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models.base import Interaction

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """All of a work's past."""

    interactions: pd.DataFrame
    """By user, then time; ties keep the order of the file."""
    items: pd.DataFrame | None
    users: Mapping[str, Row]
    """{user: metadata}"""
    columns: Mapping[str, Mapping[str, str]]
    """{dataset: {metadata column: categorical or numerical}}"""

    @classmethod
    def read(cls, folder: str | Path, columns: Mapping[str, Mapping[str, str]]) -> Tables:
        """From the folder of a `works.Prepared`."""
        path = Path(folder)
        rows = _csv(path / "interactions.csv").astype({TIMESTAMP: np.int64})
        rows = rows.sort_values([USER_ID, TIMESTAMP], kind="stable", ignore_index=True)
        users: dict[str, Row] = {}
        if (path / "users.csv").is_file():
            users = {row[USER_ID]: row for row in _cells(_csv(path / "users.csv"))}
        items = _csv(path / "items.csv") if (path / "items.csv").is_file() else None
        return cls(interactions=rows, items=items, users=users, columns=columns)

    def without_newest(self) -> Tables:
        """The newest tenth of each user's interactions left out: what `exchange.validation` asks about."""
        own = self.interactions.groupby(USER_ID)[ITEM_ID]
        lengths = own.transform("size")
        kept = lengths.map({n: n - future_count(n) for n in lengths.unique().tolist()})
        return replace(self, interactions=self.interactions[own.cumcount() < kept].reset_index(drop=True))

    @cached_property
    def _slices(self) -> Mapping[str, slice]:
        """{user: rows of the interactions}"""
        ends = self.interactions.groupby(USER_ID).size().cumsum()
        begins = [0, *ends.tolist()[:-1]]
        return {str(u): slice(low, high) for u, low, high in zip(ends.index, begins, ends.tolist(), strict=True)}

    def past(self, metadata: Collection[DatasetKind] = ()) -> Past:
        """All interactions, described by the metadata of these datasets; with items', those without any are in it."""
        frame = self.interactions
        ids: set[str] = set(frame[ITEM_ID])
        described = self.items is not None and DatasetKind.ITEMS in metadata
        if self.items is not None and described:
            ids |= set(self.items[ITEM_ID])
        users, items = Vocabulary(sorted(self._slices)), Vocabulary(sorted(ids))
        past = Past(
            users=users,
            items=items,
            user=users.rows(frame[USER_ID]).astype(np.int32),
            item=items.rows(frame[ITEM_ID]).astype(np.int32),
            at=frame[TIMESTAMP].to_numpy(),
        )
        if not metadata:
            return past
        created = None
        if self.items is not None and described and CREATION_TIMESTAMP in self.items:
            known = self.items.set_index(ITEM_ID)[CREATION_TIMESTAMP].reindex(items.ids)
            created = pd.to_numeric(known).fillna(-1).to_numpy(np.int64)
        return replace(
            past,
            item_described=self._described(self.items, ITEM_ID, items, DatasetKind.ITEMS) if described else None,
            user_described=self._described(pd.DataFrame(list(self.users.values())), USER_ID, users, DatasetKind.USERS),
            event_described=self._learn(frame, DatasetKind.INTERACTIONS),
            created=created,
        )

    def history(self, user: str, *, metadata: bool) -> list[Interaction]:
        """As a query carries it."""
        rows = self.interactions.iloc[self._slices[user]]
        names = list(self.columns.get(DatasetKind.INTERACTIONS.value, {})) if metadata else []
        properties = _cells(rows[names]) if names else [{} for _ in range(len(rows))]
        return [
            Interaction(item_id=item, at=at, properties=own)
            for item, at, own in zip(rows[ITEM_ID], rows[TIMESTAMP].tolist(), properties, strict=True)
        ]

    def _described(
        self, frame: pd.DataFrame | None, key: str, vocabulary: Vocabulary, kind: DatasetKind
    ) -> Described | None:
        if frame is None or frame.empty:
            return None
        return self._learn(frame.set_index(key).reindex(list(vocabulary.ids)), kind)

    def _learn(self, frame: pd.DataFrame, kind: DatasetKind) -> Described | None:
        kinds = cast("Mapping[str, Kind]", self.columns.get(kind.value, {}))
        table = {name: frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in kinds}
        return Described.learn(table, kinds, n=len(frame)) if kinds else None


def _csv(path: Path) -> pd.DataFrame:
    """All cells as text, empty ones as null."""
    return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])


def _cells(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows without their empty cells."""
    return [{str(name): cell for name, cell in row.items() if not pd.isna(cell)} for row in frame.to_dict("records")]
