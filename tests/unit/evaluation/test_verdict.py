"""The verdict: what is ahead of what, by how much, and whether chance could explain it."""

from __future__ import annotations

import dataclasses
import math

import pytest
from report_examples import aws_report, local_report

from contract.results import JUDGE_METRIC, Comparison, Report
from evaluation import verdict
from evaluation.words import count, metric_name, moment, number, seconds


def _with(report: Report, over: str, *, difference: float, low: float, high: float, turned: bool = False) -> Report:
    """The report with another comparison of the best recipe with `over`, seen from either side."""
    others = [row for row in report.comparisons if over not in {row.a, row.b}]
    best = report.best or ""
    row = Comparison(a=best, b=over, metric=JUDGE_METRIC, difference=difference, low=low, high=high)
    if turned:
        row = Comparison(a=over, b=best, metric=JUDGE_METRIC, difference=-difference, low=-high, high=-low)
    return dataclasses.replace(report, comparisons=[*others, row])


def test_leads_are_over_the_next_recipe_and_the_best_baseline() -> None:
    report = local_report()
    following, baseline = verdict.lead_over_next(report), verdict.lead_over_baseline(report)
    assert following
    assert baseline
    assert (following.over, baseline.over) == ("aws-user-personalization", "sequential_counts")
    assert following.clear
    assert baseline.difference == pytest.approx(0.062)


@pytest.mark.parametrize("turned", [False, True])
def test_a_comparison_counts_whichever_way_round_it_is(turned: bool) -> None:
    report = _with(aws_report(), "aws-hrnn-metadata", difference=0.02, low=0.01, high=0.03, turned=turned)
    lead = verdict.lead_over_next(report)
    assert lead
    assert (lead.difference, lead.low, lead.high) == (0.02, 0.01, 0.03)
    assert verdict.headline(report) == "aws-hrnn recommends best on these data, by a clear margin"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.03, -0.01, "No recipe beats the baseline “sequential counts”"),
        (-0.03, 0.01, "aws-hrnn scores highest, but is not clearly above the baseline “sequential counts”"),
        (0.0, 0.02, "aws-hrnn scores highest, but is not clearly above the baseline “sequential counts”"),
    ],
)
def test_a_recipe_that_is_not_above_the_baseline_is_no_clear_winner(low: float, high: float, said: str) -> None:
    report = _with(local_report(), "sequential_counts", difference=(low + high) / 2, low=low, high=high)
    assert verdict.headline(report) == said


def test_equal_figures_are_called_equal() -> None:
    report = _with(local_report(), "sequential_counts", difference=0.0, low=0.0, high=0.0)
    assert verdict.statements(report)[-1] == "It equals the baseline “sequential counts”."
    report = _with(local_report(), "sequential_counts", difference=0.0, low=-0.01, high=0.01)
    assert "which chance alone could explain" in verdict.statements(report)[-1]


def test_without_paired_comparisons_nothing_is_called_clear() -> None:
    report = dataclasses.replace(local_report(), comparisons=[])
    assert verdict.headline(report) == "aws-hrnn scores highest among the recipes"
    assert verdict.sentence(report).count("there is no interval for this difference") == 2


def test_recipes_of_other_questions_are_no_rivals() -> None:
    report = local_report()
    report.recipes["aws-sims"].metrics = {
        view: dict.fromkeys(values, 0.99) for view, values in report.recipes["aws-sims"].metrics.items()
    }
    assert "aws-sims" not in verdict.contenders(report)
    assert verdict.contenders(report)[:2] == ["aws-hrnn", "aws-user-personalization"]


def test_a_recipe_alone_is_judged_by_the_baselines() -> None:
    report = aws_report()
    del report.recipes["aws-hrnn-metadata"]
    assert verdict.headline(report) == "aws-hrnn is clearly above every baseline"
    assert verdict.headline(dataclasses.replace(report, baselines={})) == "aws-hrnn is the only recipe judged"


def test_numbers_read_the_same_everywhere() -> None:
    assert [number(v) for v in (0.1234, 0.02, 0.0, 0.0004, None, math.nan)] == [
        "0.123",
        "0.020",
        "0.000",
        "0.0004",
        "–",
        "–",
    ]
    assert number(-0.0123, signed=True) == "−0.012"
    assert number(0.0123, signed=True) == "+0.012"
    assert [seconds(v) for v in (0.0421, 0.999, 38.24, 59.96, 252, 7500, None)] == [
        "0.04 s",
        "1.0 s",
        "38.2 s",
        "1 min 00 s",
        "4 min 12 s",
        "2 h 05 min",
        "–",
    ]
    assert [count(v) for v in (1000209, 12.0, 3.14159)] == ["1,000,209", "12", "3.14"]
    assert moment("2026-11-24T22:47:05+01:00") == "24 November 2026, 21:47:05 UTC"
    assert moment("yesterday") == "yesterday"
    assert metric_name("mean_reciprocal_rank_at_25") == "MRR@25"
    assert metric_name("hit_rate_at_5") == "Hit rate@5"
    assert metric_name("coverage") == "Coverage"
