"""The published data of a run, as the evaluation needs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from contract import layout
from contract.fields import ITEM_ID, MULTI_VALUE_SEPARATOR, TIMESTAMP, TITLE, USER_ID
from contract.plan import Run
from contract.recipes import DatasetKind, Question
from evaluation.breakdown import popularity_bands
from evaluation.cases import Case, cases, contexts
from evaluation.interactions import Interactions
from lambdas.aws import Clients, NoSuchObject
from lambdas.errors import DataMissing


@dataclass(frozen=True, kw_only=True)
class Published:
    """Past and future of one version of the data, read when they are first used."""

    run: Run
    aws: Clients

    @cached_property
    def past(self) -> Interactions:
        """What was imported."""
        return Interactions(self._rows(layout.past(self.run.version, DatasetKind.INTERACTIONS)))

    @cached_property
    def future(self) -> Interactions:
        """What was held out."""
        return Interactions(self._rows(layout.future(self.run.version)))

    @cached_property
    def catalogue(self) -> set[str]:
        """Every item of the past: of the interactions and, where the experiment has it, of the Items dataset."""
        items = set(self.past.item_ids)
        try:
            key = layout.past(self.run.version, DatasetKind.ITEMS)
            items.update(item for (item,) in self.aws.read_columns(self.run.bucket, key, [ITEM_ID]))
        except NoSuchObject:
            return items
        return items

    @cached_property
    def cold(self) -> set[str]:
        """Every item without an interaction in the past: of the Items dataset, or held out."""
        return (self.catalogue | set(self.future.item_ids)) - set(self.past.item_ids)

    @cached_property
    def categories(self) -> dict[str, list[str]]:
        """{item: its categories}; empty where the experiment has no column of them."""
        if self.run.evaluation.category is None:
            return {}
        key = layout.past(self.run.version, DatasetKind.ITEMS)
        rows = self._rows(key, [ITEM_ID, self.run.evaluation.category])
        return {item: cell.split(MULTI_VALUE_SEPARATOR) if cell else [] for item, cell in rows}

    @cached_property
    def bands(self) -> dict[str, str]:
        """The items of the past by popularity."""
        return popularity_bands(self.past)

    def titles(self, items: set[str]) -> dict[str, str]:
        """What the source calls these items; empty where it does not tell."""
        try:
            rows = self.aws.read_columns(self.run.bucket, layout.titles(self.run.version), [ITEM_ID, TITLE])
        except NoSuchObject:
            return {}
        return {item: title for item, title in rows if item in items}

    def cases(self, question: Question) -> list[Case]:
        """Whom to ask and what the answers are judged by: always the same for a run."""
        settings = self.run.evaluation
        within = None
        if settings.context:
            rows = self._rows(layout.future(self.run.version), [USER_ID, ITEM_ID, *settings.context])
            within = contexts(rows, settings.context)
        return cases(
            self.past, self.future, question=question, users=settings.users, seed=settings.seed, held_out_in=within
        )

    def _rows(self, key: str, columns: Sequence[str] = (USER_ID, ITEM_ID, TIMESTAMP)) -> Iterator[list[str]]:
        try:
            return self.aws.read_columns(self.run.bucket, key, columns)
        except NoSuchObject as error:
            raise DataMissing(
                f"{error.args[0]} is gone: run `python -m data_prep {self.run.experiment} --stack` and start again"
            ) from None
