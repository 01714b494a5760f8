"""python -m estimate: the table, the limit, and what it says where it cannot estimate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from estimate.command import main
from estimate.planned import planned
from experiments.load import load_named

EXPERIMENT = """\
name: tiny
data: {kind: generated, users: 100, items: 60, events_per_user: 30}
recipes: [aws-hrnn, aws-user-personalization-v2]
"""


@pytest.fixture(autouse=True)
def _no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def written(folder: Path, more: str = "") -> str:
    path = folder / "tiny.yaml"
    path.write_text(EXPERIMENT + more, encoding="utf-8")
    return str(path)


def test_the_table_has_a_range_and_its_assumptions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([written(tmp_path)]) == 0
    said = capsys.readouterr().out
    for part in ("training hours", "Training of v2 recipes", "All of it", "us-east-1", "Assumptions", "max_cost"):
        assert part in said
    assert "aws-user-personalization," in said, "aws-hrnn is trained as its successor"


def test_above_the_limit_it_says_what_to_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([written(tmp_path, "max_cost: 0.05\n")]) == 1
    assert "max_cost allows $0.05" in capsys.readouterr().err


def test_programs_read_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([written(tmp_path), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["data"]["past_interactions"] > 1000
    assert [row["recipe"] for row in value["work"]["trainings"]] == [
        "aws-user-personalization",
        "aws-user-personalization-v2",
    ]


def test_without_prices_nothing_is_estimated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([written(tmp_path), "--region", "eu-west-1"]) == 2
    assert "costs/prices.json has no prices for eu-west-1" in capsys.readouterr().err


def test_an_unknown_experiment_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quickstrat"]) == 2
    assert "quickstart" in capsys.readouterr().err


def test_events_are_tried_where_the_run_tries_them() -> None:
    work = planned(load_named("quickstart"), region="us-east-1")
    assert [campaign.subject for trained in work.trainings for campaign in trained.campaigns if campaign.probed] == [
        "aws-hrnn"
    ]
