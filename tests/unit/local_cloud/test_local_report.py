"""The comparison that the run prints."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
from rich.console import Console

from contract.recipes import RECIPES
from contract.results import BaselineResult, RecipeResult, Report
from local_cloud import report

NDCG, P10, MRR = report.SHOWN["normalized_discounted_cumulative_gain_at_10"], "P@10", "MRR@25"
METRICS = {
    "precision_at_10": 0.25,
    "normalized_discounted_cumulative_gain_at_10": 0.5,
    "mean_reciprocal_rank_at_25": 0.75,
}


def made() -> Report:
    good = RecipeResult(
        recipe_requested="aws-hrnn",
        recipe_trained="aws-hrnn",
        approximation=True,
        question="user",
        status="succeeded",
        training_seconds=12.34,
        metrics={"unseen": METRICS},
        confidence={"unseen": {metric: [value - 0.1, value + 0.1] for metric, value in METRICS.items()}},
    )
    bad = RecipeResult(
        recipe_requested="aws-sims",
        recipe_trained="aws-sims",
        approximation=True,
        question="item",
        status="failed",
        failure_reason="too few interactions",
    )
    return Report(
        experiment="quickstart",
        run_id="r",
        backend="local",
        started_at="",
        finished_at="",
        data={},
        hold_out={},
        evaluated_users=600,
        judged_by="unseen",
        recipes={"aws-sims": bad, "aws-hrnn": good},
        baselines={"history_first": BaselineResult(metrics={"unseen": {"precision_at_10": 0.125}})},
        comparisons=[],
        best="aws-hrnn",
    )


def shown(value: Report) -> str:
    console = Console(file=io.StringIO(), width=80)
    report.show(console, value, verdict="aws-hrnn leads clearly.", paths=[Path("out/report.html")])
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_figures_have_their_intervals_and_the_best_comes_first() -> None:
    lines = shown(made()).splitlines()
    best = next(i for i, line in enumerate(lines) if "aws-hrnn≈" in line)
    assert ".250 .150–.350" in lines[best]
    assert ".500 .400–.600" in lines[best]
    assert "12 s" in lines[best]
    assert best < next(i for i, line in enumerate(lines) if "aws-sims" in line)


def test_a_failed_recipe_a_missing_figure_the_marks_and_the_verdict_are_told() -> None:
    text = shown(made())
    assert "aws-sims failed: too few interactions" in text
    assert "history first" in text
    assert "–" in text
    assert "local approximation" in text
    assert "aws-hrnn leads clearly." in text
    assert "out/report.html" in text


def test_a_long_name_fits_into_eighty_columns_and_a_long_path_is_not_broken() -> None:
    value = made()
    longest = max(RECIPES, key=len)
    value.recipes[longest] = value.recipes["aws-hrnn"]
    row = next(line for line in shown(value).splitlines() if line.strip().startswith(f"{longest}≈ "))
    assert row.endswith("12 s")
    console = Console(file=io.StringIO(), width=80)
    path = Path("/a folder") / ("long " * 20) / "report.html"
    report.show(console, value, verdict=None, paths=[path])
    assert f"  {path}\n" in console.file.getvalue()  # type: ignore[attr-defined]


class Bucket:
    """As much of S3 and of the local cloud as `fetch` uses."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def client(self, service: str) -> Any:
        return self

    def download_file(self, bucket: str, key: str, path: str) -> None:
        if key not in self.objects:
            raise botocore.exceptions.ClientError({"Error": {"Code": "404", "Message": "Not Found"}}, "HeadObject")
        Path(path).write_bytes(self.objects[key])


def test_the_share_of_what_is_reachable_is_told_where_the_data_know_it() -> None:
    value = made()
    assert report.reached(value) is None
    value.data["best_reachable"] = {"precision_at_10": 0.3125}
    assert report.reached(value) == ("Best reachable P@10 by the generator's own rules: .312. Of that: aws-hrnn 80%")


def test_a_recipe_that_was_asked_another_question_stands_apart() -> None:
    value = made()
    value.recipes["aws-sims"].status = "succeeded"
    value.recipes["aws-sims"].metrics = {"unseen": dict.fromkeys(METRICS, 0.9)}
    console = Console(file=io.StringIO(), width=100)
    console.print(report.comparison(value))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.index("aws-hrnn") < text.index("another question") < text.index("aws-sims")
    value.recipes["aws-trending-now"] = value.recipes["aws-hrnn"]
    text = shown(value)
    assert text.index("another question") < text.index("aws-trending-now"), "not personal: of another type"


def test_what_is_there_is_fetched_and_copied_as_the_newest(tmp_path: Path) -> None:
    text = json.dumps(made().to_json()).encode()
    cloud: Any = Bucket({"reports/r/report.json": text})
    fetched = report.fetch(cloud, bucket="b", run_id="r", out=tmp_path)
    assert fetched == [tmp_path / "r" / "report.json"]
    assert (tmp_path / "report.json").read_bytes() == text
    assert report.read(fetched[0]) == made()


def test_an_error_that_is_not_absence_is_raised(tmp_path: Path) -> None:
    class Denied(Bucket):
        def download_file(self, bucket: str, key: str, path: str) -> None:
            raise botocore.exceptions.ClientError({"Error": {"Code": "403", "Message": "no"}}, "HeadObject")

    cloud: Any = Denied({})
    with pytest.raises(botocore.exceptions.ClientError):
        report.fetch(cloud, bucket="b", run_id="r", out=tmp_path)
