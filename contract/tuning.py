"""Hyperparameter optimisation: what `hpoConfig` of CreateSolution may say, read and checked in one place.

Members and limits are those of the Amazon Personalize API reference (HPOConfig, HPOResourceConfig,
HyperParameterRanges). Two things differ on purpose. The service takes no `hpoObjective` any more; here it chooses among
the metrics of GetSolutionMetrics, as it did once. And the guide names no default number of training jobs: here it is
`DEFAULT_JOBS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contract.recipes import Parameter, Recipe
from contract.results import JUDGE_METRIC, SERVICE_METRICS

MAX_JOBS, MAX_PARALLEL = 40, 10
DEFAULT_JOBS = 10
DEFAULT_OBJECTIVE = JUDGE_METRIC
MEMBERS = {
    "integer": "integerHyperParameterRanges",
    "continuous": "continuousHyperParameterRanges",
    "categorical": "categoricalHyperParameterRanges",
}
"""Kind of a parameter to the member of `algorithmHyperParameterRanges` that its range stands in."""


class TuningError(ValueError):
    """The configuration is not allowed; the message names the member and the parameter."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.problem = problem
        """For whoever wrote it down under other names."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """Where one hyperparameter is searched."""

    parameter: Parameter
    low: float = 0.0
    high: float = 0.0
    """Inclusive; of an integer or continuous parameter."""
    values: tuple[str, ...] = ()
    """Of a categorical one."""

    def holds(self, text: str) -> bool:
        """Whether a value, which the parameter allows, lies in the range."""
        value = self.parameter.parse(text)
        return value in self.values if isinstance(value, str) else self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Search:
    """One optimisation."""

    ranges: tuple[Range, ...]
    given: dict[str, str]
    """`algorithmHyperParameters`: fixed, or where a range names them too, what is tried first."""
    jobs: int
    parallel: int
    """Training jobs at once, at most."""
    objective: str
    """The metric to be maximised."""

    @property
    def first(self) -> dict[str, str]:
        """What is tried first: the given or default values, as far as they lie within the ranges."""
        wanted = {row.parameter.name: self.given.get(row.parameter.name, row.parameter.default) for row in self.ranges}
        return {row.parameter.name: text for row in self.ranges if row.holds(text := wanted[row.parameter.name])}


def read_search(recipe: Recipe, config: Mapping[str, Any]) -> Search:
    """The search that a `solutionConfig` asks for; TuningError if the service would refuse it.

    Without any ranges, the tunable hyperparameters that the configuration does not fix are searched in all of their
    documented range.
    """
    hpo = config.get("hpoConfig", {})
    given = dict(config.get("algorithmHyperParameters", {}))
    ranges = tuple(_ranges(recipe, hpo.get("algorithmHyperParameterRanges", {})))
    if not ranges:
        ranges = tuple(_whole(parameter) for parameter in recipe.hyperparameters if _free(parameter, given))
    if not ranges:
        fixed = ", ".join(parameter.name for parameter in recipe.hyperparameters if parameter.tunable)
        why = f"all that can be tuned is fixed: {fixed}" if fixed else f"{recipe.name} has no tunable hyperparameters"
        raise TuningError("performHPO", f"there is nothing to optimise, {why}")
    resources = hpo.get("hpoResourceConfig", {})
    return Search(
        ranges=ranges,
        given=given,
        jobs=_count(resources, "maxNumberOfTrainingJobs", default=DEFAULT_JOBS, high=MAX_JOBS),
        parallel=_count(resources, "maxParallelTrainingJobs", default=MAX_PARALLEL, high=MAX_PARALLEL),
        objective=_objective(hpo.get("hpoObjective", {})),
    )


def _ranges(recipe: Recipe, given: Mapping[str, Any]) -> Iterator[Range]:
    names: set[str] = set()
    for kind, member in MEMBERS.items():
        for number, entry in enumerate(given.get(member, ())):
            where = f"solutionConfig.hpoConfig.algorithmHyperParameterRanges.{member}[{number}]"
            parameter = _tunable(recipe, entry.get("name"), kind, where)
            if parameter.name in names:
                raise TuningError(where, f"{parameter.name} has a range already")
            names.add(parameter.name)
            yield _values(parameter, entry, where) if kind == "categorical" else _between(parameter, entry, where)


def _tunable(recipe: Recipe, name: str | None, kind: str, where: str) -> Parameter:
    parameter = next((row for row in recipe.hyperparameters if row.name == name), None)
    if parameter is None:
        known = ", ".join(row.name for row in recipe.hyperparameters if row.tunable) or "there is none"
        raise TuningError(
            where,
            f"{recipe.name} has no hyperparameter {name}. Provide a hyperparameter that is used in the"
            f" algorithm and can be tuned: {known}.",
        )
    if not parameter.tunable:
        raise TuningError(where, f"{name} of {recipe.name} cannot be tuned")
    if parameter.kind != kind:
        raise TuningError(where, f"{name} is {parameter.kind}: its range belongs into {MEMBERS[parameter.kind]}")
    return parameter


def _between(parameter: Parameter, entry: Mapping[str, Any], where: str) -> Range:
    whole = _whole(parameter)
    low, high = entry.get("minValue", whole.low), entry.get("maxValue", whole.high)
    for member, value in (("minValue", low), ("maxValue", high)):
        try:
            parameter.parse(str(value))
        except ValueError as error:
            raise TuningError(f"{where}.{member}", str(error)) from None
    if low > high:
        raise TuningError(where, f"the minValue {low:g} of {parameter.name} is above its maxValue {high:g}")
    return Range(parameter=parameter, low=low, high=high)


def _values(parameter: Parameter, entry: Mapping[str, Any], where: str) -> Range:
    values = []
    for text in entry.get("values", parameter.values):
        try:
            values.append(str(parameter.parse(text)))
        except ValueError as error:
            raise TuningError(f"{where}.values", str(error)) from None
    if not values:
        raise TuningError(f"{where}.values", f"{parameter.name} needs at least one value")
    return Range(parameter=parameter, values=tuple(dict.fromkeys(values)))


def _free(parameter: Parameter, given: Mapping[str, str]) -> bool:
    return parameter.tunable and parameter.name not in given


def _whole(parameter: Parameter) -> Range:
    assert parameter.values or None not in {parameter.low, parameter.high}, "what can be tuned has a range"
    return Range(parameter=parameter, low=parameter.low or 0.0, high=parameter.high or 0.0, values=parameter.values)


def _count(resources: Mapping[str, str], member: str, *, default: int, high: int) -> int:
    text = resources.get(member, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= high):
        raise TuningError(
            "solutionConfig.hpoConfig.hpoResourceConfig",
            f"{member}={text!r} is not allowed: it must be an integer in [1, {high}]",
        )
    return int(text)


def _objective(given: Mapping[str, str]) -> str:
    """`metricRegex` has no meaning here: there are no training logs to find the metric in."""
    where = "solutionConfig.hpoConfig.hpoObjective"
    if given.get("type", "Maximize").casefold() != "maximize":
        raise TuningError(where, f"type={given['type']!r} is not allowed: all metrics are better when larger: Maximize")
    metric = given.get("metricName", DEFAULT_OBJECTIVE)
    if metric not in SERVICE_METRICS:
        allowed = ", ".join(SERVICE_METRICS)
        raise TuningError(where, f"metricName={metric!r} is not allowed: it must be one of {allowed}")
    return metric
