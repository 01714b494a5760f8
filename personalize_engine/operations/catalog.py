"""The service's own resources: recipes, algorithms, feature transformations, from `contract.recipes`."""

from __future__ import annotations

from typing import Any

from contract.recipes import RECIPES, Parameter, Recipe
from personalize_engine.errors import NOT_FOUND, ServiceError
from personalize_engine.operations.registry import Answer, Context, Request, operation
from personalize_engine.operations.shown import PAGE, read_token, write_token

SINCE = 1_559_347_200.0
"""Unix seconds shown as the moment of creation: June 2019, when the service opened."""
_TIMES = {"status": "ACTIVE", "creationDateTime": SINCE, "lastUpdatedDateTime": SINCE}


@operation("ListRecipes")
def list_recipes(context: Context, request: Request) -> Answer:
    """The recipes of custom dataset groups, the retired ones included: this engine trains them."""
    start, limit = read_token(request), request.get("maxResults", PAGE)
    rows = [] if request.get("domain") else list(RECIPES.values())
    more = write_token(request, start + limit) if start + limit < len(rows) else {}
    page = [{"name": row.name, "recipeArn": row.arn, **_TIMES} for row in rows[start : start + limit]]
    return {"recipes": page, **more}


@operation("DescribeRecipe")
def describe_recipe(context: Context, request: Request) -> Answer:
    """With what it is made of."""
    for row in RECIPES.values():
        if row.arn == request["recipeArn"]:
            return {
                "recipe": {
                    "name": row.name,
                    "recipeArn": row.arn,
                    "algorithmArn": _algorithm_arn(row),
                    **({"featureTransformationArn": arn} if (arn := _transformation_arn(row)) else {}),
                    "description": row.purpose,
                    "recipeType": row.type.value,
                    **_TIMES,
                }
            }
    raise ServiceError(NOT_FOUND, f"Resource not found: there is no recipe {request['recipeArn']}")


@operation("DescribeAlgorithm")
def describe_algorithm(context: Context, request: Request) -> Answer:
    """With the hyperparameters, their defaults and ranges."""
    for row in RECIPES.values():
        if _algorithm_arn(row) == request["algorithmArn"]:
            return {
                "algorithm": {
                    "name": row.algorithm,
                    "algorithmArn": _algorithm_arn(row),
                    "defaultHyperParameters": {p.name: p.default for p in row.hyperparameters},
                    "defaultHyperParameterRanges": _ranges(row.hyperparameters),
                    **_TIMES,
                }
            }
    raise ServiceError(NOT_FOUND, f"Resource not found: there is no algorithm {request['algorithmArn']}")


@operation("DescribeFeatureTransformation")
def describe_feature_transformation(context: Context, request: Request) -> Answer:
    """Of the first recipe that uses it."""
    for row in RECIPES.values():
        if _transformation_arn(row) == request["featureTransformationArn"]:
            return {
                "featureTransformation": {
                    "name": row.feature_transformation,
                    "featureTransformationArn": request["featureTransformationArn"],
                    "defaultParameters": {p.name: p.default for p in row.featurization},
                    **_TIMES,
                }
            }
    arn = request["featureTransformationArn"]
    raise ServiceError(NOT_FOUND, f"Resource not found: there is no feature transformation {arn}")


def _algorithm_arn(row: Recipe) -> str:
    return f"arn:aws:personalize:::algorithm/{row.algorithm}"


def _transformation_arn(row: Recipe) -> str | None:
    name = row.feature_transformation
    return None if name is None else f"arn:aws:personalize:::feature-transformation/{name}"


def _ranges(parameters: tuple[Parameter, ...]) -> dict[str, list[dict[str, Any]]]:
    ranges: dict[str, list[dict[str, Any]]] = {}
    for kind in ("integer", "continuous", "categorical"):
        ranges[f"{kind}HyperParameterRanges"] = [
            {
                "name": p.name,
                "isTunable": p.tunable,
                **({"values": list(p.values)} if p.values else {"minValue": p.low, "maxValue": p.high}),
            }
            for p in parameters
            if p.kind == kind
        ]
    return ranges
