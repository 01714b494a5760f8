"""The functions of the pipeline: which module each runs, and the actions and resources that its role allows.

A row grants what the module's docstring lists, no more. Wildcards that cannot be avoided are accepted, each with its
reason, in stacks.acknowledged.
"""

from __future__ import annotations

from aws_cdk import aws_s3 as s3
from constructs import Construct

from contract import layout
from contract.recipe import RecipeType
from contract.recipes import RECIPES
from experiments.config import Experiment
from stacks.assets import Assets
from stacks.datasets import Datasets
from stacks.objects import lists, reads, writes
from stacks.permissions import PERSONALIZE, Personalize, allow
from stacks.storage import Storage
from stacks.task_function import Task, TaskFunction


class Tasks(Construct):
    """One function per task, by the name that the machines use."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        experiment: Experiment,
        prefix: str,
        assets: Assets,
        storage: Storage,
        datasets: Datasets,
    ) -> None:
        super().__init__(scope, construct_id)
        personalize = Personalize(self, prefix)
        trained = _recipes(experiment)
        recipes = [personalize.recipe(name) for name in trained]
        offered = [personalize.recipe(name) for name in trained if not RECIPES[name].retired]
        rows = {
            "CheckData": _checking(storage.data, offered),
            "EstimateCost": _estimating(storage.data),
            **_ensuring(personalize, recipes, storage=storage, datasets=datasets),
            **_asking(storage.data, personalize, kinds={RECIPES[name].type for name in trained}),
            **_judging(storage.data),
        }
        if experiment.schemas.grown:
            grown = [datasets.dataset_arns[kind.value] for kind in experiment.schemas.grown]
            rows["AddColumns"] = _adding_columns(personalize, grown)
        self._functions = {name: TaskFunction(self, name, task=task, assets=assets) for name, task in rows.items()}

    def __getitem__(self, name: str) -> TaskFunction:
        return self._functions[name]


def _recipes(experiment: Experiment) -> list[str]:
    """What may be trained: the requested recipes and, for those that AWS has retired, their successors."""
    requested = [choice.recipe for choice in experiment.recipes]
    return sorted({name for recipe in requested for name in (recipe, RECIPES[recipe].successor) if name})


def _checking(bucket: s3.Bucket, offered: list[str]) -> Task:
    """It asks AWS for what it would train there; a retired recipe is trained by the local engine alone."""
    return Task(
        module="check_data",
        purpose="Checks the published data and the input, and plans the run",
        statements=[
            allow(["personalize:DescribeRecipe"], *offered),
            *reads(bucket, layout.MANIFEST, layout.PARKED),
            lists(bucket),
            *writes(bucket, "runs/*/plan.json"),
        ],
    )


def _estimating(bucket: s3.Bucket) -> Task:
    return Task(
        module="estimate_cost",
        purpose="Estimates what the run costs, and stops one that may cost too much",
        statements=[*reads(bucket, "runs/*/plan.json", "data/*/past/*"), *writes(bucket, "runs/*/costs.json")],
    )


def _ensuring(personalize: Personalize, recipes: list[str], *, storage: Storage, datasets: Datasets) -> dict[str, Task]:
    """Four functions of one module, each with what its kind of resource needs."""
    solution, campaign = personalize.named("solution"), personalize.named("campaign")
    imports = personalize.named("dataset-import-job")
    own_datasets = list(datasets.dataset_arns.values())
    return {
        "EnsureImport": Task(
            module="ensure",
            purpose="Imports a dataset, or finds that it is imported",
            statements=[
                allow(["personalize:CreateDatasetImportJob"], imports, *own_datasets),
                allow(["personalize:DescribeDatasetImportJob"], imports),
                allow(["personalize:DescribeDataset"], *own_datasets),
                allow(["personalize:ListDatasetImportJobs"], "*"),
                allow(
                    ["iam:PassRole"],
                    storage.service_role.role_arn,
                    conditions={"StringEquals": {"iam:PassedToService": PERSONALIZE}},
                ),
            ],
        ),
        "EnsureSolution": Task(
            module="ensure",
            purpose="Makes a solution, or finds it",
            statements=[
                allow(
                    ["personalize:CreateSolution"],
                    solution,
                    datasets.group_arn,
                    *recipes,
                ),
                allow(["personalize:DescribeSolution", "personalize:DeleteSolution"], solution),
            ],
        ),
        "EnsureVersion": Task(
            module="ensure",
            purpose="Trains a solution version, or finds it",
            statements=[
                allow(["personalize:CreateSolutionVersion", "personalize:DescribeSolutionVersion"], solution),
                allow(["personalize:ListSolutionVersions"], "*"),
            ],
        ),
        "EnsureCampaign": Task(
            module="ensure",
            purpose="Makes a campaign, or finds it, and lets it serve the solution version",
            statements=[
                allow(["personalize:CreateCampaign"], campaign, solution),
                allow(
                    ["personalize:UpdateCampaign", "personalize:DescribeCampaign", "personalize:DeleteCampaign"],
                    campaign,
                ),
            ],
        ),
    }


def _adding_columns(personalize: Personalize, datasets: list[str]) -> Task:
    return Task(
        module="add_columns",
        purpose="Adds columns to a dataset that has data",
        statements=[
            allow(["personalize:CreateSchema"], personalize.grown_schemas()),
            allow(["personalize:DescribeDataset", "personalize:UpdateDataset"], *datasets),
        ],
    )


def _asking(bucket: s3.Bucket, personalize: Personalize, *, kinds: set[RecipeType]) -> dict[str, Task]:
    """What talks to solution versions and campaigns; `kinds`: of the experiment's recipes, they choose the calls."""
    ranking = RecipeType.PERSONALIZED_RANKING
    calls = ["personalize:GetRecommendations"] if kinds - {ranking} else []
    calls += ["personalize:GetPersonalizedRanking"] if ranking in kinds else []
    solution, campaign = personalize.named("solution"), personalize.named("campaign")
    return {
        "ServiceMetrics": Task(
            module="service_metrics",
            purpose="Reads the metrics that the service computed itself",
            statements=[allow(["personalize:GetSolutionMetrics"], solution)],
        ),
        "ChooseCampaign": Task(
            module="choose_campaign",
            purpose="Chooses the campaign in which a solution version is judged",
            statements=[allow(["personalize:DescribeCampaign"], campaign)],
        ),
        "Ask": Task(
            module="ask",
            purpose="Asks a campaign for a slice of the users",
            statements=[
                allow(calls, campaign),
                *reads(bucket, "data/*"),
                lists(bucket),
                *writes(bucket, "runs/*/answers/*"),
            ],
            minutes=15,
            memory=1769,
        ),
        "TryEvents": Task(
            module="try_events",
            purpose="Sends events of a new user and sees what they change",
            statements=[
                allow(["personalize:GetRecommendations"], campaign),
                allow(["personalize:PutEvents"], "*"),
                *reads(bucket, "data/*"),
                lists(bucket),
                *writes(bucket, "runs/*/events.json"),
            ],
            minutes=15,
            memory=1024,
        ),
        "Release": Task(
            module="release",
            purpose="Deletes a campaign",
            statements=[allow(["personalize:DescribeCampaign", "personalize:DeleteCampaign"], campaign)],
        ),
    }


def _judging(bucket: s3.Bucket) -> dict[str, Task]:
    """What works on the bucket alone."""
    return {
        "Judge": Task(
            module="judge",
            purpose="Judges a recipe's answers by the held-out future",
            statements=[
                *reads(bucket, "data/*", "runs/*/answers/*"),
                lists(bucket),
                *writes(bucket, "runs/*/judged/*"),
            ],
            minutes=15,
            memory=3008,
        ),
        "Weigh": Task(
            module="weigh",
            purpose="Weighs a new version against the one that is served",
            statements=reads(bucket, "runs/*/judged/*", "runs/*/plan.json"),
            minutes=15,
            memory=1024,
        ),
        "JudgeBaselines": Task(
            module="judge_baselines",
            purpose="Makes the baselines from the past and judges them by the future",
            statements=[*reads(bucket, "data/*"), lists(bucket), *writes(bucket, "runs/*/judged/*")],
            minutes=15,
            memory=3008,
        ),
        "Compare": Task(
            module="compare",
            purpose="Compares recipes and baselines, and writes report.json",
            statements=[
                *reads(
                    bucket,
                    *("data/*/titles.csv", "runs/*/plan.json", "runs/*/costs.json", "runs/*/judged/*"),
                    "runs/*/events.json",
                ),
                lists(bucket),
                *writes(bucket, "reports/*/report.json"),
            ],
            minutes=15,
            memory=3008,
        ),
        "Report": Task(
            module="report",
            purpose="Renders report.html beside report.json",
            statements=[*reads(bucket, "reports/*/report.json"), *writes(bucket, "reports/*/report.html")],
            memory=512,
        ),
    }
