"""A configuration of "Maintaining Personalized Experiences with Machine Learning" becomes an experiment, whole."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.recipes import RECIPES
from experiments.config import Experiment, Files
from experiments.from_mpe.__main__ import main
from experiments.from_mpe.document import MpeError, Place, json_path, leaves, read
from experiments.from_mpe.draft import draft
from experiments.from_mpe.translate import Imported, translate
from experiments.load import load

FILE = Path("config.json")
ARN = "arn:aws:personalize:::recipe/"


def dataset(kind: str, *fields: dict[str, Any]) -> dict[str, Any]:
    avro = {
        "type": "record",
        "name": kind,
        "namespace": "com.amazonaws.personalize.schema",
        "fields": copy.deepcopy(list(fields)),
    }
    return {
        "dataset": {"serviceConfig": {"name": f"{kind}-data"}},
        "schema": {"serviceConfig": {"name": f"{kind}-schema", "schema": avro | {"version": "1.0"}}},
    }


def column(name: str, kind: Any = "string", **flags: Any) -> dict[str, Any]:
    return {"name": name, "type": kind} | flags


LOG = (column("USER_ID"), column("ITEM_ID"), column("TIMESTAMP", "long"))


def shop() -> dict[str, Any]:
    """A configuration with something of every section."""
    return {
        "tags": [{"tagKey": "project", "tagValue": "shop"}],
        "datasetGroup": {
            "serviceConfig": {"name": "My_Shop", "roleArn": "arn:aws:iam::123456789012:role/import"},
            "workflowConfig": {"schedules": {"import": "cron(0 */6 * * ? *)"}, "maxAge": "7 days"},
        },
        "datasets": {
            "serviceConfig": {"importMode": "FULL", "tags": [{"tagKey": "a", "tagValue": "b"}]},
            "interactions": dataset("interactions", *LOG, column("EVENT_TYPE"), column("device", categorical=True)),
            "items": dataset(
                "Items",
                column("ITEM_ID"),
                column("GENRES", ["null", "string"], categorical=True),
                column("NOTE"),
                column("CREATION_TIMESTAMP", "long"),
            ),
        },
        "solutions": [
            {
                "serviceConfig": {"name": "sims", "recipeArn": f"{ARN}aws-sims"},
                "workflowConfig": {"schedules": {"full": "cron(0 0 ? * 1 *)"}},
            },
            {
                "serviceConfig": {
                    "name": "personal",
                    "recipeArn": f"{ARN}aws-user-personalization",
                    "performHPO": True,
                    "solutionConfig": {
                        "algorithmHyperParameters": {"bptt": "20", "depth": "3"},
                        "featureTransformationParameters": {"max_user_history_length_percentile": "0.95"},
                        "hpoConfig": {
                            "hpoResourceConfig": {"maxNumberOfTrainingJobs": "4"},
                            "algorithmHyperParameterRanges": {
                                "integerHyperParameterRanges": [
                                    {"name": "hidden_dimension", "minValue": 32, "maxValue": 64}
                                ]
                            },
                        },
                    },
                    "solutionVersion": {"trainingMode": "UPDATE"},
                },
                "campaigns": [
                    {
                        "serviceConfig": {
                            "name": "campaign",
                            "minProvisionedTPS": 5,
                            "campaignConfig": {"itemExplorationConfig": {"explorationWeight": "0.5"}},
                        }
                    }
                ],
                "batchInferenceJobs": [{"serviceConfig": {}, "workflowConfig": {"schedule": "cron(0 3 * * ? *)"}}],
            },
            {"serviceConfig": {"name": "likes", "recipeArn": f"{ARN}aws-item-affinity"}, "batchSegmentJobs": [{}]},
        ],
        "recommenders": [{"serviceConfig": {"name": "top", "recipeArn": f"{ARN}aws-vod-trending-now"}}],
        "eventTracker": {"serviceConfig": {"name": "tracker"}},
        "filters": [
            {"serviceConfig": {"name": "Clicked_Or_Streamed", "filterExpression": 'EXCLUDE ItemID WHERE X IN ("a")'}}
        ],
    }


def imported(document: dict[str, Any]) -> tuple[Imported, Experiment]:
    """What became of it, and the written file as the project reads it."""
    made = translate(document, FILE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{made.name}.yaml"
        path.write_text(draft(made, FILE.name), encoding="utf-8")
        return made, load(path)


def listed(document: dict[str, Any]) -> dict[str, str]:
    return {json_path(left.place): f"{left.problem}. {left.instead}" for left in translate(document, FILE).left}


def test_what_an_experiment_can_say_is_carried_over() -> None:
    _, made = imported(shop())
    assert isinstance(made.data, Files)
    assert made.name == "my-shop"
    assert "My_Shop" in made.description
    assert made.data.interactions.columns["DEVICE"] == "device"
    assert made.data.items is not None
    assert made.data.items.path == "items.csv"
    assert [(c.name, c.nullable) for c in made.schemas.items or ()] == [("GENRES", True), ("CREATION_TIMESTAMP", False)]
    sims, personal = made.recipes
    assert sims.recipe == "aws-sims"
    assert personal.hyperparameters == {"bptt": "20", "max_user_history_length_percentile": "0.95"}
    assert personal.exploration == {"explorationWeight": "0.5"}
    assert personal.hpo is not None
    assert (personal.hpo.jobs, personal.hpo.ranges) == (4, {"hidden_dimension": (32, 64)})
    assert [one.name for one in made.filters] == ["clicked-or-streamed"]
    assert made.filters[0].expression == 'EXCLUDE ItemID WHERE X IN ("a")'
    assert made.events is not None
    assert made.mode == "serve"  # the file has a campaign, so campaigns are kept


def test_everything_else_is_listed_with_its_place_and_what_to_do() -> None:
    found = listed(shop())
    personal = "$.solutions[1].serviceConfig"
    for place, word in {
        "$.tags": "tag-resource",
        "$.datasetGroup.serviceConfig.roleArn": "role of its own",
        "$.datasetGroup.workflowConfig": "EventBridge",
        "$.datasets.serviceConfig.tags": "tag-resource",
        "$.datasets.items.schema.serviceConfig.schema.fields[2]": "neither categorical nor textual",
        "$.datasets.interactions.schema.serviceConfig.schema.fields[4].name": "DEVICE",
        f"{personal}.name": "named after",
        f"{personal}.solutionConfig.algorithmHyperParameters.depth": "no setting of this name",
        f"{personal}.solutionVersion.trainingMode": "UPDATE",
        "$.solutions[1].campaigns[0].serviceConfig.minProvisionedTPS": "update-campaign",
        "$.solutions[1].batchInferenceJobs[0]": "create-batch-inference-job",
        "$.solutions[2]": "aws-item-affinity is not offered",
        "$.recommenders[0]": "compare aws-trending-now",
    }.items():
        assert word in found[place], place
    assert f"{personal}.recipeArn" not in found


def test_unknown_keys_are_listed_with_the_nearest_known_one() -> None:
    document = shop()
    document["solutions"][0]["serviceConfig"]["perfromHPO"] = True
    assert "did you mean 'performHPO'?" in listed(document)["$.solutions[0].serviceConfig.perfromHPO"]


def test_without_a_recipe_or_data_there_is_still_an_experiment() -> None:
    made, experiment = imported({"datasetGroup": {"serviceConfig": {"name": "2"}}})
    assert made.name == "group-2"
    assert [choice.recipe for choice in experiment.recipes] == ["aws-popularity-count"]
    assert experiment.mode == "experiment"


def _at(document: Any, place: Place) -> tuple[Any, Any]:
    for part in place[:-1]:
        document = document[part]
    return document, place[-1]


def _without(*place: str | int) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        inside, key = _at(document, place)
        del inside[key]

    return change


def _put(value: Any, *place: str | int) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        inside, key = _at(document, place)
        inside[key] = value

    return change


_FIELDS = ("datasets", "interactions", "schema", "serviceConfig", "schema", "fields")


@pytest.mark.parametrize(
    ("change", "place", "problem"),
    [
        (_without("datasetGroup"), "$.datasetGroup", "is missing"),
        (_put(7, "datasetGroup", "serviceConfig", "name"), "$.datasetGroup.serviceConfig.name", "must be text"),
        (_put("a b", "eventTracker", "serviceConfig", "name"), "$.eventTracker.serviceConfig.name", "'a b' is not"),
        (
            _put("aws-sims", "solutions", 0, "serviceConfig", "recipeArn"),
            "$.solutions[0].serviceConfig.recipeArn",
            "arn",
        ),
        (_put({}, "solutions"), "$.solutions", "must be a list"),
        (_without(*_FIELDS, 0), json_path(_FIELDS), "USER_ID is missing"),
        (_put("int", *_FIELDS, 2, "type"), json_path((*_FIELDS, 2, "type")), "TIMESTAMP must have the type 'long'"),
        (_put("text", *_FIELDS, 3, "type"), json_path((*_FIELDS, 3, "type")), "'text' is not allowed"),
        (_put("USER_ID", *_FIELDS, 3, "name"), json_path((*_FIELDS, 3, "name")), "declared twice"),
        (_without("datasets", "interactions"), "$.datasets.interactions", "is missing"),
        (_put(True, "solutions", 1, "campaigns", 0, "serviceConfig", "minProvisionedTPS"), "TPS", "whole number"),
    ],
)
def test_mistakes_are_said_with_their_json_path(
    change: Callable[[dict[str, Any]], None], place: str, problem: str
) -> None:
    document = shop()
    change(document)
    with pytest.raises(MpeError) as caught:
        translate(document, FILE)
    assert place in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"datasetGroup": }', "line 1, column 18"),
        ("[]", "must be an object"),
        ('{"filters": [{"a": 1, "a": 2}]}', "$.filters[0].a: is given twice"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": "\\ud800"}', "half of a character"),
        ("[" * 100_000, "is nested too deeply"),
        ("\ufeff{}", "$.datasetGroup: is missing"),
    ],
)
def test_what_is_no_such_file_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    assert main([str(tmp_path / "config.json"), "--into", str(tmp_path)]) == 2
    assert problem in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text(json.dumps(shop()), encoding="utf-8")
    command = [str(tmp_path / "config.json"), "--into", str(tmp_path), "--name", "old-shop"]
    assert main(command) == 0
    said = capsys.readouterr().out
    written = (tmp_path / "old-shop.yaml").read_text(encoding="utf-8")
    head = " ".join(line.removeprefix("#") for line in written.splitlines() if line.startswith("#")).split()
    assert "$.solutions[2]" in said
    for place in listed(shop()):
        assert place in said.replace(",", " ").split()
        assert place in " ".join(head).replace(",", " ").split()
    assert main(command) == 2
    assert "is there already" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0
    assert main([str(tmp_path / "none.json")]) == 2


NAME = st.from_regex(r"\A[a-zA-Z0-9][a-zA-Z0-9_-]{0,30}\Z")
TAGS = st.lists(st.fixed_dictionaries({"tagKey": NAME, "tagValue": st.text(max_size=5)}), max_size=2)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ANY = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.floats(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
TYPES = st.sampled_from(["string", "int", "long", "float", "double", "boolean"])
COLUMN = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,12}\Z")
        | st.sampled_from(["EVENT_TYPE", "EVENT_VALUE", "IMPRESSION", "CREATION_TIMESTAMP", "NO", "null"]),
        "type": TYPES | st.tuples(st.just("null"), TYPES).map(list) | st.lists(TYPES, min_size=1, max_size=3),
    },
    optional={"categorical": st.booleans(), "textual": st.booleans(), "doc": TEXT},
)


@st.composite
def _dataset(draw: st.DrawFn, kind: str, *required: dict[str, Any]) -> dict[str, Any]:
    names = {one["name"] for one in required}
    extra = draw(st.lists(COLUMN, max_size=8, unique_by=lambda one: one["name"]))
    fields = draw(st.permutations([*required, *(one for one in extra if one["name"] not in names)]))
    made = dataset(kind, *fields)
    made["schema"]["serviceConfig"]["schema"]["version"] = draw(st.sampled_from(["1.0", "2.0"]))
    return made


@st.composite
def _service(draw: st.DrawFn) -> dict[str, Any]:
    """`serviceConfig` of a solution, with settings that the recipe has, and with others."""
    name = draw(st.sampled_from([*RECIPES, "aws-item-affinity", "aws-semantic-similarity"]))
    row = RECIPES.get(name)
    known = [*row.hyperparameters, *row.featurization] if row else []
    values = {one.name: st.sampled_from([one.default, "1", "0.5", "77", "no"]) for one in known}
    config: dict[str, Any] = {
        "algorithmHyperParameters": draw(st.fixed_dictionaries({}, optional=values)),
        "featureTransformationParameters": draw(st.fixed_dictionaries({}, optional=values)),
        "hpoConfig": {
            "hpoResourceConfig": {"maxNumberOfTrainingJobs": draw(st.sampled_from(["1", "9", "99"]))},
            "algorithmHyperParameterRanges": {
                "integerHyperParameterRanges": [{"name": "bptt", "minValue": 2, "maxValue": draw(st.integers(2, 40))}],
                "categoricalHyperParameterRanges": [{"name": "recency_mask", "values": ["True"]}],
                "continuousHyperParameterRanges": [],
            },
        },
        "eventsConfig": {"eventParametersList": [{"eventType": "click", "weight": 0.5}]},
    }
    kept = draw(st.sets(st.sampled_from(sorted(config))))
    ranges = config["hpoConfig"]["algorithmHyperParameterRanges"]
    for member in draw(st.sets(st.sampled_from(sorted(ranges)))):
        del ranges[member]
    return {
        "name": draw(NAME),
        "recipeArn": ARN + name,
        "solutionConfig": {key: config[key] for key in sorted(kept)},
    } | draw(
        st.fixed_dictionaries(
            {},
            optional={
                "performHPO": st.booleans(),
                "performAutoML": st.booleans(),
                "performAutoTraining": st.booleans(),
                "performIncrementalUpdate": st.booleans(),
                "eventType": TEXT,
                "solutionVersion": st.fixed_dictionaries({"trainingMode": st.sampled_from(["FULL", "UPDATE"])}),
                "tags": TAGS,
            },
        )
    )


CAMPAIGN = st.fixed_dictionaries(
    {
        "serviceConfig": st.fixed_dictionaries(
            {"name": NAME, "minProvisionedTPS": st.integers(1, 3)},
            optional={
                "campaignConfig": st.fixed_dictionaries(
                    {"enableMetadataWithRecommendations": st.booleans()},
                    optional={
                        "itemExplorationConfig": st.dictionaries(
                            st.sampled_from(["explorationWeight", "explorationItemAgeCutOff", "other"]),
                            st.sampled_from(["0.5", "7", "none"]),
                        )
                    },
                )
            },
        )
    }
)
JOB = st.fixed_dictionaries({"serviceConfig": st.just({})}, optional={"workflowConfig": st.just({"schedule": "rate"})})
SOLUTION = st.fixed_dictionaries(
    {"serviceConfig": _service()},
    optional={
        "campaigns": st.lists(CAMPAIGN, max_size=2),
        "batchInferenceJobs": st.lists(JOB, max_size=2),
        "workflowConfig": st.just({"schedules": {"full": "cron(0 0 ? * 1 *)"}}),
    },
)
CONFIGS = st.fixed_dictionaries(
    {
        "datasetGroup": st.fixed_dictionaries(
            {"serviceConfig": st.fixed_dictionaries({"name": NAME}, optional={"domain": st.just("ECOMMERCE")})},
            optional={"workflowConfig": st.just({"maxAge": "1 day"})},
        )
    },
    optional={
        "datasets": st.fixed_dictionaries(
            {"interactions": _dataset("interactions", *LOG)},
            optional={
                "users": _dataset("Users", column("USER_ID", ["string"])),
                "items": _dataset("things", column("ITEM_ID", ["null", "string"], categorical=True)),
                "serviceConfig": st.fixed_dictionaries({"importMode": st.sampled_from(["FULL", "INCREMENTAL"])}),
            },
        ),
        "solutions": st.lists(SOLUTION, max_size=12),
        "recommenders": st.lists(
            st.fixed_dictionaries(
                {"serviceConfig": st.fixed_dictionaries({"name": NAME, "recipeArn": st.just(f"{ARN}aws-vod-x")})}
            ),
            max_size=2,
        ),
        "eventTracker": st.fixed_dictionaries({"serviceConfig": st.fixed_dictionaries({"name": NAME})}),
        "filters": st.lists(
            st.fixed_dictionaries(
                {
                    "serviceConfig": st.fixed_dictionaries(
                        {"name": NAME, "filterExpression": TEXT.filter(bool)}, optional={"tags": TAGS}
                    )
                }
            ),
            max_size=3,
        ),
        "tags": TAGS,
        "more": ANY,
    },
)


def _others(value: Any) -> list[Any]:
    """Other values for the same place, allowed ones if possible: a refused one shows less."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1]
    if value.startswith(ARN):
        return [f"{ARN}aws-{'sims' if value.endswith('ranking') else 'personalized-ranking'}"]
    try:
        number = float(value)
    except ValueError:
        return [value + "x"]
    return [other for other in (f"{number / 2:g}", f"{number + 1:g}") if other != value]


def _outcome(document: dict[str, Any]) -> Any:
    try:
        made, experiment = imported(document)
    except MpeError as error:
        return str(error)
    return experiment, [left.place for left in made.left]


def _check_it_counts(document: dict[str, Any], before: Any, at: Place, value: Any) -> None:
    for other in _others(value):
        changed = copy.deepcopy(document)
        inside, key = _at(changed, at)
        inside[key] = other
        assert _outcome(changed) != before, json_path(at)


def _check_nothing_is_lost(document: dict[str, Any], draw: Callable[[list[Any]], Any], times: int) -> None:
    """Every value is listed, or the experiment would be another with another value."""
    before = _outcome(document)
    assert not isinstance(before, str), before
    places = before[1]
    silent = [(at, value) for at, value in leaves(document) if not any(at[: len(one)] == one for one in places)]
    for at, value in (draw(silent) for _ in range(times) if silent):
        _check_it_counts(document, before, at, value)


@settings(max_examples=60, deadline=None)
@given(document=CONFIGS, data=st.data())
def test_any_configuration_becomes_an_experiment_and_nothing_is_lost(
    document: dict[str, Any], data: st.DataObject
) -> None:
    _check_nothing_is_lost(document, lambda silent: data.draw(st.sampled_from(silent)), times=3)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(document=CONFIGS, data=st.data())
def test_any_configuration_becomes_an_experiment_and_nothing_is_lost_long(
    document: dict[str, Any], data: st.DataObject
) -> None:
    _check_nothing_is_lost(document, lambda silent: data.draw(st.sampled_from(silent)), times=3)


def test_no_value_of_the_whole_example_is_lost() -> None:
    document = shop()
    before = _outcome(document)
    for at, value in leaves(document):
        if any(at[: len(one)] == one for one in before[1]):
            continue
        _check_it_counts(document, before, at, value)


@given(text=st.text(max_size=40))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with suppress(MpeError):
            translate(read(path), path)
