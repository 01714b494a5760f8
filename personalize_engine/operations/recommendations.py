"""GetRecommendations."""

from __future__ import annotations

from contract.recipes import RecipeType
from personalize_engine.errors import invalid_input
from personalize_engine.operations.asking import (
    Campaign,
    campaign_of,
    check_number,
    exploration_of,
    filter_of,
    metadata_columns,
    question_of,
    recommendation_id,
    shown,
    sources_of,
)
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.serving.answer import Promotion, recommend

DEFAULT_RESULTS = 25


@operation("GetRecommendations")
def get_recommendations(context: Context, request: Request) -> Answer:
    """Recipes for users want a userId, those for related items an itemId, those for popular items neither."""
    if request.get("recommenderArn"):
        raise invalid_input("recommenderArn: domain dataset groups are not supported by this engine")
    if "campaignArn" not in request:
        raise invalid_input("campaignArn must be given")
    k = request.get("numResults") or DEFAULT_RESULTS
    check_number(k, request.get("metadataColumns") or (), "numResults")
    campaign = campaign_of(context, request["campaignArn"])
    recipe = campaign.trained.recipe
    if recipe.type is RecipeType.PERSONALIZED_RANKING:
        raise invalid_input(f"{recipe.name} is asked with GetPersonalizedRanking")
    if recipe.type is RecipeType.RELATED_ITEMS and not request.get("itemId"):
        raise invalid_input(f"itemId must be given: {recipe.name} recommends items related to an item")
    if recipe.type is RecipeType.USER_PERSONALIZATION and not request.get("userId"):
        raise invalid_input(f"userId must be given: {recipe.name} recommends items to a user")
    columns = metadata_columns(context, request, campaign)
    question = question_of(context, request, campaign)
    promotion = _promotion(context, request, campaign)
    items = recommend(
        campaign.trained,
        sources_of(context),
        question,
        k=k,
        promotion=promotion,
        exploration=exploration_of(campaign),
    )
    return {"itemList": shown(context, campaign, items, columns), "recommendationId": recommendation_id()}


def _promotion(context: Context, request: Request, campaign: Campaign) -> Promotion | None:
    given = request.get("promotions")
    if not given:
        return None
    (one,) = given
    for member in ("filterArn", "percentPromotedItems"):
        if one.get(member) is None:
            raise invalid_input(f"promotions.1.member.{member} must be given")
    chosen = filter_of(context, one, campaign, asked=request)
    return Promotion(name=one.get("name"), filter=chosen, percent=one["percentPromotedItems"])
