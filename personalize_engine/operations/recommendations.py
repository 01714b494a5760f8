"""GetRecommendations."""

from __future__ import annotations

import uuid

from contract.recipes import RecipeType
from personalize_engine.errors import NOT_FOUND, ServiceError, invalid_input
from personalize_engine.jobs.registry import ACTIVE
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.serving.answer import recommend

DEFAULT_RESULTS = 25
MAX_RESULTS = 500
NOT_YET = ("filterArn", "filterValues", "promotions", "metadataColumns", "recommenderArn")
"""Members that would change the answer and are not implemented: refused rather than ignored."""


@operation("GetRecommendations")
def get_recommendations(context: Context, request: Request) -> Answer:
    """Users' recipes want a userId, related-items recipes an itemId. No recipe here reads `context` yet."""
    for member in NOT_YET:
        if request.get(member):
            raise invalid_input(f"{member} is not supported yet by this engine")
    if "campaignArn" not in request:
        raise invalid_input("campaignArn must be given")
    k = request.get("numResults") or DEFAULT_RESULTS
    if k > MAX_RESULTS:
        raise invalid_input(f"numResults {k}: the maximum is {MAX_RESULTS}")
    trained = context.trained.get(_version_of(context, request["campaignArn"]))
    kind = trained.recipe.type
    if kind is RecipeType.PERSONALIZED_RANKING:
        raise invalid_input(f"{trained.recipe.name} is asked with GetPersonalizedRanking")
    if kind is RecipeType.RELATED_ITEMS and not request.get("itemId"):
        raise invalid_input(f"itemId must be given: {trained.recipe.name} recommends items related to an item")
    if kind is RecipeType.USER_PERSONALIZATION and not request.get("userId"):
        raise invalid_input(f"userId must be given: {trained.recipe.name} recommends items to a user")
    items = recommend(
        trained,
        context.store,
        user_id=request.get("userId"),
        item_id=request.get("itemId"),
        context=request.get("context", {}),
        k=k,
    )
    return {
        "itemList": [{"itemId": item, "score": score} for item, score in items],
        "recommendationId": f"RID-{uuid.uuid4()}",
    }


def _version_of(context: Context, arn: str) -> str:
    with context.store.read() as transaction:
        campaign = transaction.get(arn)
    if campaign is None or campaign.kind != "campaign":
        raise ServiceError(NOT_FOUND, f"Resource not found: there is no campaign {arn}")
    if campaign.status != ACTIVE:
        raise ServiceError(NOT_FOUND, f"Campaign {arn} is in status {campaign.status}; it must be {ACTIVE}")
    version: str = campaign.body["solutionVersionArn"]
    return version
