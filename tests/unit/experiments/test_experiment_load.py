"""Every mistake in an experiment's file is reported with file, line, field, problem and the nearest valid name."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from contract.recipes import RECIPES, DatasetKind
from experiments.config import ColdItems, LastShare
from experiments.load import ConfigError, Finding, load, load_named, names

GOOD = """\
name: shop
data: {kind: generated}
holdout: {kind: last, share: 0.07}
schemas:
  items:
    - {name: GENRES, type: string, categorical: true}
recipes:
  - aws-popularity-count
  - recipe: aws-hrnn
    hyperparameters: {hidden_dimension: 64, recency_mask: false}
"""


def write(folder: Path, text: str | bytes, name: str = "shop.yaml") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def findings(folder: Path, text: str | bytes) -> list[Finding]:
    with pytest.raises(ConfigError) as raised:
        load(write(folder, text))
    return list(raised.value.findings)


def test_reads_a_good_file(tmp_path: Path) -> None:
    experiment = load(write(tmp_path, GOOD))
    assert experiment.schemas.kinds == (DatasetKind.INTERACTIONS, DatasetKind.ITEMS)
    assert experiment.recipes[1].hyperparameters == {"hidden_dimension": "64", "recency_mask": "False"}


def test_as_many_recipes_as_a_dataset_group_has_solutions(tmp_path: Path) -> None:
    head, _, _ = GOOD.partition("recipes:")
    (found,) = findings(tmp_path, f"{head}recipes: [{', '.join(RECIPES)}]\n")
    assert found.problem == f"has {len(RECIPES)} entries; at most 10 are allowed"


def test_a_recipe_that_explores_takes_settings_for_it(tmp_path: Path) -> None:
    head, _, _ = GOOD.partition("recipes:")
    recipe = "recipes:\n  - recipe: aws-user-personalization\n    exploration: {explorationWeight: 1}\n"
    assert load(write(tmp_path, head + recipe)).recipes[0].exploration == {"explorationWeight": "1"}
    for wrong, said in (("explorationWeight: 2", "[0, 1]"), ("weight: 1", "explorationWeight")):
        (found,) = findings(tmp_path, head + recipe.replace("explorationWeight: 1", wrong))
        assert said in f"{found.problem} {found.hint}"
    ranges = "recipes:\n  - recipe: aws-similar-items\n    hyperparameters: {item_id_hidden_dim: 50}\n"
    (found,) = findings(tmp_path, head + ranges)
    assert found.hint == "Allowed: popularity_discount_factor"


def test_tuning_is_asked_for_with_true_or_with_its_settings(tmp_path: Path) -> None:
    head, _, _ = GOOD.partition("    hyperparameters")
    hrnn, given = RECIPES["aws-hrnn"], {"hidden_dimension": "64"}

    def config(text: str) -> dict[str, object] | None:
        hpo = load(write(tmp_path, f"{head}    hpo: {text}\n")).recipes[1].hpo
        return None if hpo is None else hpo.hpo_config(hrnn, given)

    assert config("false") is None
    assert config("true") == {"hpoResourceConfig": {"maxNumberOfTrainingJobs": "10"}}
    assert config(
        "{jobs: 4, parallel: 2, objective: precision_at_25, ranges: {bptt: [8, 32], recency_mask: [true]}}"
    ) == {
        "hpoResourceConfig": {"maxNumberOfTrainingJobs": "4", "maxParallelTrainingJobs": "2"},
        "hpoObjective": {"type": "Maximize", "metricName": "precision_at_25"},
        "algorithmHyperParameterRanges": {
            "integerHyperParameterRanges": [{"name": "bptt", "minValue": 8, "maxValue": 32}],
            "categoricalHyperParameterRanges": [{"name": "recency_mask", "values": ["True"]}],
        },
    }


def test_a_range_may_have_decimals(tmp_path: Path) -> None:
    sims = GOOD.partition("recipes:")[0] + (
        "recipes:\n  - {recipe: aws-sims, hpo: {ranges: {popularity_discount_factor: [0.25, 1]}}}\n"
    )
    hpo = load(write(tmp_path, sims)).recipes[0].hpo
    assert hpo is not None
    assert hpo.hpo_config(RECIPES["aws-sims"], {})["algorithmHyperParameterRanges"] == {
        "continuousHyperParameterRanges": [{"name": "popularity_discount_factor", "minValue": 0.25, "maxValue": 1}]
    }


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        ("{jobs: 41}", "recipes.1.hpo.jobs", "less than or equal to 40"),
        ("many", "recipes.1.hpo", "must be a mapping of fields, not 'many'"),
        ("{objective: loss}", "recipes.1.hpo", "metricName='loss' is not allowed"),
        ("{ranges: {bptt: [8, 64]}}", "recipes.1.hpo", "bptt='64' is not allowed: it must be an integer in [2, 32]"),
        ("{ranges: {bptt: [few, many]}}", "recipes.1.hpo", "bptt needs two numbers: [lowest, highest]"),
        ("{ranges: {bptt: [8]}}", "recipes.1.hpo", "bptt needs two numbers: [lowest, highest]"),
        (
            "{ranges: {width: [8, 9]}}",
            "recipes.1.hpo",
            "width is no tunable hyperparameter of aws-hrnn: hidden_dimension",
        ),
    ],
)
def test_tuning_that_the_service_would_refuse(tmp_path: Path, text: str, field: str, problem: str) -> None:
    head, _, _ = GOOD.partition("    hyperparameters")
    (found,) = findings(tmp_path, f"{head}    hpo: {text}\n")
    assert (found.line, found.field) == (10, field)
    assert problem in found.problem


@pytest.mark.parametrize(
    ("text", "share"), [("0.07", Fraction(7, 100)), ("1/3", Fraction(1, 3)), ("0.1", Fraction(1, 10))]
)
def test_a_share_is_exact(tmp_path: Path, text: str, share: Fraction) -> None:
    holdout = load(write(tmp_path, GOOD.replace("0.07", text))).holdout
    assert isinstance(holdout, LastShare)
    assert holdout.share == share


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "problem", "hint"),
    [
        ("aws-popularity-count", "aws-popularity", 8, "recipes.0.recipe", "unknown recipe", "'aws-popularity-count'?"),
        (
            "hidden_dimension: 64",
            "hidden_dimensions: 64",
            10,
            "recipes.1.hyperparameters.hidden_dimensions",
            "unknown",
            "'hidden_dimension'?",
        ),
        (
            "hidden_dimension: 64",
            "hidden_dimension: 7",
            10,
            "recipes.1.hyperparameters.hidden_dimension",
            "[32, 256]",
            "",
        ),
        (
            "hyperparameters: {hidden_dimension: 64, recency_mask: false}",
            "exploration: {explorationWeight: 0.5}",
            10,
            "recipes.1.exploration",
            "takes no settings for exploration",
            "",
        ),
        ("kind: generated", "kind: generate", 2, "data.kind", "unknown kind 'generate'", "'generated'?"),
        ("{kind: generated}", "{kind: generated, user: 70}", 2, "data.user", "unknown field", "'users'?"),
        ("{kind: generated}", "{kind: generated, users: many}", 2, "data.users", "'many' is no whole number", ""),
        ("{kind: generated}", "generated", 2, "data", "must be a mapping of fields, not 'generated'", ""),
        ("{kind: generated}", "{kind: generated, users: 1}", 2, "data.users", "or equal to 50", ""),
        ("kind: last", "kind: lst", 3, "holdout.kind", "unknown kind", "last, after, cold"),
        ("{kind: last, share", "{share", 3, "holdout", "`kind` is missing", ""),
        ("share: 0.07", "share: 1.5", 3, "holdout.share", "between 0 and 1", ""),
        ("share: 0.07", "share: 0.12345678", 3, "holdout.share", "six decimal places", ""),
        ("share: 0.07", "shares: 0.07", 3, "holdout.shares", "unknown field", "'share'?"),
        ("type: string", "type: strin", 6, "schemas.items.0.type", "'strin' is not allowed", "'string'?"),
        ("name: GENRES", "name: genres", 6, "schemas.items.0.name", "'genres' is not allowed", "match"),
        ("name: shop\n", "", 1, "name", "is missing", "name"),
        ("name: shop", "name: sho", 1, "name", "differs from the file's name 'shop'", "sho.yaml"),
        ("name: shop", "name: shop\nname: shop", 2, "name", "is given twice", ""),
        (
            "  - aws-popularity-count",
            "  - aws-hrnn-coldstart\n  - aws-popularity-count\n  - aws-popularity-count",
            10,
            "recipes.2",
            "listed twice",
            "",
        ),
        (
            "name: shop",
            "name: shop\nevents: {try_recipe: aws-sims}",
            2,
            "events.try_recipe",
            "unknown recipe of this",
            "",
        ),
        (
            "name: shop",
            "name: shop\nevents: {try_recipe: aws-popularity-count}",
            2,
            "events.try_recipe",
            "does not change",
            "",
        ),
        ("name: shop", "name: shop\nmodes: serve", 2, "modes", "unknown field", "'mode'?"),
        (
            "holdout: {kind: last, share: 0.07}",
            "holdout: {kind: after, timestamp: 1500000000000}",
            3,
            "holdout.timestamp",
            "1500000000000 is in milliseconds; write 1500000000",
            "",
        ),
        ("name: shop", "name: shop\nnotify: me", 2, "notify", "'me' is no e-mail address", ""),
    ],
)
def test_a_mistake_is_reported_where_it_is(
    tmp_path: Path, old: str, new: str, line: int, field: str, problem: str, hint: str
) -> None:
    assert GOOD.count(old) == 1
    found = findings(tmp_path, GOOD.replace(old, new))
    assert len(found) == 1
    assert (found[0].file.name, found[0].line, found[0].field) == ("shop.yaml", line, field)
    assert problem in found[0].problem
    assert hint in found[0].hint
    assert str(found[0]).startswith(f"{tmp_path / 'shop.yaml'}:{line}: {field}: ")


def test_an_empty_list_of_recipes_is_told_in_plain_words(tmp_path: Path) -> None:
    found = findings(tmp_path, "name: shop\ndata: {kind: generated}\nrecipes: []\n")
    assert [(one.line, one.field, one.problem) for one in found] == [(3, "recipes", "is empty")]


def test_a_dataset_without_a_file_says_both_ways_out(tmp_path: Path) -> None:
    columns = "{USER_ID: a, ITEM_ID: b, TIMESTAMP: c}"
    text = GOOD.replace("{kind: generated}", f"{{kind: files, interactions: {{path: x.csv, columns: {columns}}}}}")
    (found,) = findings(tmp_path, text)
    assert (found.line, found.field) == (5, "schemas.items")
    assert "add data.items, or remove schemas.items" in found.problem


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", None, "is empty"),
        ("# nothing but a comment\n", None, "is empty"),
        ("- a\n- b\n", 1, "must be a mapping"),
        ("name: shop\ndata:\n\tkind: generated\n", 3, "cannot start any token"),
        ("name: shop\ndata: {kind: generated\n", 3, "expected ',' or '}'"),
        (b"name: shop\n# caf\xe9\n", 2, "not UTF-8"),
        ("a: &x\n  b: *x\n", 1, "contains itself"),
    ],
)
def test_what_is_no_mapping(tmp_path: Path, text: str | bytes, line: int | None, problem: str) -> None:
    found = findings(tmp_path, text)
    assert found[0].line == line
    assert problem in found[0].problem


def test_a_tab_is_explained(tmp_path: Path) -> None:
    assert "spaces" in findings(tmp_path, "data:\n\tkind: generated\n")[0].hint


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    found = findings(tmp_path, GOOD.replace("aws-hrnn", "aws-hrn").replace("0.07", "7").replace("GENRES", "genres"))
    assert [f.field for f in found] == ["schemas.items.0.name", "holdout.share", "recipes.1.recipe"]


CSV = """\
name: shop
data:
  kind: files
  interactions:
    path: log.csv
    columns: {USER_ID: who, ITEM_ID: what, TIMESTAMP: when}
recipes: [aws-popularity-count]
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "problem"),
    [
        ("USER_ID: who", "USERID: who", 6, "data.interactions.columns.USERID", "unknown column of the schema 'USERID'"),
        (", TIMESTAMP: when", "", 6, "data.interactions.columns", "no column of the file is given for TIMESTAMP"),
        (
            "name: shop",
            "name: shop\nschemas: {items: [{name: A, type: int}]}",
            2,
            "schemas.items",
            "no file for the dataset Items",
        ),
        (
            "    path: log.csv",
            "    path: log.csv\n    timestamp: sometimes",
            6,
            "data.interactions.timestamp",
            "not allowed",
        ),
        ("    path: log.csv", "    path: log.csv\n    delimiter: '::'", 6, "data.interactions.delimiter", "at most 1"),
        (
            "recipes:",
            "  items: {path: a.csv, columns: {ITEM_ID: a}}\nrecipes:",
            7,
            "data.items",
            "schemas does not declare items",
        ),
    ],
)
def test_a_mapping_must_fit_the_schemas(
    tmp_path: Path, old: str, new: str, line: int, field: str, problem: str
) -> None:
    load(write(tmp_path, CSV))
    (found,) = findings(tmp_path, CSV.replace(old, new))
    assert (found.line, found.field) == (line, field)
    assert problem in found.problem


def test_a_missing_file_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no such file.*Did you mean 'quickstart'"):
        load_named("quickstrt")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(Path("/nonexistent/shop.yaml"))


@pytest.mark.parametrize("name", names())
def test_the_experiments_shipped_are_valid(name: str) -> None:
    assert load_named(name).name == name


def test_cold_items_have_a_default_share(tmp_path: Path) -> None:
    holdout = load(write(tmp_path, GOOD.replace("{kind: last, share: 0.07}", "{kind: cold, items: newest}"))).holdout
    assert holdout == ColdItems(kind="cold", items="newest", share=Fraction(1, 2))


GENRES = "{name: GENRES, type: string, categorical: true}"


@pytest.mark.parametrize(
    ("schemas", "more", "line", "field", "said"),
    [
        (
            "  interactions:\n    - {name: CABIN, type: string, categorical: true, nullable: true, added: true}",
            "",
            5,
            "schemas.interactions.0.added",
            "to Items and Users only",
        ),
        (
            "  items:\n    - {name: GENRES, type: string, categorical: true, nullable: true, added: true}",
            "",
            5,
            "schemas.items.0.added",
            "those of the first deploy are not",
        ),
        (
            f"  items:\n    - {GENRES}\n    - {{name: YEAR, type: int, added: true}}",
            "",
            6,
            "schemas.items.1.nullable",
            "must be nullable: true",
        ),
        (
            f"  items:\n    - {GENRES}\n    - {{name: YEAR, type: int, nullable: true, added: true}}",
            "filters:\n  - {name: new, expression: 'INCLUDE ItemID WHERE Items.YEAR > 2000'}\n",
            8,
            "filters.0.expression",
            "Items.YEAR is added by a run",
        ),
    ],
)
def test_columns_that_cannot_be_added(
    tmp_path: Path, schemas: str, more: str, line: int, field: str, said: str
) -> None:
    text = f"name: shop\ndata: {{kind: generated}}\nschemas:\n{schemas}\n{more}recipes: [aws-popularity-count]\n"
    (found,) = findings(tmp_path, text)
    assert (found.line, found.field) == (line, field)
    assert said in found.problem


def test_a_filter_may_read_what_was_there_before(tmp_path: Path) -> None:
    text = (
        f"name: shop\ndata: {{kind: generated}}\nschemas:\n  items:\n    - {GENRES}\n"
        "    - {name: YEAR, type: int, nullable: true, added: true}\n"
        "filters:\n  - {name: genre, expression: 'INCLUDE ItemID WHERE Items.GENRES IN (\"x\")'}\n"
        "recipes: [aws-popularity-count]\n"
    )
    assert load(write(tmp_path, text)).schemas.grown == (DatasetKind.ITEMS,)
