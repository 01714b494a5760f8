"""Bad data: a clear error with file and line, exit code 2, no traceback, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from data_prep.command import main

YAML = """\
name: shop
data:
  kind: files
  interactions:
    path: log.csv
    columns: {USER_ID: who, ITEM_ID: what, TIMESTAMP: when}
recipes: [aws-popularity-count]
"""
WITH_ITEMS = YAML.replace(
    "recipes:", "  items: {path: items.csv, columns: {ITEM_ID: id, PRICE: price, GENRES: kinds}}\nrecipes:"
)
WITH_ITEMS = WITH_ITEMS.replace(
    "recipes:",
    "schemas:\n  items:\n    - {name: PRICE, type: int, nullable: true}\n"
    "    - {name: GENRES, type: string, categorical: true}\nrecipes:",
)

GENERATED = "name: shop\ndata: {kind: generated}\nrecipes: [aws-sims]\n"

Run = Callable[..., tuple[int, str]]


def log(users: int = 60, each: int = 20, start: int = 1_700_000_000) -> list[str]:
    """A good file: its lines, the header first."""
    return [
        "who,what,when",
        *(f"u{u},i{(u * 7 + k) % 90},{start + 60 * (u + 100 * k)}" for k in range(each) for u in range(users)),
    ]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """run(lines or bytes, yaml=…, items=…) -> (exit code, what was printed on standard error, in one line)."""

    def call(content: list[str] | bytes | None, *, yaml: str = YAML, items: str | None = None) -> tuple[int, str]:
        (tmp_path / "shop.yaml").write_text(yaml)
        if content is not None:
            raw = content if isinstance(content, bytes) else ("\n".join(content) + "\n").encode()
            (tmp_path / "log.csv").write_bytes(raw)
        if items is not None:
            (tmp_path / "items.csv").write_text(items)
        before = set(tmp_path.rglob("*"))
        code = main([str(tmp_path / "shop.yaml"), "--out", str(tmp_path / "out")])
        captured = capsys.readouterr()
        said = " ".join((captured.err + captured.out).split()).replace(str(tmp_path) + "/", "")
        if code:
            assert set(tmp_path.rglob("*")) == before
        return code, said

    return call


def test_good_data(run: Run, tmp_path: Path) -> None:
    code, said = run(log())
    assert code == 0
    assert "1,200" in said
    assert (tmp_path / "out/data/manifest.json").is_file()


def changed(line: int, text: str) -> list[str]:
    """A good file with another text on that line (1 is the header)."""
    lines = log()
    lines[line - 1] = text
    return lines


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "log.csv: no such file"),
        (b"", "log.csv:1: is empty"),
        (["who,what,when"], "log.csv: has no rows"),
        (changed(1, "who,what,time"), "log.csv:1: has no column 'when', which TIMESTAMP is read from. There are: who"),
        (changed(1, "who,whatt,when"), "Did you mean 'whatt'?"),
        (changed(1, "who;what;when"), "write `delimiter: ';'`"),
        (changed(1, "who,what,who"), "log.csv:1: has two columns 'who'"),
        (changed(7, "u1,i1"), "log.csv:7: has 2 fields; expected 3"),
        (changed(7, "u1,i1,5,6"), "log.csv:7: has 4 fields; expected 3"),
        (changed(9, "u1,i1,soon"), "log.csv:9: TIMESTAMP: is not a whole number of seconds"),
        (changed(9, "u1,i1,17.5"), "log.csv:9: TIMESTAMP: is not a whole number of seconds"),
        (changed(9, "u1,i1,-4"), "log.csv:9: TIMESTAMP: '-4' lies before 1970"),
        (changed(9, f"{'u' * 257},i1,4"), "log.csv:9: USER_ID: 'uuu"),
        (log(users=30, each=20), "there are only 600 interactions; Amazon Personalize trains on at least 1,000"),
        (log(users=20, each=90), "there are only 20 users with two or more interactions"),
        (log(users=60, each=18), "hold-out (kind last, share 1/10) leaves a past of only 960 interactions"),
        (log(start=1_700_000_000_000), "log.csv:2: TIMESTAMP: '1700000000000' is in milliseconds"),
        ("\n".join(log()).replace("u3,i21", "u3,caf\xe9").encode("latin-1"), "log.csv:5: is not UTF-8"),
        ("\n".join(log()).replace("who", "wh\xf6").encode("latin-1"), "log.csv:1: is not UTF-8"),
    ],
)
def test_bad_interactions(run: Run, content: list[str] | bytes | None, expected: str) -> None:
    code, said = run(content)
    assert code == 2
    assert expected in said
    assert "Traceback" not in said


def test_milliseconds_come_with_the_fix(run: Run) -> None:
    in_milliseconds = [log()[0], *(line + "000" for line in log()[1:])]
    code, said = run(in_milliseconds)
    assert code == 2
    assert "Write `timestamp: milliseconds`" in said
    fixed = YAML.replace("path: log.csv", "path: log.csv\n    timestamp: milliseconds")
    assert run(in_milliseconds, yaml=fixed)[0] == 0


def test_many_bad_rows_are_counted_and_the_first_shown(run: Run) -> None:
    lines = log()
    for line in (3, 8, 700, 701, 702, 703):
        lines[line - 1] = "u1,i1,later"
    _, said = run(lines)
    assert "log.csv:3: TIMESTAMP" in said
    assert "(6 rows, the first on lines 3, 8, 700, 701, 702)" in said


def test_lines_are_counted_past_empty_ones_and_line_breaks_in_quotes(run: Run) -> None:
    lines = log()
    lines[4] = '"u\n1",i1,1700000000'
    lines[6] = ""
    lines[9] = "u1,i1,later"
    assert "log.csv:11: TIMESTAMP" in run(lines)[1]


def test_empty_cells_are_dropped_and_duplicates_kept_once(run: Run, tmp_path: Path) -> None:
    lines = [*log(), ",i1,1700000000", "u1,,1700000000", "u1,i1,", "u2,i2,", log()[1], log()[1]]
    code, said = run(lines)
    assert code == 0
    assert "dropped 1 Interactions: USER_ID is empty (line 1202)" in said
    assert "dropped 2 Interactions: TIMESTAMP is empty (lines 1204, 1205)" in said
    assert "duplicates 2 Interactions equal to an earlier row in every field: kept once" in said
    assert sum(len(p.read_text().splitlines()) - 1 for p in (tmp_path / "out/data").rglob("interactions.csv")) == 1200


GOOD_ITEMS = "id,price,kinds\n" + "".join(f"i{n},{n},a|b\n" for n in range(90))


def test_good_items(run: Run) -> None:
    assert run(log(), yaml=WITH_ITEMS, items=GOOD_ITEMS.replace("i4,4,", "i4,,"))[0] == 0


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("i4,4,a|b", "i4,cheap,a|b", "items.csv:6: PRICE: is not a whole number, but the schema says int"),
        ("i4,4,a|b", "i4,4,", "items.csv:6: GENRES: is empty, but the schema does not allow that"),
        ("i4,4,a|b", f"i4,4,{'a' * 1001}", "has more than 1,000 characters"),
        ("i4,4,a|b", "i3,4,a|b", "items.csv:5: ITEM_ID: 'i3' is described differently on lines 5, 6"),
        ("id,price", "id,prize", "items.csv:1: has no column 'price', which PRICE is read from. Did you mean 'prize'?"),
    ],
)
def test_items_that_disagree_with_the_schema(run: Run, old: str, new: str, expected: str) -> None:
    code, said = run(log(), yaml=WITH_ITEMS, items=GOOD_ITEMS.replace(old, new, 1))
    assert code == 2
    assert expected in said


def test_equal_items_are_kept_once(run: Run, tmp_path: Path) -> None:
    code, said = run(log(), yaml=WITH_ITEMS, items=GOOD_ITEMS + "i4,4,a|b\n")
    assert code == 0
    assert "1 Items: equal to an earlier row" in said


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        (YAML.replace("popularity-count", "popularty-count"), "shop.yaml:7: recipes.0.recipe: unknown recipe"),
        (YAML + "holdouts: {}\n", "shop.yaml:8: holdouts: unknown field. Did you mean 'holdout'?"),
        (
            GENERATED.replace("recipes", "schemas: {items: [{name: COLOUR, type: int}]}\nrecipes"),
            "Items.COLOUR: the schema declares COLOUR, which the generated data does not have. There are: ITEM_ID,",
        ),
        (
            GENERATED.replace("generated", "generated, users: 50, events_per_user: 5"),
            "Amazon Personalize trains on at least 1,000",
        ),
        (YAML + "holdout: {kind: after, timestamp: 1900000000}\n", "leaves no interaction for the future"),
        (
            GENERATED.replace("kind: generated", "kind: movielens"),
            "needs a folder of MovieLens data. Pass --data FOLDER",
        ),
        (GENERATED.replace("kind: generated", "kind: movielens, path: nowhere"), "nowhere: no such folder"),
        (GENERATED.replace("kind: generated", "kind: movielens, path: ."), "is not in a MovieLens layout"),
    ],
)
def test_bad_experiments(run: Run, yaml: str, expected: str) -> None:
    code, said = run(log(), yaml=yaml)
    assert code == 2
    assert expected in said


def test_times_in_other_forms(run: Run, tmp_path: Path) -> None:
    days = [log()[0], *(f"u{u},i{(u + k) % 90},{k + 1:02}/03/2024" for k in range(20) for u in range(60))]
    assert "is not a whole number of seconds" in run(days)[1]
    code, said = run(days, yaml=YAML.replace("path: log.csv", "path: log.csv\n    timestamp: '%d/%m/%Y'"))
    assert code == 0, said
    past = next((tmp_path / "out/data").rglob("past/interactions.csv")).read_text().splitlines()
    assert past[1] == "u0,i0,1709251200"
    code, said = run([*days, "u1,i1,1 March"], yaml=YAML.replace("path: log.csv", "path: log.csv\n    timestamp: iso"))
    assert code == 2
    assert "is not a time written as ISO 8601" in said


def test_an_unknown_option_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["quickstart", "-c", "stage=prod"])
    assert stopped.value.code == 2
    assert "write env=NAME" in capsys.readouterr().err
