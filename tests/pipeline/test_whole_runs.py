"""The main job through the synthesized state machine: what the report of a run says, and what a run leaves behind.

The bounds are the ones that the README promises, with room for the seed; the exact figures are in benchmarks/.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from contract.results import JUDGE_METRIC, Comparison, Report
from tests.pipeline.conftest import WholeRun

Runs = Callable[..., WholeRun]
P10 = "precision_at_10"


def _difference(report: Report, a: str, b: str, metric: str) -> Comparison:
    """The comparison a - b, whichever way round it was written."""
    for row in report.comparisons:
        if row.metric == metric and {row.a, row.b} == {a, b}:
            if row.a == a:
                return row
            return Comparison(a=a, b=b, metric=metric, difference=-row.difference, low=-row.high, high=-row.low)
    raise AssertionError(f"no comparison of {a} and {b} by {metric}")


def test_quickstart_succeeds_and_leaves_nothing(whole_run: Runs) -> None:
    run = whole_run("quickstart")
    assert run.code == 0, run.output
    assert "Traceback" not in run.output
    assert (run.folder / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    named = [p for p in psutil.process_iter(["cmdline"]) if str(run.folder) in " ".join(p.info["cmdline"] or [])]
    assert not named


def test_quickstart_recipes_differ_for_reasons_one_can_explain(whole_run: Runs) -> None:
    report = whole_run("quickstart").report
    view = report.judged_by
    assert view == "returned"  # a fifth of the events are repeats
    best_reachable = report.data["best_reachable"][P10]
    hrnn = report.recipes["aws-hrnn"].metrics[view][P10]
    assert hrnn >= 0.8 * best_reachable
    assert report.recipes["aws-popularity-count"].metrics[view][P10] <= 0.4 * best_reachable
    assert _difference(report, "aws-hrnn", "history_first", JUDGE_METRIC).low > 0
    assert report.best == "aws-hrnn"


def test_quickstart_report_says_what_was_trained(whole_run: Runs) -> None:
    report = whole_run("quickstart").report
    assert report.backend == "local"
    for name, row in report.recipes.items():
        assert (row.status, row.recipe_requested, row.recipe_trained) == ("succeeded", name, name)
        assert row.approximation
        assert row.training_seconds is not None
        assert row.solution_version_arn is not None
        assert row.service_metrics["precision_at_10"] >= 0
        for values, intervals in zip(row.metrics.values(), row.confidence.values(), strict=True):
            for metric, (low, high) in intervals.items():
                assert low <= values[metric] <= high
    assert set(report.baselines) == {"popularity", "random", "history_first", "sequential_counts"}


def test_quickstart_events_changed_the_next_recommendations(whole_run: Runs) -> None:
    events = whole_run("quickstart").report.events
    assert events is not None
    changed = [probe for probe in events["probes"] if probe["before"] != probe["after"]]
    assert len(changed) == len(events["probes"])


def test_the_kept_state_opens_again(whole_run: Runs) -> None:
    """The copy of the engine's folder is consistent and holds the trained solution versions."""
    folder = whole_run("quickstart").folder
    states = sorted(folder.glob("*/state"))
    assert len(states) == 1
    databases = [path for path in states[0].rglob("*") if path.suffix in {".db", ".sqlite", ".sqlite3"}]
    assert databases
    with sqlite3.connect(f"file:{databases[0]}?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert list(states[0].rglob("*.npz"))


@pytest.mark.realdata
def test_movielens_100k(whole_run: Runs, test_data: Path) -> None:
    run = whole_run("movielens-hrnn", test_data / "ml-100k")
    assert run.code == 0, run.output
    report = run.report
    assert report.judged_by == "unseen"  # nobody rates a film twice
    unseen = {name: row.metrics["unseen"][P10] for name, row in (report.recipes | report.baselines).items()}
    assert unseen["popularity"] == pytest.approx(0.067, abs=0.002)
    assert unseen["aws-popularity-count"] == pytest.approx(unseen["popularity"], abs=0.002)
    assert unseen["aws-hrnn"] >= 0.14
    assert unseen["aws-hrnn"] > unseen["sequential_counts"]
    assert report.data["counts"]["past"]["interactions"] + report.data["counts"]["future"]["interactions"] == 100_000
