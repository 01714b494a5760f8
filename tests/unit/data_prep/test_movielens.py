"""The three MovieLens layouts: tiny made-up folders, and the real files where they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.recipes import DatasetKind
from data_prep.command import main
from data_prep.errors import DataError
from data_prep.sources.movielens import read_movielens
from data_prep.sources.tables import FrameTable, Source
from experiments.config import Experiment, MovieLens

RATINGS = [(1 + n % 40, 1 + (n * 7) % 90, 1 + n % 5, 900_000_000 + n) for n in range(1600)]


def layout_100k(folder: Path) -> None:
    (folder / "u.data").write_text("".join("\t".join(map(str, row)) + "\n" for row in RATINGS))
    (folder / "u.genre").write_text("unknown|0\nNoir|1\nFarce|2\n\n")
    (folder / "u.item").write_bytes(
        "".join(f"{n}|Café {n} (19{n:02})|01-Jan-1995||http://x|{n % 2}|1|{n % 3 // 2}\n" for n in range(1, 91)).encode(
            "latin-1"
        )
    )
    (folder / "u.user").write_text("".join(f"{n}|{20 + n}|M|baker|00000\n" for n in range(1, 41)))


def layout_1m(folder: Path) -> None:
    (folder / "ratings.dat").write_text("".join("::".join(map(str, row)) + "\n" for row in RATINGS))
    (folder / "movies.dat").write_bytes(
        "".join(f"{n}::Café: {n} (19{n:02})::Noir|Farce\n" for n in range(1, 91)).encode("latin-1")
    )
    (folder / "users.dat").write_text("".join(f"{n}::F::{n}::4::00000\n" for n in range(1, 41)))


def layout_latest(folder: Path) -> None:
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n" + "".join(",".join(map(str, row)) + "\n" for row in RATINGS)
    )
    lines = "".join(
        f'{n},"Café, {n} (19{n:02})",{"(no genres listed)" if n == 1 else "Noir|Farce"}\n' for n in range(1, 91)
    )
    (folder / "movies.csv").write_text("movieId,title,genres\n" + lines, encoding="utf-8")


LAYOUTS = {"ml-100k": layout_100k, "ml-1m": layout_1m, "ml-latest": layout_latest}
ITEMS = [
    {"name": "GENRES", "type": "string", "categorical": True},
    {"name": "TITLE", "type": "string", "textual": True},
    {"name": "YEAR", "type": "int", "nullable": True},
]


def experiment(**given: Any) -> Experiment:
    base = {"name": "films", "data": {"kind": "movielens"}, "recipes": ["aws-popularity-count"]}
    return Experiment.model_validate(base | given)


def read(folder: Path, **given: Any) -> Source:
    chosen = experiment(**given)
    assert isinstance(chosen.data, MovieLens)
    return read_movielens(chosen, chosen.data, file=Path("films.yaml"), data=folder)


def run(folder: Path, tmp_path: Path, yaml: str = "") -> dict[str, Any]:
    file = tmp_path / "films.yaml"
    file.write_text(f"name: films\nrecipes: [aws-popularity-count]\n{yaml or 'data: {kind: movielens}'}\n")
    assert main([str(file), "--data", str(folder), "--out", str(tmp_path / "out")]) == 0
    manifest: dict[str, Any] = json.loads((tmp_path / "out/data/manifest.json").read_text())
    return manifest


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_recognised(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    LAYOUTS[name](folder)
    manifest = run(folder, tmp_path)
    assert manifest["counts"]["past"] == {"interactions": 1440, "users": 40, "items": 90}
    items = read(folder, schemas={"items": ITEMS}).tables[DatasetKind.ITEMS]
    assert isinstance(items, FrameTable)
    row = items.frame.iloc[4]
    assert row["TITLE"].startswith("Café")
    assert (row["ITEM_ID"], row["YEAR"]) == ("5", "1905")
    assert "Noir" in row["GENRES"]


def test_no_genres_are_a_genre_of_their_own(tmp_path: Path) -> None:
    layout_latest(tmp_path)
    items = read(tmp_path, schemas={"items": ITEMS[:1]}).tables[DatasetKind.ITEMS]
    assert isinstance(items, FrameTable)
    assert items.frame["GENRES"][0] == "unknown"


def test_ratings_below_the_minimum_are_dropped(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    layout_1m(folder)
    manifest = run(folder, tmp_path, "data: {kind: movielens, min_rating: 1.5}")
    assert manifest["dropped"] == [
        {"reason": "Interactions: rating below 1.5", "rows": 320, "first_lines": [1, 6, 11, 16, 21]}
    ]


@pytest.mark.parametrize(
    ("name", "schemas", "message"),
    [
        (
            "ml-latest",
            {"users": [{"name": "AGE", "type": "int"}]},
            "USER_ID, which the MovieLens layout ml-latest does",
        ),
        ("ml-1m", {"users": [{"name": "AGES", "type": "int"}]}, "Did you mean AGE"),
        ("ml-100k", {"interactions": [{"name": "EVENT_TYPE", "type": "string"}]}, "declares EVENT_TYPE"),
    ],
)
def test_a_column_that_the_layout_lacks(name: str, schemas: Any, message: str, tmp_path: Path) -> None:
    LAYOUTS[name](tmp_path)
    with pytest.raises(DataError, match=message):
        read(tmp_path, schemas=schemas)


def test_a_malformed_movie_names_its_line(tmp_path: Path) -> None:
    layout_1m(tmp_path)
    with (tmp_path / "movies.dat").open("a") as stream:
        stream.write("91::Alone\n")
    with pytest.raises(DataError, match=r"movies.dat:91: has 2 fields; expected 3"):
        read(tmp_path, schemas={"items": ITEMS})


def test_the_folder_above_is_explained(tmp_path: Path) -> None:
    (tmp_path / "ml-1m").mkdir()
    layout_1m(tmp_path / "ml-1m")
    with pytest.raises(DataError, match=r"Did you mean .*ml-1m"):
        read(tmp_path)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "past", "users", "future_users"),
    [("ml-100k", 89_561, 943, 943), ("ml-1m", 897_450, 6040, 6040), ("ml-latest-small", 90_478, 610, 610)],
)
def test_the_real_files(test_data: Path, tmp_path: Path, name: str, past: int, users: int, future_users: int) -> None:
    manifest = run(
        test_data / name,
        tmp_path,
        "data: {kind: movielens}\nschemas:\n  items: [{name: GENRES, type: string, categorical: true}]",
    )
    assert manifest["counts"]["past"]["interactions"] == past
    assert manifest["counts"]["past"]["users"] == users
    assert manifest["counts"]["future"]["users"] == future_users
    assert manifest["repeats_share"] == 0
    assert manifest["dropped"] == []


@pytest.mark.realdata
def test_users_of_the_real_files(test_data: Path, tmp_path: Path) -> None:
    users = "[{name: AGE, type: int}, {name: OCCUPATION, type: string, categorical: true}]"
    yaml = f"data: {{kind: movielens}}\nschemas: {{users: {users}}}"
    assert run(test_data / "ml-100k", tmp_path, yaml)["files"]["past"]["Users"]["rows"] == 943
