"""What the operations that ask a campaign share: the campaign, filters, context, metadata of the answered items."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contract.recipes import DatasetKind, RecipeType
from personalize_engine.errors import NOT_FOUND, ServiceError, invalid_input
from personalize_engine.filters.expression import Dataset, Filter, FilterError, Subject
from personalize_engine.filters.parse import parse
from personalize_engine.filters.values import bind
from personalize_engine.jobs.registry import ACTIVE
from personalize_engine.operations.registry import Context, Request
from personalize_engine.serving.answer import Exploration, Question, Recommended, Sources
from personalize_engine.serving.eligible import Filtering
from personalize_engine.serving.trained import Trained
from personalize_engine.store.transaction import Resource

MAX_RESULTS = 500
MAX_RESULTS_WITH_METADATA = 50
MAX_METADATA_COLUMNS = 10
_METADATA = "enableMetadataWithRecommendations"


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """An active campaign with what it serves."""

    arn: str
    config: Mapping[str, Any]
    """`campaignConfig`."""
    trained: Trained


def campaign_of(context: Context, arn: str) -> Campaign:
    """ResourceNotFoundException unless it is an active campaign."""
    found = _active(context, arn, "campaign")
    trained = context.trained.get(found.body["solutionVersionArn"])
    return Campaign(arn=arn, config=found.body.get("campaignConfig", {}), trained=trained)


def sources_of(context: Context) -> Sources:
    """For `serving.answer`."""
    filtering = Filtering(context.records, context.columns)
    return Sources(store=context.store, records=context.records, filtering=filtering)


def question_of(context: Context, request: Request, campaign: Campaign) -> Question:
    """What the request asks; InvalidInputException if its context or its filter do not fit the campaign."""
    group = campaign.trained.dataset_group
    if request.get("context"):
        known = context.records.context_columns(group)
        for name in request["context"]:
            if name not in known:
                has = f"it may hold {', '.join(known)}" if known else "the Interactions schema has no such columns"
                raise invalid_input(f"context.{name} is no metadata column of the Interactions dataset; {has}")
    if request.get("filterValues") and not request.get("filterArn"):
        raise invalid_input("filterValues are given without filterArn")
    chosen = filter_of(context, request, campaign, asked=request) if request.get("filterArn") else None
    return Question(
        user_id=request.get("userId"),
        item_id=request.get("itemId"),
        context=request.get("context") or {},
        filter=chosen,
    )


def filter_of(context: Context, given: Mapping[str, Any], campaign: Campaign, *, asked: Request) -> Filter:
    """The filter that `given` (a request or its promotion) names, with its values in place of placeholders."""
    arn, trained = given["filterArn"], campaign.trained
    found = _active(context, arn, "filter")
    if found.body["datasetGroupArn"] != trained.dataset_group:
        raise invalid_input(f"filterArn {arn} is of another dataset group than campaign {campaign.arn}")
    try:
        parsed = parse(found.body["filterExpression"])
        bound = bind(parsed, given.get("filterValues") or {})
    except FilterError as error:
        raise invalid_input(str(error)) from None
    if any(expression.subject is not Subject.ITEM for expression in parsed.expressions):
        raise invalid_input(f"filterArn {arn} filters users; recommendations are of items")
    if Dataset.CURRENT_ITEM in parsed.datasets and trained.recipe.type is not RecipeType.RELATED_ITEMS:
        raise invalid_input(f"filterArn {arn} uses CurrentItem, and {trained.recipe.name} is not about a current item")
    if {Dataset.CURRENT_USER, Dataset.INTERACTIONS} & parsed.datasets and asked.get("userId") is None:
        raise invalid_input(f"userId must be given: filter {arn} is about the user")
    return bound


def exploration_of(campaign: Campaign) -> Exploration | None:
    """Of campaigns of recipes that explore."""
    given = campaign.config.get("itemExplorationConfig")
    if not given or not campaign.trained.recipe.explores:
        return None
    return Exploration(weight=float(given["explorationWeight"]), cutoff_days=float(given["explorationItemAgeCutOff"]))


def metadata_columns(context: Context, request: Request, campaign: Campaign) -> Sequence[str]:
    """The columns of the Items dataset that the answer shall hold; InvalidInputException if it cannot."""
    asked = request.get("metadataColumns")
    if not asked:
        return ()
    if not campaign.config.get(_METADATA):
        raise invalid_input(f"metadataColumns: campaign {campaign.arn} was not made with {_METADATA}")
    ((dataset, columns),) = asked.items()
    if dataset.upper() != DatasetKind.ITEMS.value.upper():
        raise invalid_input(f"metadataColumns: its only key is ITEMS, not {dataset}")
    if len(columns) > MAX_METADATA_COLUMNS:
        raise invalid_input(f"metadataColumns: {len(columns)} columns; the maximum is {MAX_METADATA_COLUMNS}")
    schema = context.records.schema(campaign.trained.dataset_group, DatasetKind.ITEMS)
    known = [column.name for column in schema.columns] if schema else []
    for name in columns:
        if name not in known:
            raise invalid_input(f"metadataColumns: the Items dataset has no column {name}; it has {', '.join(known)}")
    return tuple(dict.fromkeys(columns))


def check_number(number: int, columns: Sequence[str], member: str) -> None:
    """Fewer results are possible with metadata."""
    limit = MAX_RESULTS_WITH_METADATA if columns else MAX_RESULTS
    if number > limit:
        raise invalid_input(f"{member}: {number} items; the maximum is {limit}{' with metadata' if columns else ''}")


def shown(
    context: Context, campaign: Campaign, items: Sequence[Recommended], columns: Sequence[str]
) -> list[dict[str, Any]]:
    """The items as the API shows them."""
    group = campaign.trained.dataset_group
    types = {}
    if columns and (schema := context.records.schema(group, DatasetKind.ITEMS)) is not None:
        types = {column.name: column.type for column in schema.columns}
    answer = []
    for item in items:
        entry: dict[str, Any] = {"itemId": item.item_id}
        if item.score is not None:
            entry["score"] = item.score
        if item.promotion is not None:
            entry["promotionName"] = item.promotion
        if columns:
            row = context.records.item(group, item.item_id)
            entry["metadata"] = {name: _text(row[name], types.get(name)) for name in columns if name in row}
        answer.append(entry)
    return answer


def recommendation_id() -> str:
    """Events may name it, to say what they follow from."""
    return f"RID-{uuid.uuid4()}"


def _active(context: Context, arn: str, kind: str) -> Resource:
    with context.store.read() as transaction:
        found = transaction.get(arn)
    if found is None or found.kind != kind:
        raise ServiceError(NOT_FOUND, f"Resource not found: there is no {kind} {arn}")
    if found.status != ACTIVE:
        raise ServiceError(NOT_FOUND, f"{kind.title()} {arn} is in status {found.status}; it must be {ACTIVE}")
    return found


def _text(value: Any, type_: str | None) -> str:
    """A value of the Items dataset as it was imported, or nearly: 0.7, not the digits of its 32-bit float."""
    return str(np.float32(value)) if type_ == "float" else str(value)
