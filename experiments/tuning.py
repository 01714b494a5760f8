"""Hyperparameter optimisation as an experiment may ask for it, and as CreateSolution takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from contract.recipes import Parameter, Recipe
from contract.tuning import DEFAULT_JOBS, MAX_JOBS, MAX_PARALLEL, MEMBERS, TuningError, read_search


class Tuning(BaseModel):
    """Before the training, many others choose its hyperparameters. On AWS each of them is billed like a training."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    jobs: Annotated[int, Field(ge=1, le=MAX_JOBS)] = DEFAULT_JOBS
    """Trainings to choose by, at most."""
    parallel: Annotated[int, Field(ge=1, le=MAX_PARALLEL)] | None = None
    """So many of them at once, at most."""
    objective: str | None = None
    """A metric of GetSolutionMetrics. AWS takes none: there it is left out."""
    ranges: dict[str, tuple[bool | int | float | str, ...]] = Field(default_factory=dict)
    """By the name of a hyperparameter: [lowest, highest], or for a categorical one its values. Without any, all that
    can be tuned and is not given is searched in its documented range. Those of a retired recipe are left out on AWS."""

    def hpo_config(self, recipe: Recipe, hyperparameters: Mapping[str, str]) -> dict[str, Any]:
        """`solutionConfig.hpoConfig`; TuningError if the service would refuse it beside these hyperparameters.

        Featurization parameters may be among them: nothing tunes these.
        """
        resources = {"maxNumberOfTrainingJobs": str(self.jobs)}
        if self.parallel is not None:
            resources["maxParallelTrainingJobs"] = str(self.parallel)
        config: dict[str, Any] = {"hpoResourceConfig": resources}
        if self.objective is not None:
            config["hpoObjective"] = {"type": "Maximize", "metricName": self.objective}
        if self.ranges:
            config["algorithmHyperParameterRanges"] = self._ranges(recipe)
        of_algorithm = {parameter.name for parameter in recipe.hyperparameters}
        given = {name: text for name, text in hyperparameters.items() if name in of_algorithm}
        read_search(recipe, {"algorithmHyperParameters": given, "hpoConfig": config})
        return config

    def _ranges(self, recipe: Recipe) -> dict[str, list[dict[str, Any]]]:
        known = {parameter.name: parameter for parameter in recipe.hyperparameters if parameter.tunable}
        members: dict[str, list[dict[str, Any]]] = {}
        for name, values in self.ranges.items():
            if name not in known:
                tunable = ", ".join(known) or "it has none"
                raise TuningError("ranges", f"{name} is no tunable hyperparameter of {recipe.name}: {tunable}")
            members.setdefault(MEMBERS[known[name].kind], []).append(_range(known[name], values))
        return members


def _range(parameter: Parameter, values: tuple[bool | int | float | str, ...]) -> dict[str, Any]:
    if parameter.kind == "categorical":
        return {"name": parameter.name, "values": [str(value) for value in values]}
    try:
        low, high = (value if isinstance(value, int) else float(value) for value in values)
    except ValueError:  # a number with a decimal point comes as text, see `load`
        raise TuningError("ranges", f"{parameter.name} needs two numbers: [lowest, highest]") from None
    return {"name": parameter.name, "minValue": low, "maxValue": high}
