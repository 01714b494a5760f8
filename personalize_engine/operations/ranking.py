"""GetPersonalizedRanking."""

from __future__ import annotations

from contract.recipes import RecipeType
from personalize_engine.errors import invalid_input
from personalize_engine.operations.asking import (
    campaign_of,
    check_number,
    metadata_columns,
    question_of,
    recommendation_id,
    shown,
    sources_of,
)
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.serving.answer import rank_items


@operation("GetPersonalizedRanking")
def get_personalized_ranking(context: Context, request: Request) -> Answer:
    """The input list in the order of the user's interest; scores sum to 1 over it."""
    items = request["inputList"]
    if not items:
        raise invalid_input("inputList must hold at least one item")
    check_number(len(items), request.get("metadataColumns") or (), "inputList")
    campaign = campaign_of(context, request["campaignArn"])
    recipe = campaign.trained.recipe
    if recipe.type is not RecipeType.PERSONALIZED_RANKING:
        raise invalid_input(f"{recipe.name} ranks no list: ask it with GetRecommendations")
    if not request["userId"]:
        raise invalid_input(f"userId must be given: {recipe.name} ranks for a user")
    columns = metadata_columns(context, request, campaign)
    question = question_of(context, request, campaign)
    ranked = rank_items(campaign.trained, sources_of(context), question, items)
    return {"personalizedRanking": shown(context, campaign, ranked, columns), "recommendationId": recommendation_id()}
