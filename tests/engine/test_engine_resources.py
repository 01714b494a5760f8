"""Resources from create to delete: names, statuses, pages, tags, and what may not be deleted yet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from engine_server import Bench, schema, settled, wait_for

from contract.recipes import RECIPES

ACCOUNT = "arn:aws:personalize:us-east-1:000000000000"
MISSING = f"{ACCOUNT}:{{}}/absent"


def code(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


def gone(call: Any, **request: Any) -> bool:
    try:
        found = call(**request)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "ResourceNotFoundException")
    (description,) = (value for key, value in found.items() if key != "ResponseMetadata")
    assert description["status"] in {"DELETE PENDING", "DELETE IN_PROGRESS"}
    return False


def test_schema(bench: Bench) -> None:
    api, name = bench.personalize, bench.name("schema")
    text = schema("Interactions", {"name": "EVENT_TYPE", "type": ["null", "string"]})
    arn = api.create_schema(name=name, schema=text)["schemaArn"]
    assert arn == f"{ACCOUNT}:schema/{name}"
    assert api.describe_schema(schemaArn=arn)["schema"]["schema"] == text
    assert code(api.create_schema, name=name, schema=text) == "ResourceAlreadyExistsException"
    assert arn in {row["schemaArn"] for row in api.list_schemas()["schemas"]}
    dataset = api.create_dataset(name=name, schemaArn=arn, datasetGroupArn=bench.group(), datasetType="Interactions")
    assert code(api.delete_schema, schemaArn=arn) == "ResourceInUseException"
    wait_for(lambda: settled(api, "dataset", dataset["datasetArn"]))
    api.delete_dataset(datasetArn=dataset["datasetArn"])
    wait_for(lambda: gone(api.describe_dataset, datasetArn=dataset["datasetArn"]))
    api.delete_schema(schemaArn=arn)
    assert code(api.describe_schema, schemaArn=arn) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        (json.dumps({"type": "enum"}), "record"),
        (schema("Interactions").replace("amazonaws", "example"), "namespace"),
        (schema("Interactions").replace('"Interactions"', '"Sales"'), "Sales"),
        (schema("Interactions").replace("TIMESTAMP", "TIME"), "must have the field TIMESTAMP"),
        (schema("Interactions").replace("long", "string"), "field TIMESTAMP: its type must be long"),
        (schema("Interactions", {"name": "ITEM_ID", "type": "string"}), "declared twice"),
        (schema("Interactions", {"name": "X", "type": "bytes"}), "field X"),
        (schema("Interactions", *({"name": f"X{n}", "type": "string"} for n in range(6))), "6 metadata fields"),
        (schema("Users"), "at least one metadata field"),
        (schema("Users", {"name": "BIO", "type": "string", "textual": True}), "textual"),
        (schema("Items", {"name": "CREATION_TIMESTAMP", "type": "string"}), "reserved"),
    ],
)
def test_what_is_no_schema(bench: Bench, text: str, said: str) -> None:
    with pytest.raises(ClientError, match="InvalidInputException") as caught:
        bench.personalize.create_schema(name=bench.name(), schema=text)
    assert said in caught.value.response["Error"]["Message"]


def test_dataset_group_with_everything_in_it_is_deleted_from_the_inside(bench: Bench) -> None:
    api = bench.personalize
    group = bench.group()
    dataset = bench.dataset(group)
    tracker = api.create_event_tracker(name=bench.name(), datasetGroupArn=group)
    filter_arn = api.create_filter(
        name=bench.name(),
        datasetGroupArn=group,
        filterExpression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("a")',
    )["filterArn"]
    solution = bench.solution(group, "aws-popularity-count")
    assert code(api.create_dataset_group, name=group.rpartition("/")[2]) == "ResourceAlreadyExistsException"
    for call, request in (
        (api.delete_solution, {"solutionArn": solution}),
        (api.delete_filter, {"filterArn": filter_arn}),
        (api.delete_event_tracker, {"eventTrackerArn": tracker["eventTrackerArn"]}),
        (api.delete_dataset, {"datasetArn": dataset}),
    ):
        assert code(api.delete_dataset_group, datasetGroupArn=group) == "ResourceInUseException"
        call(**request)
    wait_for(lambda: not api.list_datasets(datasetGroupArn=group)["datasets"])
    wait_for(lambda: not api.list_event_trackers(datasetGroupArn=group)["eventTrackers"])
    wait_for(lambda: not api.list_filters(datasetGroupArn=group)["Filters"])
    wait_for(lambda: not api.list_solutions(datasetGroupArn=group)["solutions"])
    api.delete_dataset_group(datasetGroupArn=group)
    wait_for(lambda: gone(api.describe_dataset_group, datasetGroupArn=group))


def test_dataset(bench: Bench) -> None:
    api, group = bench.personalize, bench.group()
    interactions = api.create_schema(name=bench.name(), schema=schema("Interactions"))["schemaArn"]
    request = {"name": bench.name(), "datasetGroupArn": group, "schemaArn": interactions}
    assert code(api.create_dataset, **request, datasetType="Users") == "InvalidInputException"
    assert code(api.create_dataset, **request, datasetType="Actions") == "InvalidInputException"
    missing = request | {"schemaArn": MISSING.format("schema")}
    assert code(api.create_dataset, **missing, datasetType="Interactions") == "ResourceNotFoundException"
    arn = api.create_dataset(**request, datasetType="Interactions")["datasetArn"]
    assert arn == f"{ACCOUNT}:dataset/{group.rpartition('/')[2]}/INTERACTIONS"
    assert settled(api, "dataset", arn)["datasetType"] == "INTERACTIONS"
    again = request | {"name": bench.name()}
    assert code(api.create_dataset, **again, datasetType="interactions") == "ResourceAlreadyExistsException"


def _field(name: str, kind: Any = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


GENRE, YEAR = _field("GENRE", categorical=True), _field("YEAR", ["null", "int"])


def test_a_dataset_gets_new_columns(bench: Bench) -> None:
    api, group = bench.personalize, bench.group()
    items = bench.dataset(group, "Items", schema("Items", GENRE))
    first = api.describe_dataset(datasetArn=items)["dataset"]["schemaArn"]
    second = _grow(bench, items, YEAR, GENRE)
    api.delete_schema(schemaArn=first)
    assert code(api.delete_schema, schemaArn=second) == "ResourceInUseException"


def test_a_solution_trains_on_the_columns_that_it_was_made_with(bench: Bench) -> None:
    api, group = bench.personalize, bench.filled_group()
    items = bench.dataset(group, "Items", schema("Items", GENRE))
    before = bench.solution(group, "aws-similar-items")
    style = _field("STYLE", ["null", "string"], categorical=True)
    _grow(bench, items, GENRE, style)
    rows = "".join(f"i{number},same,{'odd' if number % 2 else 'even'}\n" for number in range(60))
    assert bench.load(items, bench.put(f"ITEM_ID,GENRE,STYLE\n{rows}".encode()))["status"] == "ACTIVE"

    def similar(solution: str) -> list[str]:
        """To an item that only its columns tell of: nobody has met those from the 40th on."""
        version = bench.version(solution)
        assert version["status"] == "ACTIVE", version.get("failureReason")
        return bench.items(bench.campaign(version["solutionVersionArn"]), itemId="i58", numResults=5)

    told = bench.solution(group, "aws-similar-items")
    without = _excluded("ITEMS", "STYLE")["solutionConfig"]
    assert {int(item[1:]) % 2 for item in similar(told)} == {0}
    assert similar(before) == similar(bench.solution(group, "aws-similar-items", solutionConfig=without))
    assert {int(item[1:]) % 2 for item in similar(before)} == {0, 1}, "it knows nothing of STYLE"
    assert "_knownColumns" not in str(api.describe_solution(solutionArn=before))


def _grow(bench: Bench, dataset: str, *columns: dict[str, Any]) -> str:
    """The ARN of the schema with these columns, which is the dataset's now."""
    api = bench.personalize
    grown: str = api.create_schema(name=bench.name(), schema=schema("Items", *columns))["schemaArn"]
    api.update_dataset(datasetArn=dataset, schemaArn=grown)

    def updated() -> bool:
        found = api.describe_dataset(datasetArn=dataset)["dataset"]
        return bool(found["latestDatasetUpdate"]["status"] == "ACTIVE" and found["schemaArn"] == grown)

    wait_for(updated)
    return grown


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("Interactions", [GENRE, YEAR], "cannot be replaced"),
        ("Items", [YEAR], "GENRE"),
        ("Items", [_field("GENRE", ["null", "string"], categorical=True)], "GENRE"),
        ("Items", [_field("GENRE", textual=True)], "GENRE"),
        ("Items", [GENRE, _field("YEAR", "int")], "YEAR: a new field must support null"),
    ],
)
def test_a_schema_only_grows(bench: Bench, kind: str, fields: list[dict[str, Any]], said: str) -> None:
    api = bench.personalize
    dataset = bench.dataset(bench.group(), kind, schema(kind, GENRE))
    other = api.create_schema(name=bench.name(), schema=schema(kind, *fields))["schemaArn"]
    with pytest.raises(ClientError, match="InvalidInputException") as caught:
        api.update_dataset(datasetArn=dataset, schemaArn=other)
    assert said in caught.value.response["Error"]["Message"]


def test_solution(bench: Bench) -> None:
    api, group = bench.personalize, bench.group()
    recipe = "arn:aws:personalize:::recipe/aws-hrnn"
    request = {"name": bench.name(), "datasetGroupArn": group, "recipeArn": recipe}
    with pytest.raises(ClientError, match="aws-hrnn needs a dataset of type Interactions"):
        api.create_solution(**request)
    bench.dataset(group)
    config = {"algorithmHyperParameters": {"hidden_dimension": "64"}}
    arn = api.create_solution(**request, solutionConfig=config)["solutionArn"]
    assert code(api.create_solution, **request) == "ResourceAlreadyExistsException"
    found = settled(api, "solution", arn)
    assert found["performAutoTraining"] is True, "as on AWS, where nobody said otherwise"
    assert found["solutionConfig"] == config
    assert "latestSolutionVersion" not in found
    api.update_solution(solutionArn=arn, performAutoTraining=False)
    wait_for(lambda: not api.describe_solution(solutionArn=arn)["solution"]["performAutoTraining"])
    assert code(api.update_solution, solutionArn=arn) == "InvalidInputException"
    api.delete_solution(solutionArn=arn)
    wait_for(lambda: gone(api.describe_solution, solutionArn=arn))


def _config(member: str, **values: Any) -> dict[str, Any]:
    return {"solutionConfig": {member: values}}


def _excluded(kind: str, *columns: str) -> dict[str, Any]:
    return _config("trainingDataConfig", excludedDatasetColumns={kind: list(columns)})


@pytest.mark.parametrize(
    ("recipe", "more", "said"),
    [
        ("aws-nonsense", {}, "no recipe that this engine knows"),
        ("aws-hrnn-coldstart", {}, "needs a dataset of type Items"),
        ("aws-hrnn", {"solutionConfig": {"algorithmHyperParameters": {"layers": "2"}}}, "no parameter layers"),
        ("aws-hrnn", {"solutionConfig": {"algorithmHyperParameters": {"bptt": "33"}}}, "bptt='33'"),
        ("aws-hrnn", {"solutionConfig": {"algorithmHyperParameters": {"bptt": "many"}}}, "an integer in [2, 32]"),
        ("aws-sims", {"solutionConfig": {"featureTransformationParameters": {"bptt": "2"}}}, "no parameter bptt"),
        (
            "aws-hrnn",
            {"solutionConfig": {"featureTransformationParameters": {"min_user_history_length_percentile": "1"}}},
            "min_user_history_length_percentile",
        ),
        ("aws-sims", {"performAutoML": True}, "performAutoML"),
        ("aws-sims", {"solutionConfig": {"eventValueThreshold": "2"}}, "eventType"),
        ("aws-sims", {"eventType": "a", "solutionConfig": {"eventValueThreshold": "x"}}, "not a number"),
        ("aws-sims", {"eventType": "a", "solutionConfig": {"eventValueThreshold": "nan"}}, "not a number"),
        ("aws-sims", {"performIncrementalUpdate": True}, "semantic-similarity"),
        ("aws-sims", _config("autoTrainingConfig", schedulingExpression="rate(31 days)"), "from 1 to 30"),
        ("aws-sims", _config("eventsConfig", eventParametersList=[]), "Personalized-Ranking-v2 only"),
        ("aws-user-personalization-v2", _config("eventsConfig", eventParametersList=[]), "not supported yet"),
        ("aws-user-personalization-v2", _config("algorithmHyperParameters", bptt="2"), "no parameter bptt"),
        ("aws-user-personalization-v2", {"performHPO": True}, "no tunable hyperparameters"),
        (
            "aws-similar-items",
            _config("algorithmHyperParameters", item_id_hidden_dim="50"),
            "give performHPO and a range",
        ),
        ("aws-trending-now", _config("featureTransformationParameters", trend_discovery_frequency="1 week"), "1 day"),
        ("aws-sims", _excluded("Users", "AGE"), "no dataset of type Users"),
        ("aws-sims", _excluded("Interactions", "DEVICE"), "no column DEVICE"),
        ("aws-sims", _excluded("INTERACTIONS", "ITEM_ID"), "cannot be excluded"),
    ],
)
def test_what_is_no_solution(bench: Bench, filled_group: str, recipe: str, more: dict[str, Any], said: str) -> None:
    with pytest.raises(ClientError, match="InvalidInputException") as caught:
        bench.solution(filled_group, recipe, **more)
    assert said in caught.value.response["Error"]["Message"]


def test_event_tracker(bench: Bench) -> None:
    api, group = bench.personalize, bench.group()
    made = api.create_event_tracker(name=bench.name(), datasetGroupArn=group)
    found = settled(api, "event_tracker", made["eventTrackerArn"])
    assert found["trackingId"] == made["trackingId"]
    assert found["accountId"] == "000000000000"
    assert code(api.create_event_tracker, name=bench.name(), datasetGroupArn=group) == "LimitExceededException"


def test_filter_names_datasets_that_exist(bench: Bench) -> None:
    api, group = bench.personalize, bench.group()
    bench.dataset(group)
    for expression, said in (
        ('INCLUDE ItemID WHERE Items.GENRE IN ("Users.x")', "no dataset of type ITEMS"),
        ("INCLUDE ItemID WHERE Sales.AMOUNT > 3", "Sales is no dataset"),
    ):
        with pytest.raises(ClientError, match=said):
            api.create_filter(name=bench.name(), datasetGroupArn=group, filterExpression=expression)
    absent = MISSING.format("dataset-group")
    assert (
        code(api.create_filter, name="a", datasetGroupArn=absent, filterExpression="x") == "ResourceNotFoundException"
    )


def test_pages_are_complete_and_bound_to_their_query(bench: Bench) -> None:
    api = bench.personalize
    made = [bench.group() for _ in range(5)]
    token: dict[str, str] = {}
    seen: list[str] = []
    while True:
        page = api.list_dataset_groups(maxResults=2, **token)
        assert len(page["datasetGroups"]) <= 2
        seen += [row["datasetGroupArn"] for row in page["datasetGroups"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert [arn for arn in seen if arn in made] == made
    assert len(seen) == len(set(seen))
    assert code(api.list_dataset_groups, nextToken="bm9uc2Vuc2U=") == "InvalidNextTokenException"
    for group in made[:2]:
        bench.dataset(group)
    first = api.list_datasets(maxResults=1)["nextToken"]
    assert code(api.list_datasets, datasetGroupArn=made[0], nextToken=first) == "InvalidNextTokenException"


def test_limits(bench: Bench, filled_group: str) -> None:
    group = bench.group()
    bench.dataset(group)
    for _ in range(10):
        bench.solution(group, "aws-sims")
    with pytest.raises(ClientError, match=r"LimitExceededException.*10 solutions"):
        bench.solution(group, "aws-sims")


def test_tags(bench: Bench) -> None:
    api = bench.personalize
    arn = api.create_dataset_group(name=bench.name(), tags=[{"tagKey": "team", "tagValue": "a"}])["datasetGroupArn"]
    api.tag_resource(resourceArn=arn, tags=[{"tagKey": "team", "tagValue": "b"}, {"tagKey": "cost", "tagValue": "1"}])
    assert api.list_tags_for_resource(resourceArn=arn)["tags"] == [
        {"tagKey": "cost", "tagValue": "1"},
        {"tagKey": "team", "tagValue": "b"},
    ]
    api.untag_resource(resourceArn=arn, tagKeys=["team", "absent"])
    assert [tag["tagKey"] for tag in api.list_tags_for_resource(resourceArn=arn)["tags"]] == ["cost"]
    many = [{"tagKey": f"k{n}", "tagValue": ""} for n in range(50)]
    assert code(api.tag_resource, resourceArn=arn, tags=many) == "TooManyTagsException"
    assert code(api.list_tags_for_resource, resourceArn=MISSING.format("campaign")) == "ResourceNotFoundException"


def test_catalog(bench: Bench) -> None:
    api = bench.personalize
    pages = api.get_paginator("list_recipes").paginate(PaginationConfig={"PageSize": 2})
    assert [row["name"] for page in pages for row in page["recipes"]] == list(RECIPES)
    recipe = api.describe_recipe(recipeArn=RECIPES["aws-sims"].arn)["recipe"]
    assert recipe["recipeType"] == "RELATED_ITEMS"
    algorithm = api.describe_algorithm(algorithmArn=recipe["algorithmArn"])["algorithm"]
    assert algorithm["defaultHyperParameters"]["popularity_discount_factor"] == "0.5"
    assert algorithm["defaultHyperParameterRanges"]["integerHyperParameterRanges"][0]["maxValue"] == 10
    arn = recipe["featureTransformationArn"]
    assert api.describe_feature_transformation(featureTransformationArn=arn)["featureTransformation"]["name"] == "sims"
    assert code(api.describe_recipe, recipeArn="arn:aws:personalize:::recipe/none") == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("method", "member", "kind"),
    [
        ("describe_schema", "schemaArn", "schema"),
        ("describe_dataset_group", "datasetGroupArn", "dataset-group"),
        ("describe_dataset", "datasetArn", "dataset"),
        ("describe_dataset_import_job", "datasetImportJobArn", "dataset-import-job"),
        ("describe_solution", "solutionArn", "solution"),
        ("describe_solution_version", "solutionVersionArn", "solution/x"),
        ("describe_campaign", "campaignArn", "campaign"),
        ("describe_event_tracker", "eventTrackerArn", "event-tracker"),
        ("describe_filter", "filterArn", "filter"),
        ("delete_schema", "schemaArn", "schema"),
        ("delete_dataset_group", "datasetGroupArn", "dataset-group"),
        ("delete_dataset", "datasetArn", "dataset"),
        ("delete_solution", "solutionArn", "solution"),
        ("delete_campaign", "campaignArn", "campaign"),
        ("delete_event_tracker", "eventTrackerArn", "event-tracker"),
        ("delete_filter", "filterArn", "filter"),
        ("stop_solution_version_creation", "solutionVersionArn", "solution/x"),
        ("get_solution_metrics", "solutionVersionArn", "solution/x"),
    ],
)
def test_absent_resources(bench: Bench, method: str, member: str, kind: str) -> None:
    call = getattr(bench.personalize, method)
    assert code(call, **{member: MISSING.format(kind)}) == "ResourceNotFoundException"
    assert code(call, **{member: "arn:of:something:else"}) == "InvalidInputException"
