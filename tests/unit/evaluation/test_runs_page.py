"""Past runs on one page: what is listed, what may be compared in pairs, and what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from report_examples import aws_report, local_report

from contract.results import Report
from evaluation.between_runs import Paired, differing_settings, paired
from evaluation.runs import PAGE, main

NAME = "aws-hrnn"


def with_users(report: Report, level: float, *, digest: str = "same") -> Report:
    report.data["version"] = "v1"
    for row in (*report.recipes.values(), *report.baselines.values()):
        row.per_user = [level + place / 1000 for place in range(100)]
        row.users_digest = digest
    return report


def keep(folder: Path, run: str, report: Report) -> None:
    path = folder / report.experiment / run / "report.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(report.to_json()))


def test_the_same_users_are_compared_in_pairs() -> None:
    found = paired(with_users(local_report(), 0.1), with_users(local_report(), 0.15), [NAME])[NAME]
    assert isinstance(found, Paired)
    assert found.difference == pytest.approx(0.05)
    assert found.low == pytest.approx(found.high, abs=1e-9)
    assert found.clear


def _other_data(report: Report) -> None:
    report.data["version"] = "v2"


def _other_users(report: Report) -> None:
    with_users(report, 0.1, digest="other")


def _older(report: Report) -> None:
    report.recipes[NAME].per_user = []


def _other_hold_out(report: Report) -> None:
    report.hold_out = {"kind": "after", "moment": 1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_other_data, "different data"),
        (_other_users, "different users"),
        (_older, "no values per user"),
        (_other_hold_out, "held out different"),
        (lambda report: report.recipes.pop(NAME), "only one run"),
    ],
)
def test_what_cannot_be_paired_says_why(change: Callable[[Report], object], said: str) -> None:
    other = with_users(local_report(), 0.1)
    change(other)
    why = paired(with_users(local_report(), 0.1), other, [NAME])[NAME]
    assert isinstance(why, str)
    assert said in why


def test_settings_that_differ_are_listed_and_only_those() -> None:
    assert differing_settings(local_report(), local_report()) == []
    other = local_report()
    other.recipes[NAME].solution_version_arn = "arn:aws:personalize:eu-west-1:000000000000:solution/elsewhere/1"
    other.hold_out = {**other.hold_out, "share": "1/5"}
    found = {setting: second for setting, _, second in differing_settings(local_report(), other)}
    assert found == {"hold-out, share": "1/5", f"{NAME}: solution": "elsewhere"}


def test_the_page_lists_and_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place, run in enumerate(("20260101-000000", "20260102-000000")):
        report = with_users(local_report(), 0.1 * place)
        report.started_at = f"2026-01-0{place + 1}T00:00:00Z"
        keep(tmp_path, run, report)
    keep(tmp_path, "else", aws_report())
    (tmp_path / "bad" / "1").mkdir(parents=True)
    (tmp_path / "bad" / "1" / "report.json").write_text('{"schema": 99}')
    assert main([str(tmp_path)]) == 0
    page = (tmp_path / PAGE).read_text()
    assert page.count("<details") == len({"the pair"}) + (aws_report().experiment == local_report().experiment) * 2
    assert "+0.100 (+0.100 to +0.100)" in page
    assert "bad/1" in page
    assert "schema 99" in page
    assert "<script" not in page
    assert main([str(tmp_path), "--compare", "20260102-000000", "else"]) == 0
    assert "The two runs that were asked for" in (tmp_path / PAGE).read_text()
    capsys.readouterr()
    assert main([str(tmp_path), "--compare", "nowhere", "else"]) == 1
    assert "20260102-000000" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [PAGE]


def test_no_run_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert "make run" in (tmp_path / PAGE).read_text()
    assert main([str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err
