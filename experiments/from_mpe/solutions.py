"""From the file's solutions and campaigns to the recipes that an experiment compares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contract.recipes import RECIPES, DatasetKind, Parameter, Recipe
from contract.tuning import MAX_JOBS, MAX_PARALLEL, TuningError
from experiments.config import Experiment
from experiments.from_mpe.config import Config, Hpo, Solution
from experiments.from_mpe.document import Place
from experiments.from_mpe.ledger import Ledger
from experiments.tuning import Tuning

FALLBACK = "aws-popularity-count"
"""What is compared where no recipe of the file can be."""
_MOST = next(rule.max_length for rule in Experiment.model_fields["recipes"].metadata if hasattr(rule, "max_length"))
_NEAREST = (
    (("trending",), "aws-trending-now"),
    (("more-like", "because-you-watched", "frequently-bought", "customers-who-viewed", "similar"), "aws-similar-items"),
    (("popular", "best-sellers", "most-viewed"), "aws-popularity-count"),
    (("ranking",), "aws-personalized-ranking-v2"),
)
"""Words in the name of a domain's use case, and the recipe that answers the same question."""


def nearest(recipe: str) -> str:
    """The recipe here that answers what a domain's use case answers.

    >>> nearest("aws-ecomm-frequently-bought-together"), nearest("aws-vod-top-picks")
    ('aws-similar-items', 'aws-user-personalization-v2')
    """
    for words, found in _NEAREST:
        if any(word in recipe for word in words):
            return found
    return "aws-user-personalization-v2"


def recipes(config: Config, kinds: Iterable[DatasetKind], ledger: Ledger) -> list[dict[str, Any]]:
    """The recipes as the YAML has them, with `comment` where there is one."""
    made: dict[str, dict[str, Any]] = {}
    for number, solution in enumerate(config.solutions or ()):
        place: Place = ("solutions", number)
        row = _recipe(solution, place, list(made), tuple(kinds), ledger)
        if row is not None:
            made[row.name] = _choice(row, solution, place, ledger)
    for number, recommender in enumerate(config.recommenders or ()):
        name = recommender.serviceConfig.recipeArn.rpartition("/")[2]
        ledger.leave(
            ("recommenders", number),
            "recommenders of a domain dataset group are not made",
            f"compare {nearest(name)}, which answers the same question as {name}",
        )
    if not made:
        ledger.leave(
            ("solutions",), f"no recipe of the file can be compared, so {FALLBACK} stands here", "list under `recipes`"
        )
        return [{"recipe": FALLBACK, "comment": "the least that any recipe must beat"}]
    return list(made.values())


def _recipe(
    solution: Solution, place: Place, taken: list[str], kinds: tuple[DatasetKind, ...], ledger: Ledger
) -> Recipe | None:
    """The row of the solution's recipe; None, and listed, if it cannot be in this experiment."""
    name = solution.serviceConfig.recipe
    if name is None:
        ledger.leave(place, "the solution names no recipe: AutoML, which is gone, chose one", "list recipes to compare")
        return None
    row = RECIPES.get(name)
    if row is None:
        what = f"the recipe {name} is not offered here"
        ledger.leave(place, what, "see docs/recipes.md for those that are; train it by hand, beside the experiment")
        return None
    missing = [kind.value for kind in row.required if kind not in kinds]
    if missing:
        ledger.leave(place, f"{name} needs the dataset {', '.join(missing)}", "add it, and the recipe under `recipes`")
        return None
    if name in taken:
        what = f"{name} is there already: an experiment has each recipe once"
        ledger.leave(place, what, "compare its settings in an experiment of its own, on the same data")
        return None
    if len(taken) >= _MOST:
        ledger.leave(place, f"an experiment has at most {_MOST} recipes", "compare it in an experiment of its own")
        return None
    return row


def _choice(row: Recipe, solution: Solution, place: Place, ledger: Ledger) -> dict[str, Any]:
    service = solution.serviceConfig
    at = (*place, "serviceConfig")
    ledger.carry(*at, "recipeArn")
    for switch in ("performAutoTraining", "performIncrementalUpdate", "performAutoML"):
        if getattr(service, switch) is False:
            ledger.carry(*at, switch)
    if service.solutionVersion and service.solutionVersion.trainingMode == "FULL":
        ledger.carry(*at, "solutionVersion", "trainingMode")
    choice: dict[str, Any] = {"recipe": row.name, "comment": f"{service.name}: {row.purpose}"}
    given = _hyperparameters(row, solution, (*at, "solutionConfig"), ledger)
    if given:
        choice["hyperparameters"] = given
    hpo = _hpo(row, solution, given, at, ledger)
    if hpo is not None:
        choice["hpo"] = hpo
    exploration = _exploration(row, solution, place, ledger)
    if exploration:
        choice["exploration"] = exploration
    return choice


def _hyperparameters(row: Recipe, solution: Solution, at: Place, ledger: Ledger) -> dict[str, str]:
    config = solution.serviceConfig.solutionConfig
    if config is None:
        return {}
    settable = [parameter for parameter in row.hyperparameters if not parameter.only_tuned]
    algorithm, features = config.algorithmHyperParameters or {}, config.featureTransformationParameters or {}
    made = _allowed(row, algorithm, settable, (*at, "algorithmHyperParameters"), ledger)
    return made | _allowed(row, features, row.featurization, (*at, "featureTransformationParameters"), ledger)


def _allowed(
    row: Recipe, given: Mapping[str, str], known: Iterable[Parameter], at: Place, ledger: Ledger
) -> dict[str, str]:
    """Those that the recipe takes, with a value that it takes."""
    parameters = {parameter.name: parameter for parameter in known}
    made = {}
    for name, text in given.items():
        place = (*at, name)
        if name not in parameters:
            names = ", ".join(parameters) or "none"
            ledger.leave(place, f"{row.name} has no setting of this name here", f"it has: {names}")
            continue
        try:
            parameters[name].parse(text)
        except ValueError as error:
            ledger.leave(place, str(error), f"its default is {parameters[name].default}")
            continue
        ledger.carry(*place)
        made[name] = text
    return made


def _hpo(row: Recipe, solution: Solution, given: dict[str, str], at: Place, ledger: Ledger) -> dict[str, Any] | None:
    """What `hpo:` says; None without optimisation, or where it cannot be."""
    service = solution.serviceConfig
    if service.performHPO is False:
        ledger.carry(*at, "performHPO")
    if not service.performHPO:
        return None
    config = service.solutionConfig.hpoConfig if service.solutionConfig else None
    inner, mark = (*at, "solutionConfig", "hpoConfig"), _Marks(ledger)
    try:
        made = _asked(config, inner, mark.carry)
        Tuning.model_validate(made).hpo_config(row, given)
    except (TuningError, ValueError) as error:
        problem = error.problem if isinstance(error, TuningError) else " ".join(str(error).split())
        ledger.leave((*at, "performHPO"), f"{row.name} cannot be tuned so: {problem}", "add `hpo:` to the recipe")
        if config is not None:
            ledger.leave(inner, "belongs to performHPO", "say it in `hpo:`")
        return None
    ledger.carry(*at, "performHPO")
    mark.settle()
    return made


class _Marks:
    """Places to be carried once all is known to be right."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._places = ledger, list[Place]()

    def carry(self, *place: str | int) -> None:
        self._places.append(place)

    def settle(self) -> None:
        for place in self._places:
            self._ledger.carry(*place)


def _asked(config: Hpo | None, at: Place, carry: Callable[..., None]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    resources = config.hpoResourceConfig if config else None
    for ours, theirs, most in (
        ("jobs", "maxNumberOfTrainingJobs", MAX_JOBS),
        ("parallel", "maxParallelTrainingJobs", MAX_PARALLEL),
    ):
        text = getattr(resources, theirs, None)
        if text is not None:
            if not 1 <= int(text) <= most:
                raise TuningError("", f"{theirs} is {text}, not between 1 and {most}")
            made[ours] = int(text)
            carry(*at, "hpoResourceConfig", theirs)
    ranges = config.algorithmHyperParameterRanges if config else None
    if ranges:
        made |= _ranges(ranges.model_dump(exclude_none=True), (*at, "algorithmHyperParameterRanges"), carry)
    return made


def _ranges(given: Mapping[str, list[dict[str, Any]]], at: Place, carry: Callable[..., None]) -> dict[str, Any]:
    made: dict[str, list[Any]] = {}
    for member, rows in given.items():
        for number, row in enumerate(rows):
            if row["name"] in made:
                raise TuningError("", f"{row['name']} has two ranges")
            made[row["name"]] = row["values"] if "values" in row else [row["minValue"], row["maxValue"]]
            for key, value in row.items():
                carry(*at, member, number, key)
                for inner in range(len(value) if isinstance(value, list) else 0):
                    carry(*at, member, number, key, inner)
    return {"ranges": made} if made else {}


def _exploration(row: Recipe, solution: Solution, place: Place, ledger: Ledger) -> dict[str, str]:
    """Of the first campaign: all that a recipe has here."""
    made: dict[str, str] = {}
    for number, campaign in enumerate(solution.campaigns or ()):
        at = (*place, "campaigns", number)
        if number:
            ledger.leave(at, "a recipe has one campaign here", "compare its settings in an experiment of its own")
            continue
        service = campaign.serviceConfig
        if service.minProvisionedTPS == 1:
            ledger.carry(*at, "serviceConfig", "minProvisionedTPS")
        given = (service.campaignConfig.itemExplorationConfig if service.campaignConfig else None) or {}
        inner = (*at, "serviceConfig", "campaignConfig", "itemExplorationConfig")
        made = _allowed(row, given, row.exploration, inner, ledger)
    return made
