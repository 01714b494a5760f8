"""Files that nobody has described become experiments that run: semicolons and decimal commas, zones, leading zeros."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from contract.recipes import DatasetKind
from data_prep.command import main
from experiments.config import Experiment, Files
from experiments.load import load

Run = Callable[..., tuple[Experiment, dict[str, Any], Path]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """run(file, …options) -> (the experiment, its manifest, the folder of its data), without a word of editing."""

    def call(*given: str | Path) -> tuple[Experiment, dict[str, Any], Path]:
        assert main(["init", *map(str, given), "--into", str(tmp_path)]) == 0, capsys.readouterr().err
        (file,) = tmp_path.glob("*.yaml")
        capsys.readouterr()
        assert main([str(file), "--out", str(tmp_path / "out"), "--json"]) == 0
        manifest = json.loads(capsys.readouterr().out)
        return load(file), manifest, tmp_path / "out" / "data" / manifest["version"] / "past"

    return call


def chosen(experiment: Experiment, kind: DatasetKind) -> dict[str, tuple[str, str]]:
    """{column of the schema: (column of the file, type)}"""
    assert isinstance(experiment.data, Files)
    file = getattr(experiment.data, kind.value.lower())
    types = {column.name: column for column in experiment.schemas.columns(kind) or ()}
    words = ("categorical", "textual")
    return {
        name: (column, next((word for word in words if getattr(types[name], word)), types[name].type))
        for name, column in file.columns.items()
    }


def walk(users: int, items: int, rows: int) -> list[tuple[int, int]]:
    draw = random.Random(1)
    return [((u := draw.randrange(users)), (u * 3 + int(draw.expovariate(0.1))) % items) for _ in range(rows)]


def test_semicolons_decimal_commas_and_dates_with_points(tmp_path: Path, run: Run) -> None:
    draw = random.Random(2)
    prices = [f"{draw.randrange(1, 2)}.{draw.randrange(100, 999)},{draw.randrange(10, 99)}" for _ in range(80)]
    lines = ["Kunden-Nr;Artikel;Kategorie;Preis;Zeitpunkt;Kanal"]
    for user, item in walk(200, 80, 4000):
        at = datetime(2024, 1, 13) + timedelta(minutes=draw.randrange(300_000))
        kind, channel = ("Obst", "Gemüse", "Brot")[item % 3], draw.choice(["Web", "App", "Laden"])
        lines.append(f"{user:05d};A{item:03d};{kind};{prices[item]};{at:%d.%m.%Y %H:%M};{channel}")
    (tmp_path / "Bestellungen 2024.csv").write_text("\n".join(lines) + "\n")
    experiment, manifest, past = run(tmp_path / "Bestellungen 2024.csv")
    assert experiment.name == "bestellungen-2024"
    assert chosen(experiment, DatasetKind.INTERACTIONS) == {
        "USER_ID": ("Kunden-Nr", "string"),
        "ITEM_ID": ("Artikel", "string"),
        "TIMESTAMP": ("Zeitpunkt", "long"),
        "KANAL": ("Kanal", "categorical"),
    }
    assert chosen(experiment, DatasetKind.ITEMS) == {
        "ITEM_ID": ("Artikel", "string"),
        "KATEGORIE": ("Kategorie", "categorical"),
        "PREIS": ("Preis", "double"),
    }
    assert manifest["counts"]["past"]["users"] == 200
    items = pd.read_csv(past / "items.csv", dtype={"ITEM_ID": str}).set_index("ITEM_ID")
    assert items.loc["A007", "PREIS"] == float(prices[7].replace(".", "").replace(",", "."))
    assert "00007" in set(pd.read_csv(past / "interactions.csv", dtype=str)["USER_ID"])


def test_moments_with_zones_in_a_packed_file(tmp_path: Path, run: Run) -> None:
    draw = random.Random(3)
    zone = timezone(timedelta(hours=2))
    lists = [";".join(draw.sample(["rock", "pop", "jazz", "folk", "soul"], draw.randrange(1, 4))) for _ in range(150)]
    lines = ["listenerId,trackUri,playedAt,device,country,genres,title"]
    for user, item in walk(300, 150, 5000):
        at = datetime(2023, 5, 1, tzinfo=zone) + timedelta(minutes=draw.randrange(200_000))
        row = (f"l-{user}", f"track:{item}", at.isoformat(), draw.choice(["phone", "car", ""]))
        lines.append(",".join([*row, ("DE", "FR", "US")[user % 3], lists[item], f'"Song, the {item}th"']))
    first = datetime.fromisoformat(lines[1].split(",")[2])
    with gzip.open(tmp_path / "plays.csv.gz", "wt") as stream:
        stream.write("\n".join(lines) + "\n")
    experiment, _, past = run(tmp_path / "plays.csv.gz")
    assert chosen(experiment, DatasetKind.INTERACTIONS)["DEVICE"] == ("device", "categorical")
    assert chosen(experiment, DatasetKind.USERS) == {
        "USER_ID": ("listenerId", "string"),
        "COUNTRY": ("country", "categorical"),
    }
    assert set(chosen(experiment, DatasetKind.ITEMS)) == {"ITEM_ID", "GENRES"}, "a title only names its item"
    assert experiment.context == ("DEVICE",)
    titles = pd.read_csv(past.parent / "titles.csv").set_index("ITEM_ID")["TITLE"]
    assert titles["track:9"] == "Song, the 9th"
    genres = pd.read_csv(past / "items.csv").set_index("ITEM_ID")["GENRES"]
    assert genres["track:9"] == lists[9].replace(";", "|")
    times = pd.concat([pd.read_csv(path)["TIMESTAMP"] for path in past.parent.glob("*/interactions.csv")])
    assert int(first.timestamp()) in set(times)


def test_ids_with_leading_zeros_milliseconds_and_a_file_of_items(tmp_path: Path, run: Run) -> None:
    draw = random.Random(4)
    catalogue = ["sku,label,colour,weight,added,description"]
    for item in range(120):
        text = f'"A thing, that is very good for many purposes, and for others as well, number {item}"'
        catalogue.append(
            f"{item:06d},Thing {item},{('red', 'green', 'blue')[item % 3]},{1 + item / 7:.3f},"
            f"2020-0{1 + item % 9}-11,{text}"
        )
    (tmp_path / "catalogue.csv").write_text("\n".join(catalogue) + "\n")
    kinds = ["view", "view", "cart", "buy"]
    log = ["ts,visitor,product,event"]
    for user, item in walk(400, 120, 6000):
        log.append(f"{1_690_000_000_000 + draw.randrange(10**10)},{user:04d},{item:06d},{draw.choice(kinds)}")
    (tmp_path / "events.csv").write_text("\n".join(log) + "\n")
    experiment, _, past = run(tmp_path / "events.csv", "--items", tmp_path / "catalogue.csv")
    assert chosen(experiment, DatasetKind.INTERACTIONS)["EVENT_TYPE"] == ("event", "string")
    assert chosen(experiment, DatasetKind.ITEMS) == {
        "ITEM_ID": ("sku", "string"),
        "COLOUR": ("colour", "categorical"),
        "WEIGHT": ("weight", "double"),
        "CREATION_TIMESTAMP": ("added", "long"),
        "DESCRIPTION": ("description", "textual"),
    }
    items = pd.read_csv(past / "items.csv", dtype={"ITEM_ID": str}).set_index("ITEM_ID")
    assert items.loc["000003", "CREATION_TIMESTAMP"] == int(datetime(2020, 4, 11, tzinfo=UTC).timestamp())
    rows = pd.read_csv(past / "interactions.csv", dtype=str)
    assert rows["ITEM_ID"].str.len().eq(6).all()
    assert rows["TIMESTAMP"].str.len().eq(10).all()


def test_parquet(tmp_path: Path, run: Run) -> None:
    rows = walk(100, 50, 2000)
    frame = pd.DataFrame(rows, columns=["customer_id", "product_id"])
    frame["bought_at"] = pd.Timestamp("2024-02-01T00:00:00Z") + pd.to_timedelta(range(len(frame)), unit="min")
    frame["quantity"] = [1 + k % 90 for k in range(len(frame))]
    frame.to_parquet(tmp_path / "orders.parquet")
    experiment, manifest, past = run(tmp_path / "orders.parquet")
    assert chosen(experiment, DatasetKind.INTERACTIONS)["TIMESTAMP"] == ("bought_at", "long")
    assert manifest["counts"]["past"]["interactions"] + manifest["counts"]["future"]["interactions"] == 2000
    first = pd.read_csv(past / "interactions.csv")["TIMESTAMP"].min()
    assert first == int(pd.Timestamp("2024-02-01T00:00:00Z").timestamp())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b,c\n1,2,x\n", "no column holds a moment in every row. Name it with --time COLUMN"),
        (
            "when,b,c\n2024-01-02,2,x\n2024-01-03,3,y\n",
            "no column can be told to be the user. Name it with --user COLUMN",
        ),
        ("", "is empty"),
    ],
)
def test_what_cannot_be_seen_is_asked_for(
    content: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log.csv").write_text(content)
    assert main(["init", str(tmp_path / "log.csv"), "--into", str(tmp_path)]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


def test_an_experiment_is_not_overwritten(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["user,item,time", *(f"u{u},i{i},{1_700_000_000 + k}" for k, (u, i) in enumerate(walk(50, 40, 1500)))]
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    run(tmp_path / "log.csv")
    before = (tmp_path / "log.yaml").read_text()
    assert main(["init", str(tmp_path / "log.csv"), "--into", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "log.csv"), "--into", str(tmp_path), "--force"]) == 0
    assert (tmp_path / "log.yaml").read_text() == before
