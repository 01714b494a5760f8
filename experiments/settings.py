"""What the pipeline is told of an experiment, as `contract.plan` says it."""

from __future__ import annotations

from contract import naming
from contract.plan import EvaluationSettings, GrownSchema, RecipeSettings
from contract.recipes import RECIPES
from experiments.avro import schema_json
from experiments.config import Experiment, RecipeChoice


def recipe_settings(choice: RecipeChoice) -> RecipeSettings:
    """The YAML lists both kinds of parameters together; the service takes them apart."""
    row = RECIPES[choice.recipe]
    featurization = {parameter.name for parameter in row.featurization}
    return RecipeSettings(
        recipe=choice.recipe,
        hyperparameters={key: value for key, value in choice.hyperparameters.items() if key not in featurization},
        featurization={key: value for key, value in choice.hyperparameters.items() if key in featurization},
        exploration=choice.exploration,
        hpo=choice.hpo.hpo_config(row, choice.hyperparameters) if choice.hpo else None,
    )


def evaluation_settings(experiment: Experiment) -> EvaluationSettings:
    """With the columns of the context, given or implied."""
    return EvaluationSettings(
        users=experiment.evaluation.users,
        seed=experiment.evaluation.seed,
        resamples=experiment.evaluation.resamples,
        context=list(experiment.context),
        ablation=experiment.evaluation.ablation,
        category=experiment.category,
    )


def schema_columns(experiment: Experiment) -> dict[str, list[str]]:
    """{"Interactions": ["USER_ID", …], …}: the datasets that the experiment has, columns in the schema's order."""
    return {
        kind.value: [column.name for column in experiment.schemas.columns(kind) or ()]
        for kind in experiment.schemas.kinds
    }


def grown_schemas(experiment: Experiment, *, group: str) -> dict[str, GrownSchema]:
    """{"Items": …}: the datasets that have columns which were added; `group`: the name of their dataset group."""
    texts = {kind.value: schema_json(experiment, kind) for kind in experiment.schemas.grown}
    return {kind: GrownSchema(name=naming.grown_schema(group, kind, text), text=text) for kind, text in texts.items()}
