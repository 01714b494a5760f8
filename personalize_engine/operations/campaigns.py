"""Campaigns: a solution version that answers requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract.recipes import DatasetKind, Recipe
from personalize_engine.errors import invalid_input
from personalize_engine.jobs import quick, training
from personalize_engine.jobs.following import FOLLOWS, newest_version
from personalize_engine.jobs.registry import ACTIVE
from personalize_engine.jobs.updates import begin_update
from personalize_engine.operations.common import check_limit, create, delete, find_active, settle
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import Kind, describe, find, list_page
from personalize_engine.serving.bind import recipe_of
from personalize_engine.store.transaction import Resource, Transaction

KIND = Kind(kind="campaign", member="campaign", plural="campaigns", within="solutionArn")
LATEST = "/$LATEST"
"""Behind a solution's ARN: its newest version."""
_EXPLORATION, _METADATA = "itemExplorationConfig", "enableMetadataWithRecommendations"


@operation("CreateCampaign")
def create_campaign(context: Context, request: Request) -> Answer:
    """minProvisionedTPS is kept and shown; it changes nothing here. See `_config` for what campaignConfig may say."""
    arn = context.arn(f"campaign/{request['name']}")
    with context.store.write() as transaction:
        version = _version(transaction, request["solutionVersionArn"])
        _check_following(request)
        check_limit(transaction, KIND, parent=version.parent)
        body = {
            "solutionVersionArn": version.arn,
            "minProvisionedTPS": request.get("minProvisionedTPS", 1),
            "campaignConfig": _config(transaction, version, request.get("campaignConfig", {})),
        }
        create(
            transaction,
            arn,
            KIND,
            request,
            body=body,
            parent=version.parent,
            job=quick.CAMPAIGN,
        )
    context.jobs.wake()
    return {"campaignArn": arn}


@operation("DescribeCampaign")
def describe_campaign(context: Context, request: Request) -> Answer:
    """With its newest update."""
    return describe(context, request, KIND)


@operation("ListCampaigns")
def list_campaigns(context: Context, request: Request) -> Answer:
    """Of a solution, or all."""
    return list_page(context, request, KIND)


@operation("UpdateCampaign")
def update_campaign(context: Context, request: Request) -> Answer:
    """The campaign answers as before until the update is ACTIVE; the new version may be of another solution.

    A campaignConfig replaces the one before. Without one, that one stays as far as the new version's recipe can have
    it; naming a version then ends the following of the newest one.
    """
    if not any(member in request for member in ("solutionVersionArn", "minProvisionedTPS", "campaignConfig")):
        raise invalid_input("nothing to update: give solutionVersionArn, minProvisionedTPS or campaignConfig")
    changed: dict[str, Any] = {}
    if "minProvisionedTPS" in request:
        changed["minProvisionedTPS"] = request["minProvisionedTPS"]
    with context.store.write() as transaction:
        found = find_active(transaction, request["campaignArn"], KIND.kind)
        settle(found, "updated")
        version = find(transaction, found.body["solutionVersionArn"], training.KIND)
        if "solutionVersionArn" in request:
            serving, version = version, _version(transaction, request["solutionVersionArn"])
            if version.body["datasetGroupArn"] != serving.body["datasetGroupArn"]:
                raise invalid_input(f"{version.arn} is of another dataset group than the campaign's {serving.arn}")
            changed["solutionVersionArn"] = version.arn
        if "campaignConfig" in request:
            _check_following(request)
            changed["campaignConfig"] = _config(transaction, version, request["campaignConfig"])
        elif "solutionVersionArn" in request:
            changed["campaignConfig"] = _kept(version, found.body["campaignConfig"], request["solutionVersionArn"])
        kept = {name: found.body[name] for name in ("solutionVersionArn", "minProvisionedTPS", "campaignConfig")}
        begin_update(transaction, found, shown=kept | changed, applied=changed)
    context.jobs.wake()
    return {"campaignArn": found.arn}


@operation("DeleteCampaign")
def delete_campaign(context: Context, request: Request) -> Answer:
    """Requests are refused from now on."""
    with context.store.write() as transaction:
        delete(transaction, find(transaction, request["campaignArn"], KIND.kind))
    context.jobs.wake()
    return {}


def _version(transaction: Transaction, arn: str) -> Resource:
    """The version that a solutionVersionArn means."""
    if arn.endswith(LATEST):
        solution = find_active(transaction, arn.removesuffix(LATEST), "solution")
        newest = newest_version(transaction, solution.arn)
        if newest is None:
            raise invalid_input(f"{solution.arn} has no solution version in status {ACTIVE} yet: create one first")
        return newest
    found = find(transaction, arn, training.KIND)
    if found.status != ACTIVE:
        raise invalid_input(f"solutionVersionArn {arn} is in status {found.status}; it must be {ACTIVE}")
    find_active(transaction, str(found.parent), "solution")
    return found


def _check_following(request: Request) -> None:
    if request.get("campaignConfig", {}).get(FOLLOWS) and not request.get("solutionVersionArn", "").endswith(LATEST):
        raise invalid_input(
            f"campaignConfig.{FOLLOWS} is true: solutionVersionArn must then be the ARN of the solution in"
            f" SolutionArn{LATEST} format"
        )


def _config(transaction: Transaction, version: Resource, given: Mapping[str, Any]) -> dict[str, Any]:
    """A campaignConfig, checked and with the defaults of what the version's recipe takes.

    itemExplorationConfig is for recipes that explore; enableMetadataWithRecommendations needs an Items dataset, and
    is on by itself where the recipe offers metadata anyway.
    """
    if given.get("rankingInfluence"):
        raise invalid_input("campaignConfig.rankingInfluence is not supported yet by this engine")
    recipe = _recipe(version)
    explored = _explored(recipe, given.get(_EXPLORATION, {}))
    if given.get(_METADATA):
        group = version.body["datasetGroupArn"]
        kinds = {row.body["datasetType"] for row in transaction.page("dataset", parents=[group])}
        if DatasetKind.ITEMS.value.upper() not in kinds:
            raise invalid_input(f"campaignConfig.{_METADATA} needs an Items dataset, which {group} does not have")
    return {
        **{name: value for name, value in given.items() if name != _EXPLORATION},
        **({_EXPLORATION: explored} if recipe.explores else {}),
        **({_METADATA: True} if recipe.offers_metadata and _METADATA not in given else {}),
    }


def _explored(recipe: Recipe, given: Mapping[str, str]) -> dict[str, str]:
    """The whole itemExplorationConfig."""
    if given and not recipe.explores:
        raise invalid_input(
            f"Provide {_EXPLORATION} data only if your solution uses the User-Personalization recipe; this one uses"
            f" {recipe.name}."
        )
    known = {parameter.name: parameter for parameter in recipe.exploration}
    for name, text in given.items():
        if name not in known:
            raise invalid_input(f"campaignConfig.{_EXPLORATION}: there is no {name}; known: {', '.join(known)}")
        try:
            known[name].parse(text)
        except ValueError as error:
            raise invalid_input(f"campaignConfig.{_EXPLORATION}: {error}") from None
    return {name: given.get(name, parameter.default) for name, parameter in known.items()}


def _kept(version: Resource, config: Mapping[str, Any], asked_for: str) -> dict[str, Any]:
    """What stays of a campaignConfig when another version is served."""
    recipe = _recipe(version)
    left_out = {_EXPLORATION, *(() if asked_for.endswith(LATEST) else (FOLLOWS,))}
    exploration = {_EXPLORATION: _explored(recipe, config.get(_EXPLORATION, {}))} if recipe.explores else {}
    return {**{name: value for name, value in config.items() if name not in left_out}, **exploration}


def _recipe(version: Resource) -> Recipe:
    found = recipe_of(version.body["recipeArn"])
    assert found is not None, "CreateSolution lets no unknown recipe pass"
    return found
