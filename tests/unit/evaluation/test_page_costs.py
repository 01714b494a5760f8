"""The page's part on money: estimated beside actual, a local run marked as if on AWS."""

from __future__ import annotations

from dataclasses import replace

from report_examples import aws_report, local_report

from contract.results import CostLine, Costs, Report
from evaluation.page import render
from evaluation.page_costs import costs

EVIL = "</td><script>alert('x')</script>"
FOUND = Costs(
    region="us-east-1",
    lines=[
        CostLine(
            meter="training-hours",
            words="Training",
            unit="training hours",
            estimated=[0.5, 16.5],
            actual=[2.0, 2.0],
            estimated_dollars=[0.12, 3.96],
            actual_dollars=[0.48, 0.48],
        ),
        CostLine(
            meter="requests-sent", words="Requested", unit="requests", estimated=[3000, 4500], actual=[3210, 3210]
        ),
        CostLine(
            meter="state-transitions",
            words="Step Functions",
            unit="state transitions",
            estimated=[100, 9000],
            estimated_dollars=[0.0025, 0.225],
        ),
    ],
    assumptions=["Nothing is found from earlier runs."],
    estimated_dollars=[0.1225, 4.185],
    actual_dollars=[0.48, 0.48],
    notes=["Not known: one thing."],
    max_cost=20,
)


def shown(report: Report, found: Costs = FOUND) -> str:
    return costs(replace(report, costs=found))


def test_estimated_and_actual_stand_side_by_side() -> None:
    said = shown(aws_report())
    for part in ("0.5 – 16.5", "0.12 – 3.96", ">2<", ">0.48<", "3,210", "$20.00", "Prices of us-east-1", "< 0.01"):
        assert part.replace("< 0.01", "&lt; 0.01") in said
    assert "Nothing is found from earlier runs." in said
    assert "Not known: one thing." in said
    assert "as if on AWS" not in said


def test_a_local_run_is_marked_as_if_on_aws() -> None:
    said = shown(local_report())
    assert "As if on AWS." in said
    assert "Nothing was billed" in said
    assert "Estimated and actual, as if on AWS" in said


def test_the_page_has_the_section_where_the_report_has_costs() -> None:
    assert 'id="costs"' in render(replace(local_report(), costs=FOUND))
    assert 'id="costs"' not in render(local_report())


def test_text_stays_text() -> None:
    line = replace(FOUND.lines[0], words=EVIL, unit=EVIL)
    evil = replace(FOUND, region=EVIL, lines=[line], assumptions=[EVIL], notes=[EVIL])
    assert "<script" not in shown(local_report(), evil)


def test_costs_come_back_from_json() -> None:
    report = replace(local_report(), costs=FOUND)
    assert Report.from_json(report.to_json()).costs == FOUND
