"""What names a user in a folder is found and taken out; the data are then as if the source had never had the user."""

from __future__ import annotations

import csv
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import traces

from contract import layout
from contract.manifest import Manifest
from data_prep import publish
from data_prep.prepare import prepare
from experiments.load import load
from privacy import inventory, rewriting
from privacy.command import main
from privacy.places import Folder

YAML = """\
name: shop
data:
  kind: files
  interactions:
    path: visits.csv
    columns: {USER_ID: USER_ID, ITEM_ID: ITEM_ID, TIMESTAMP: TIMESTAMP}
    timestamp: seconds
  users: {path: people.csv, columns: {USER_ID: USER_ID, TOWN: TOWN}}
schemas:
  users: [{name: TOWN, type: string, categorical: true}]
recipes: [aws-popularity-count]
"""
PLAIN = "user-to-be-forgotten"
AWKWARD = [PLAIN, 'a "quoted" one', "one, with a comma", "Jürgen", "<b>&amp;", "back\\slash", "two\nlines", "7"]


def source(folder: Path, user: str, *, without: bool = False) -> Path:
    """An experiment with its source; its file."""
    folder.mkdir(parents=True)
    draw = random.Random(0)
    people = [f"person-{number}" for number in range(40)]
    people.insert(20, user)
    rows = [
        [person, f"item-{draw.randrange(50)}", 1_700_000_000 + step * 1000 + draw.randrange(900)]
        for step in range(30)
        for person in people
    ]
    tables = {
        "visits.csv": [["USER_ID", "ITEM_ID", "TIMESTAMP"], *rows],
        "people.csv": [["USER_ID", "TOWN"], *([person, f"a town, of {len(person)}"] for person in people)],
    }
    for name, table in tables.items():
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows(row for row in table if not (without and row[0] == user))
    (folder / "shop.yaml").write_text(YAML)
    return folder / "shop.yaml"


def published(file: Path, out: Path) -> Manifest:
    work = file.parent / "work"
    work.mkdir(exist_ok=True)
    prepared = prepare(load(file), work, file=file)
    publish.to_folder(prepared, out)
    return prepared.manifest


def manifest(out: Path) -> Manifest:
    return Manifest.from_json(json.loads((out / layout.MANIFEST).read_text()))


@pytest.mark.parametrize("user", AWKWARD)
def test_the_data_are_as_if_the_source_had_never_had_the_user(tmp_path: Path, user: str) -> None:
    before = published(source(tmp_path / "with", user), tmp_path / "out")
    wanted = published(source(tmp_path / "without", user, without=True), tmp_path / "wanted")
    place = Folder(tmp_path / "out")
    found = inventory.look(place, user)
    assert list(found.versions) == [before.version]
    inventory.carry_out(found)
    now = manifest(tmp_path / "out")
    assert now.repeats_share == pytest.approx(wanted.repeats_share)
    assert replace(now, created_at=None, repeats_share=0) == replace(wanted, created_at=None, repeats_share=0)
    assert place.keys() == Folder(tmp_path / "wanted").keys()
    for file in now.files.named.values():
        assert (tmp_path / "out" / file.key).read_bytes() == (tmp_path / "wanted" / file.key).read_bytes()
    assert not inventory.look(place, user).known


def test_versions_that_do_not_count_any_more_are_deleted(tmp_path: Path) -> None:
    old = published(source(tmp_path / "with", PLAIN), tmp_path / "out")
    now = published(source(tmp_path / "without", PLAIN, without=True), tmp_path / "out")
    found = inventory.look(Folder(tmp_path / "out"), PLAIN)
    assert found.summary() == [f"older versions of the data, which are deleted: {old.version}"]
    inventory.carry_out(found)
    assert manifest(tmp_path / "out").version == now.version
    assert traces.in_folder(tmp_path / "out", PLAIN) == []
    assert not (tmp_path / "out" / "data" / old.version).exists()


def run_files(out: Path, user: str, version: str, items: list[str]) -> None:
    """What a run wrote about three users, and about events that two of them sent."""
    users = ["person-1", user, "person-3"]
    values = {"returned": {"precision_at_10": [0.1, 0.2, 0.3]}}
    shown: list[dict[str, Any]] = [{"user": name, "past": [], "future": [], "answers": []} for name in users[:2]]
    probe = {"replayed_events": 3, "before": [], "after": [], "changed": True}
    seen = {
        "recipe": "aws-hrnn",
        "probes_changed": 2,
        "median_seconds": 2.0,
        "probes": [
            {**probe, "user_id": "probe-1", "new_events": items[:3], "seconds": 1.0},
            {**probe, "user_id": "probe-2", "new_events": ["another"], "seconds": 3.0},
        ],
    }
    row = {"per_user": [0.1, 0.2, 0.3], "users_digest": "of three"}
    contents: dict[str, Any] = {
        layout.plan("r"): {"plan": {"run": {"version": version}}},
        layout.events("r"): seen,
        layout.judgement("r", "aws-sims"): {"users": users, "values": values, "lengths": [4, 5, 6], "shown": shown},
        layout.report("r", "json"): {
            "data": {"version": version},
            "recipes": {"aws-sims": row},
            "baselines": {"random": {"per_user": [0.5], "users_digest": "of another"}},
            "examples": shown,
            "events": seen,
        },
    }
    for key, content in contents.items():
        (out / key).parent.mkdir(parents=True, exist_ok=True)
        (out / key).write_text(json.dumps(content, ensure_ascii=False))
    (out / layout.report("r", "html")).write_text("a page of another version of the program")
    answers = out / layout.answers("r", "aws-sims", 0)
    answers.parent.mkdir(parents=True)
    answers.write_text("".join(json.dumps({"user": name, "items": [user]}) + "\n" for name in users[:2]))


def read(out: Path, key: str) -> Any:
    return json.loads((out / key).read_text())


@pytest.mark.parametrize("user", AWKWARD)
def test_runs_lose_the_users_part_and_nothing_else(tmp_path: Path, user: str) -> None:
    out = tmp_path / "out"
    version = published(source(tmp_path / "with", user), out).version
    items = inventory.held_out(Folder(out), version, user)
    run_files(out, user, version, items)
    found = inventory.look(Folder(out), user)
    assert found.probes == {"probe-1"}
    inventory.carry_out(found)
    (answer,) = (out / layout.answers("r", "aws-sims", 0)).read_text().splitlines()
    assert json.loads(answer) == {"user": "person-1", "items": [user]}, "there the id means an item"
    judged = read(out, layout.judgement("r", "aws-sims"))
    assert judged["users"] == ["person-1", "person-3"]
    assert judged["values"] == {"returned": {"precision_at_10": [0.1, 0.3]}}
    assert judged["lengths"] == [4, 6]
    assert [row["user"] for row in judged["shown"]] == ["person-1"]
    report, events = read(out, layout.report("r", "json")), read(out, layout.events("r"))
    for seen in (events, report["events"]):
        assert [probe["user_id"] for probe in seen["probes"]] == ["probe-2"]
        assert (seen["probes_changed"], seen["median_seconds"]) == (1, 3.0)
    assert report["recipes"]["aws-sims"]["per_user"] == [0.1, 0.3]
    assert report["recipes"]["aws-sims"]["users_digest"] != "of three"
    assert report["baselines"]["random"] == {"per_user": [0.5], "users_digest": "of another"}
    assert [row["user"] for row in report["examples"]] == ["person-1"]
    assert not (out / layout.report("r", "html")).exists(), "it cannot be made anew"
    assert not inventory.look(Folder(out), user).known


def test_probes_of_data_that_are_gone_may_be_the_users_but_tell_of_nobody_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    published(source(tmp_path / "with", PLAIN), out)
    run_files(out, "person-2", "a version that is gone", [])
    (out / layout.plan("r")).unlink()
    assert inventory.look(Folder(out), PLAIN).probes == {"probe-1", "probe-2"}
    assert not inventory.look(Folder(out), "nobody").known


def test_a_judgement_of_one_user_and_an_answer_of_one_go_as_a_whole() -> None:
    assert rewriting.answers(b'{"user":"a","items":[]}\n', "a").content is None
    assert rewriting.answers(b'{"user":"a","items":[]}\n', "b").removed == 0


def test_what_is_not_this_projects_is_told_and_left(tmp_path: Path) -> None:
    out = tmp_path / "out"
    published(source(tmp_path / "with", PLAIN), out)
    for name, text in {"raw/visits.csv": PLAIN, "notes.txt": f"call {PLAIN}!", "more.txt": f"{PLAIN}-2"}.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text(text)
    found = inventory.look(Folder(out), PLAIN)
    assert found.sources == ["raw/visits.csv"]
    assert found.others == ["notes.txt"]
    inventory.carry_out(found)
    assert traces.in_folder(out, PLAIN) == ["more.txt", "notes.txt", "raw/visits.csv"]


def test_the_command_shows_first_and_does_it_when_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = source(tmp_path / "with", PLAIN)
    out = tmp_path / "out"
    before = published(file, out)
    asked = ["forget", PLAIN, "--experiment", str(file), "--out", str(out)]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert f"the data: version {before.version}" in said
    assert "The source of the data is yours" in said
    assert manifest(out) == before
    assert main([*asked, "--yes"]) == 0
    assert f"{PLAIN} is forgotten." in capsys.readouterr().out
    assert traces.in_folder(out, PLAIN) == []
    assert main([*asked, "--yes"]) == 2
    assert "nothing names the user" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--experiment", "none-such", "--out", "."], "none-such"),
        (["--experiment", "quickstart", "--out", "no/such/folder"], "there is no folder no/such/folder"),
        (["--experiment", "quickstart", "--out", ".", "-c", "dev"], "write env=NAME"),
        (["--experiment", "quickstart"], "--stack, --out DIR, or both"),
    ],
)
def test_mistakes_are_told(options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["forget", "anybody", *options])
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == 2
    assert told in capsys.readouterr().err
