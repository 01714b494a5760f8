"""The preparation on Spark: the same files, the same version and the same messages as on DuckDB."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from data_prep.command import main as command
from data_prep.errors import DataError
from data_prep.prepare import Prepared, prepare
from experiments.load import load

# PySpark leaves closing its sockets of collected rows to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:.*socket.socket:pytest.PytestUnraisableExceptionWarning")

SHOP: dict[str, Any] = {
    "name": "shop",
    "data": {
        "kind": "files",
        "interactions": {"path": "log.csv", "columns": {"USER_ID": "who", "ITEM_ID": "what", "TIMESTAMP": "when"}},
    },
    "recipes": ["aws-popularity-count"],
}
RICH: dict[str, Any] = {
    "name": "rich",
    "data": {
        "kind": "files",
        "interactions": {
            "path": "log.csv",
            "columns": {"USER_ID": "who", "ITEM_ID": "what", "TIMESTAMP": "when", "DEVICE": "device"},
        },
        "items": {
            "path": "items.csv",
            "columns": {"ITEM_ID": "id", "PRICE": "price", "GENRES": "kinds"},
            "lists": {"GENRES": ","},
            "title": "title",
        },
        "users": {"path": "users.csv", "columns": {"USER_ID": "user", "AGE": "age", "MEMBER": "member"}},
    },
    "schemas": {
        "interactions": [{"name": "DEVICE", "type": "string", "categorical": True, "nullable": True}],
        "items": [
            {"name": "PRICE", "type": "int", "nullable": True},
            {"name": "GENRES", "type": "string", "categorical": True},
        ],
        "users": [{"name": "AGE", "type": "float"}, {"name": "MEMBER", "type": "boolean", "nullable": True}],
    },
    "recipes": ["aws-user-personalization"],
}
HOLDOUTS: dict[str, dict[str, Any]] = {
    "last": {"kind": "last", "share": "1/10"},
    "after": {"kind": "after", "timestamp": 1_700_000_000 + 60 * 1_650},
    "cold, random": {"kind": "cold", "items": "random", "share": "1/10", "seed": 3},
    "cold, newest": {"kind": "cold", "items": "newest", "share": "1/10"},
}


def log(device: bool = False) -> list[str]:
    """A good file of interactions with ties in time, the header first."""
    rows = [
        f"u{u},i{(u * 7 + k) % 90},{1_700_000_000 + 60 * (u // 3 + 100 * k)}" + (f",d{u % 3}" if device else "")
        for k in range(20)
        for u in range(60)
    ]
    return ["who,what,when" + (",device" if device else ""), *rows]


def prepared(folder: Path, experiment: dict[str, Any], engine: Any = None) -> Prepared:
    work = folder / ("spark" if engine else "duckdb")
    work.mkdir()
    file = folder / f"{experiment['name']}.yaml"
    file.write_text(yaml.safe_dump(experiment))
    more = {"engine": engine} if engine else {}
    return prepare(load(file), work, file=file, **more)


def on_spark(spark: Any, folder: Path) -> Any:
    from data_prep.spark import SparkDatabase

    return lambda work: SparkDatabase(spark, work, scratch=str(folder / "scratch"))


def same_files(spark: Any, folder: Path, experiment: dict[str, Any]) -> Prepared:
    """Prepares on both engines and compares what is published; returns Spark's."""
    here = prepared(folder, experiment)
    there = prepared(folder, experiment, on_spark(spark, folder))
    assert set(there.files) == set(here.files)
    for key, file in here.files.items():
        assert there.files[key].read_bytes() == file.read_bytes(), key
    assert replace(there.manifest, created_at="") == replace(here.manifest, created_at="")
    assert not (folder / "scratch").exists()
    return there


@pytest.mark.parametrize("holdout", HOLDOUTS)
def test_every_hold_out_gives_the_same_files(spark: Any, tmp_path: Path, holdout: str) -> None:
    lines = log()
    lines[9] = lines[8]  # a duplicate
    lines[11] = ""
    lines[13] = ",i1,1700000000"
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    done = same_files(spark, tmp_path, SHOP | {"holdout": HOLDOUTS[holdout]})
    assert done.manifest.duplicates == 1
    assert [(entry.rows, entry.first_lines) for entry in done.manifest.dropped] == [(1, [14])]


def test_items_users_and_titles_are_the_same(spark: Any, tmp_path: Path) -> None:
    lines = log(device=True)
    lines[5] = lines[5].rsplit(",", 1)[0] + ","
    lines[6] = '"u\n""1""","i,1",1700000000,"d 1 "'  # a line break, quotes, a delimiter, spaces
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    items = [f'i{n},{n if n % 4 else ""},"a , b,c",Title {n}' for n in range(90)]
    items[3] = 'i3,3,"é","The ""third"", at last"'
    (tmp_path / "items.csv").write_text("\n".join(["id,price,kinds,title", *items, items[7]]) + "\n")
    users = [f"u{n},{20 + n / 4},{('true', 'no', '')[n % 3]}" for n in range(60)]
    (tmp_path / "users.csv").write_text("\n".join(["user,age,member", *users]) + "\n")
    same_files(spark, tmp_path, RICH)


def test_moments_and_parquet_are_read_alike(spark: Any, tmp_path: Path) -> None:
    rows = [line.split(",") for line in log()[1:]]
    moments = pd.to_datetime([int(when) for _, _, when in rows], unit="s", utc=True)
    frame = pd.DataFrame([row[:2] for row in rows], columns=["who", "what"])
    frame.assign(when=moments.strftime("%Y-%m-%dT%H:%M:%S+02:00")).to_parquet(tmp_path / "log.parquet")
    data = SHOP["data"] | {"interactions": SHOP["data"]["interactions"] | {"path": "log.parquet", "timestamp": "iso"}}
    same_files(spark, tmp_path, SHOP | {"data": data})


def test_generated_data(spark: Any, tmp_path: Path) -> None:
    generated = {"name": "made", "data": {"kind": "generated"}, "recipes": ["aws-popularity-count"]}
    same_files(spark, tmp_path, generated)


def _changed(line: int, text: str) -> str:
    lines = log()
    lines[line - 1] = text
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"who,what,when\n", id="no rows"),
        pytest.param(_changed(7, "u1,i1").encode(), id="too few fields"),
        pytest.param(_changed(7, "u1,i1,5,6").encode(), id="too many fields"),
        pytest.param(_changed(9, "u1,i1,soon").encode(), id="no number"),
        pytest.param(_changed(9, "u1,i1,17.5").encode(), id="no whole number"),
        pytest.param(_changed(9, "u1,i1,-4").encode(), id="before 1970"),
        pytest.param(_changed(9, "u1,i1,1700000000000").encode(), id="milliseconds"),
        pytest.param(_changed(9, f"{'u' * 257},i1,4").encode(), id="long id"),
        pytest.param(_changed(5, "u3,caf\xe9,1700000000").encode("latin-1"), id="not UTF-8"),
        pytest.param(_changed(7, "\n\nu1,i1,later").encode(), id="after empty lines"),
        pytest.param("\n".join(log()[:700]).encode(), id="too few rows"),
    ],
)
def test_broken_interactions_are_told_alike(spark: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(DataError) as here:
        prepared(tmp_path, SHOP)
    with pytest.raises(DataError) as there:
        prepared(tmp_path, SHOP, on_spark(spark, tmp_path))
    assert str(there.value) == str(here.value)
    assert str(tmp_path / "log.csv") in str(there.value)


def test_items_described_twice_are_told_alike(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("\n".join(log(device=True)) + "\n")
    (tmp_path / "items.csv").write_text("id,price,kinds,title\ni1,1,a,A\ni1,2,a,A\n")
    (tmp_path / "users.csv").write_text("user,age,member\nu1,3,\n")
    said = []
    for engine in (None, on_spark(spark, tmp_path)):
        with pytest.raises(DataError) as told:
            prepared(tmp_path, RICH, engine)
        said.append(str(told.value))
    assert "'i1' is described differently on lines 2, 3" in said[1]
    assert said[0] == said[1]


def test_the_glue_script_publishes_what_the_command_does(spark: Any, tmp_path: Path) -> None:
    """The very script with the arguments that the stack's job has, those of Glue's own among them."""
    from data_prep import glue

    raw = tmp_path / "raw"
    raw.mkdir()
    with gzip.open(raw / "log.csv.gz", "wt") as stream:
        stream.write("\n".join(log()) + "\n")
    data = SHOP["data"] | {"interactions": SHOP["data"]["interactions"] | {"path": "log.csv.gz"}}
    (raw / "shop.yaml").write_text(yaml.safe_dump(SHOP | {"data": data}))
    assert command([str(raw / "shop.yaml"), "--out", str(tmp_path / "here")]) == 0

    def arguments(out: str) -> list[str]:
        given = {"experiment": raw / "shop.yaml", "data": raw, "scratch": tmp_path / "scratch", "out": tmp_path / out}
        ours = [part for name, value in given.items() for part in (f"--{name}", str(value))]
        return [*ours, "--JOB_NAME", "shop-prepare", "--custom-logGroup-prefix", "/aws-glue/shop"]

    glue.main(arguments("there"))
    files = sorted(path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*.csv"))
    assert len(files) == 2
    for file in files:
        assert (tmp_path / "there" / file).read_bytes() == (tmp_path / "here" / file).read_bytes()
    assert not list((tmp_path / "scratch").glob("*"))

    with gzip.open(raw / "log.csv.gz", "wt") as stream:
        stream.write(_changed(9, "u1,i1,soon"))
    with pytest.raises(SystemExit) as ended:
        glue.main(arguments("nowhere"))
    assert str(ended.value).startswith(f"{raw}/log.csv.gz:9: TIMESTAMP: is not a whole number of seconds")
    assert not (tmp_path / "nowhere").exists()
