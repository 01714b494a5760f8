"""The first task: the input's options, the manifest, and the plan that is made of them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from fake_aws import ACCOUNT, FakePersonalize, FakeS3, check, clients, refused

from contract import layout
from contract.as_json import from_json, to_json
from contract.manifest import Counts, Dropped, File, Files, Manifest
from contract.plan import (
    CheckData,
    EvaluationSettings,
    EventSettings,
    GrownSchema,
    Options,
    Plan,
    RecipeSettings,
    Settings,
)
from lambdas.errors import BadInput, DataMismatch, DataMissing
from lambdas.tasks.check_data import check_data, read_options

GROUP = f"{ACCOUNT}:dataset-group/exp-123456-group-00000000"
COLUMNS = {
    "Interactions": ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "CABIN_TYPE"],
    "Items": ["ITEM_ID", "GENRES", "CREATION_TIMESTAMP"],
}
SETTINGS = Settings(
    experiment="exp",
    prefix="exp-123456",
    bucket="bucket",
    dataset_group_arn=GROUP,
    dataset_arns={kind: f"{ACCOUNT}:dataset/exp-123456-group-00000000/{kind.upper()}" for kind in COLUMNS},
    schema_columns=COLUMNS,
    service_role_arn="arn:aws:iam::123456789012:role/personalize",
    recipes=[
        RecipeSettings(recipe="aws-hrnn", hyperparameters={"hidden_dimension": "64"}),
        RecipeSettings(recipe="aws-hrnn-metadata"),
        RecipeSettings(recipe="aws-hrnn-coldstart", featurization={"cold_start_max_duration": "7.0"}),
        RecipeSettings(recipe="aws-user-personalization"),
        RecipeSettings(recipe="aws-sims"),
    ],
    evaluation=EvaluationSettings(users=500, seed=3, resamples=100),
    mode="experiment",
    description="Which one?",
    events=EventSettings(recipe="aws-hrnn", tracking_id="tracker"),
)
AWS = "https://personalize.eu-west-1.amazonaws.com"


def manifest(**changes: Any) -> Manifest:
    made = Manifest(
        version="0123abcd",
        experiment="exp",
        holdout={"kind": "last", "share": "1/10"},
        counts={
            "past": Counts(interactions=9000, users=100, items=50),
            "future": Counts(interactions=1000, users=100, items=40),
        },
        files=Files(
            past={
                kind: File(key=f"data/0123abcd/past/{kind.lower()}.csv", sha256="00", rows=10, columns=columns)
                for kind, columns in COLUMNS.items()
            },
            future=File(key=layout.future("0123abcd"), sha256="00", rows=10, columns=COLUMNS["Interactions"]),
        ),
        dropped=[Dropped(reason="no item", rows=2, first_lines=[3, 9])],
    )
    return replace(made, **changes)


def planned(
    given: Any = None,
    *,
    settings: Settings = SETTINGS,
    published: Any = None,
    endpoint: str = "http://localhost:4566",
    personalize: FakePersonalize | None = None,
    s3: FakeS3 | None = None,
) -> Plan:
    s3 = s3 or FakeS3()
    value = to_json(manifest()) if published is None else published
    s3.objects[layout.MANIFEST] = json.dumps(value).encode()
    event = CheckData(
        settings=settings, input={} if given is None else given, run_id="run-1", started_at="2026-11-24T12:00:00Z"
    )
    return check_data(event, clients(personalize=personalize or FakePersonalize(endpoint), s3=s3))


# The input


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "must be a JSON object such as {}"),
        ("go", "must be a JSON object such as {}"),
        (None, "must be a JSON object such as {}"),
        ({"recipe": ["aws-sims"]}, "unknown option 'recipe'; allowed: recipes, mode, train_afresh, users"),
        ({"mode": "keep"}, "input.mode is 'keep'; allowed: experiment, serve"),
        ({"users": 0}, "input.users is 0"),
        ({"users": "many"}, "input.users is 'many'; expected int"),
        ({"train_afresh": "yes"}, "input.train_afresh is 'yes'; expected bool"),
        ({"recipes": ["aws-sims", 7]}, r"input.recipes\[1\] is 7; expected str"),
    ],
)
def test_bad_input_says_what_is_allowed(given: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_options(given)


def test_comment_is_ignored_and_everything_may_be_left_out() -> None:
    assert read_options({"Comment": "Insert your JSON here"}) == Options()


@pytest.mark.parametrize("given", [["aws-popularity-count"], []])
def test_recipes_must_be_the_experiments(given: list[str]) -> None:
    with pytest.raises(BadInput, match="aws-hrnn, aws-hrnn-metadata"):
        planned({"recipes": given})


def test_options_change_the_plan() -> None:
    plan = planned({"recipes": ["aws-sims"], "mode": "serve", "users": 7, "train_afresh": True})
    assert [training.trained for training in plan.trainings] == ["aws-sims"]
    assert (plan.run.mode, plan.run.evaluation.users, plan.run.evaluation.seed) == ("serve", 7, 3)
    assert plan.trainings[0].version.afresh
    assert not plan.trainings[0].solution.afresh


def test_columns_that_were_added_come_before_the_imports_and_make_other_solutions() -> None:
    schema = GrownSchema(name="exp-123456-group-00000000-items-11111111", text="{}")
    before, after = planned(), planned(settings=replace(SETTINGS, grown_schemas={"Items": schema}))
    assert before.columns == []
    (added,) = after.columns
    assert (added.dataset_arn, added.schema) == (SETTINGS.dataset_arns["Items"], schema)
    assert added.since == after.run.started_at
    names = [{training.solution.name for training in plan.trainings} for plan in (before, after)]
    assert not names[0] & names[1]


# The data


def test_no_data_yet_says_how_to_put_it_there() -> None:
    event = CheckData(settings=SETTINGS, input={}, run_id="r", started_at="2026-11-24T12:00:00Z")
    with pytest.raises(DataMissing, match=r"bucket bucket yet: run `python -m data_prep exp --stack`"):
        check_data(event, clients(personalize=FakePersonalize(), s3=FakeS3()))


def test_missing_permission_is_not_taken_for_missing_data() -> None:
    class Denied(FakeS3):
        def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
            raise refused("AccessDenied")

    event = CheckData(settings=SETTINGS, input={}, run_id="r", started_at="2026-11-24T12:00:00Z")
    with pytest.raises(type(refused("x")), match="AccessDenied"):
        check_data(event, clients(personalize=FakePersonalize(), s3=Denied()))


@pytest.mark.parametrize(
    ("published", "said"),
    [
        (to_json(manifest(experiment="other")), "holds data of the experiment 'other'"),
        ({"schema": 2}, "schema 2; this program reads 1"),
        ({"schema": 1, "version": "0"}, "lacks the member"),
        (to_json(manifest(files=replace(manifest().files, past={}))), "the stack has Interactions, Items"),
    ],
)
def test_wrong_data_are_refused(published: Any, said: str) -> None:
    with pytest.raises(DataMismatch, match=said):
        planned(published=published)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            ["ITEM_ID", "CREATION_TIMESTAMP"],
            "Items: the schema has the column GENRES, data/0123abcd/past/items.csv does not",
        ),
        ([*COLUMNS["Items"], "PRICE"], "Items: data/0123abcd/past/items.csv has the column PRICE, the schema does not"),
    ],
)
def test_columns_must_be_the_schemas(columns: list[str], said: str) -> None:
    files = manifest().files
    past = files.past | {"Items": replace(files.past["Items"], columns=columns)}
    with pytest.raises(DataMismatch, match=said):
        planned(published=to_json(manifest(files=replace(files, past=past))))


# The plan


def test_imports_read_the_published_files() -> None:
    plan = planned()
    assert [ensure.name.split("-")[2:4] for ensure in plan.imports] == [["import", "interactions"], ["import", "items"]]
    for ensure in plan.imports:
        check(
            "personalize",
            "CreateDatasetImportJob",
            {"jobName": ensure.name, "datasetArn": ensure.parent, **ensure.request},
        )
    assert plan.imports[0].request["dataSource"] == {"dataLocation": "s3://bucket/data/0123abcd/past/interactions.csv"}
    assert plan.imports[0].parent == SETTINGS.dataset_arns["Interactions"]


def test_every_request_fits_the_service() -> None:
    for endpoint in ("http://localhost:4566", AWS):
        personalize = FakePersonalize(endpoint)
        for arn in (f"arn:aws:personalize:::recipe/{name}" for name in ("aws-user-personalization", "aws-sims")):
            personalize.add(arn)
        for training in planned(personalize=personalize).trainings:
            solution = training.solution
            check(
                "personalize", "CreateSolution", {"name": solution.name, "datasetGroupArn": GROUP, **solution.request}
            )
            assert solution.request["performAutoTraining"] is False
            for ask in training.asks:
                made = {"name": ask.campaign.name, "solutionVersionArn": "arn", **ask.campaign.request}
                check("personalize", "CreateCampaign", made)
                assert ask.campaign.request["minProvisionedTPS"] == 1


def test_locally_every_recipe_trains_itself_with_its_hyperparameters() -> None:
    plan = planned()
    assert plan.run.backend == "local"
    assert [training.trained for training in plan.trainings] == [row.recipe for row in SETTINGS.recipes]
    configs = [training.solution.request.get("solutionConfig") for training in plan.trainings]
    assert configs == [
        {"algorithmHyperParameters": {"hidden_dimension": "64"}},
        None,
        {"featureTransformationParameters": {"cold_start_max_duration": "7.0"}},
        None,
        None,
    ]


def test_on_aws_successors_are_trained_and_shared() -> None:
    personalize = FakePersonalize(AWS)
    for name in ("aws-user-personalization", "aws-sims"):
        personalize.add(f"arn:aws:personalize:::recipe/{name}")
    plan = planned(personalize=personalize)
    assert plan.run.backend == "aws"
    assert [(training.trained, [ask.recipe for ask in training.asks]) for training in plan.trainings] == [
        ("aws-user-personalization", ["aws-hrnn"]),
        ("aws-user-personalization", ["aws-hrnn-metadata", "aws-hrnn-coldstart", "aws-user-personalization"]),
        ("aws-sims", ["aws-sims"]),
    ]
    assert plan.trainings[0].solution.request["solutionConfig"] == {
        "trainingDataConfig": {"excludedDatasetColumns": {"INTERACTIONS": ["CABIN_TYPE"], "ITEMS": ["GENRES"]}}
    }
    asks = plan.trainings[1].asks
    weights = [ask.campaign.request.get("campaignConfig") for ask in asks]
    assert weights[0] == {"itemExplorationConfig": {"explorationWeight": "0"}}
    assert weights[1] == {"itemExplorationConfig": {"explorationWeight": "1"}}
    assert weights[2] is None
    assert len({ask.campaign.name for ask in asks}) == 3
    assert [ask.question for ask in asks] == ["user", "cold-items", "user"]


HPO = {
    "hpoResourceConfig": {"maxNumberOfTrainingJobs": "4"},
    "hpoObjective": {"type": "Maximize", "metricName": "precision_at_10"},
    "algorithmHyperParameterRanges": {
        "integerHyperParameterRanges": [{"name": "bptt", "minValue": 8, "maxValue": 16}],
    },
}


@pytest.mark.parametrize(
    ("endpoint", "recipe", "expected"),
    [
        ("http://127.0.0.1:4566", "aws-hrnn", HPO),
        (AWS, "aws-hrnn", {"hpoResourceConfig": HPO["hpoResourceConfig"]}),
        (AWS, "aws-user-personalization", {name: HPO[name] for name in HPO if name != "hpoObjective"}),
    ],
)
def test_tuning_is_asked_for_as_the_service_takes_it(endpoint: str, recipe: str, expected: dict[str, object]) -> None:
    personalize = FakePersonalize(endpoint)
    personalize.add("arn:aws:personalize:::recipe/aws-user-personalization")
    plain, tuned = (
        planned(
            settings=replace(SETTINGS, recipes=[RecipeSettings(recipe=recipe, hpo=hpo)], events=None),
            personalize=personalize,
        )
        .trainings[0]
        .solution
        for hpo in (None, HPO)
    )
    assert "performHPO" not in plain.request
    assert tuned.request["performHPO"] is True
    assert tuned.request["solutionConfig"]["hpoConfig"] == expected
    check("personalize", "CreateSolution", {"name": tuned.name, "datasetGroupArn": GROUP, **tuned.request})
    assert plain.name != tuned.name


@pytest.mark.parametrize("endpoint", [AWS, "http://127.0.0.1:4566"])
def test_settings_for_exploration_reach_the_campaign_here_and_on_aws(endpoint: str) -> None:
    chosen = {"explorationWeight": "0.9", "explorationItemAgeCutOff": "7"}
    personalize = FakePersonalize(endpoint)
    personalize.add("arn:aws:personalize:::recipe/aws-user-personalization")
    recipe = "aws-user-personalization"
    plain, told = (
        planned(
            settings=replace(SETTINGS, recipes=[RecipeSettings(recipe=recipe, exploration=given)], events=None),
            personalize=personalize,
        ).trainings[0]
        for given in ({}, chosen)
    )
    assert told.asks[0].campaign.request["campaignConfig"] == {"itemExplorationConfig": chosen}
    assert told.asks[0].campaign.name != plain.asks[0].campaign.name
    assert told.solution.name == plain.solution.name, "one training serves both"


def test_recipes_are_of_the_dataset_groups_partition() -> None:
    personalize = FakePersonalize("https://personalize.eusc-de-east-1.amazonaws.eu")
    personalize.add("arn:aws-eusc:personalize:::recipe/aws-sims")
    group = GROUP.replace("arn:aws:", "arn:aws-eusc:")
    settings = replace(SETTINGS, dataset_group_arn=group, recipes=[RecipeSettings(recipe="aws-sims")], events=None)
    (training,) = planned(settings=settings, personalize=personalize).trainings
    assert training.solution.request["recipeArn"] == "arn:aws-eusc:personalize:::recipe/aws-sims"


def test_on_aws_a_recipe_that_is_gone_is_named_before_anything_is_made() -> None:
    with pytest.raises(BadInput, match=r"aws-user-personalization \(the successor of aws-hrnn\) any more"):
        planned(endpoint=AWS)
    broken = FakePersonalize(AWS)
    broken.errors["describe_recipe"] = refused("AccessDeniedException")
    with pytest.raises(type(refused("x")), match="AccessDenied"):
        planned(personalize=broken)


def names(plan: Plan) -> dict[str, set[str]]:
    return {
        "imports": {ensure.name for ensure in plan.imports},
        "solutions": {training.solution.name for training in plan.trainings},
        "versions": {training.version.name for training in plan.trainings},
        "campaigns": {ask.campaign.name for training in plan.trainings for ask in training.asks},
    }


def test_equal_inputs_give_equal_names_and_changed_inputs_others() -> None:
    first = names(planned())
    assert names(planned()) == first
    assert {kind: len(made) for kind, made in first.items()} == {
        "imports": 2,
        "solutions": 5,
        "versions": 5,
        "campaigns": 5,
    }

    data = names(planned(published=to_json(manifest(version="ffffffff"))))
    assert data["imports"].isdisjoint(first["imports"])
    assert data["versions"].isdisjoint(first["versions"])
    assert data["solutions"] == first["solutions"]
    assert data["campaigns"] == first["campaigns"]

    other = replace(SETTINGS, recipes=[RecipeSettings(recipe="aws-hrnn", hyperparameters={"hidden_dimension": "32"})])
    changed = names(planned(settings=other))
    assert changed["solutions"].isdisjoint(first["solutions"])
    assert changed["versions"].isdisjoint(first["versions"])
    assert changed["campaigns"] <= first["campaigns"]
    assert changed["imports"] == first["imports"]

    group = names(planned(settings=replace(SETTINGS, dataset_group_arn=GROUP + "1")))
    assert all(group[kind].isdisjoint(first[kind]) for kind in ("solutions", "versions", "campaigns"))


def test_an_evaluation_neither_uses_nor_deletes_the_campaigns_that_serve() -> None:
    first, serving = names(planned()), names(planned({"mode": "serve"}))
    assert serving["campaigns"].isdisjoint(first["campaigns"])
    assert all(serving[kind] == first[kind] for kind in ("imports", "solutions", "versions"))


def test_what_is_parked_is_not_served_anew_unseen() -> None:
    s3 = FakeS3()
    plan = planned({"mode": "serve"}, s3=s3)
    parked = {ask.subject: ask.campaign.name for training in plan.trainings for ask in training.asks}["aws-sims"]
    s3.objects[layout.PARKED] = json.dumps({f"{ACCOUNT}:campaign/{parked}": {"name": parked}}).encode()
    with pytest.raises(BadInput, match=r"the campaign of aws-sims is parked.*make unpark EXPERIMENT=exp"):
        planned({"mode": "serve"}, s3=s3)
    planned({"mode": "serve", "recipes": ["aws-hrnn"]}, s3=s3)
    planned({"mode": "experiment"}, s3=s3)


def test_events_are_tried_by_their_recipe_in_mode_experiment_only() -> None:
    def tried(given: dict[str, Any]) -> list[str]:
        plan = planned(given)
        found = [ask.recipe for training in plan.trainings for ask in training.asks if ask.try_events]
        assert (plan.run.events is not None) == bool(found)
        return found

    assert tried({}) == ["aws-hrnn"]
    assert tried({"mode": "serve"}) == []
    assert tried({"recipes": ["aws-sims"]}) == []


def test_plan_and_manifest_are_kept_for_the_later_tasks() -> None:
    s3 = FakeS3()
    plan = planned(s3=s3)
    kept = json.loads(s3.objects[layout.plan("run-1")])
    assert from_json(Plan, kept["plan"]) == plan
    assert plan.run.description == "Which one?"
    assert Manifest.from_json(kept["manifest"]) == manifest()


# What each field brings


def ablated(*names: str, **changes: Any) -> Settings:
    recipes = [row for row in SETTINGS.recipes if row.recipe in names]
    return replace(SETTINGS, recipes=recipes, evaluation=replace(SETTINGS.evaluation, ablation=True), **changes)


def test_ablation_trains_without_each_field_and_as_often_with_all() -> None:
    plans = planned(settings=ablated("aws-hrnn", "aws-hrnn-metadata")).trainings
    asks = [ask for plan in plans for ask in plan.asks]
    assert [ask.subject for ask in asks[:2]] == ["aws-hrnn", "aws-hrnn-metadata"]
    fields = Counter(ask.left_out for ask in asks if ask.recipe == "aws-hrnn-metadata")
    assert fields == {None: 3, "Interactions.CABIN_TYPE": 3, "Items.GENRES": 3}, "a creation timestamp is no metadata"
    assert [ask.left_out for ask in asks if ask.recipe == "aws-hrnn"] == [None]
    for names in (
        [ask.subject for ask in asks],
        [ask.campaign.name for ask in asks],
        [plan.version.name for plan in plans],
    ):
        assert len(set(names)) == len(names)
    left_out = {plan.asks[0].left_out: plan.solution for plan in plans}
    assert left_out["Items.GENRES"].request["solutionConfig"]["trainingDataConfig"] == {
        "excludedDatasetColumns": {"ITEMS": ["GENRES"]}
    }
    assert len({plan.solution.name for plan in plans}) == 4, "trainings that are repeated are versions of one solution"
    assert [ask.try_events for ask in asks].count(True) == 1


def test_ablation_and_tuning_exclude_each_other() -> None:
    settings = ablated("aws-hrnn-metadata")
    settings = replace(settings, recipes=[replace(settings.recipes[0], hpo={"hpoResourceConfig": {}})])
    with pytest.raises(BadInput, match=r"aws-hrnn-metadata: evaluation\.ablation .* take hpo out"):
        planned(settings=settings)
