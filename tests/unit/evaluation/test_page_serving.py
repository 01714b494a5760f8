"""What the page and the notification tell of a run in mode serve."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_examples import local_report

from contract.results import Promotion, Report
from evaluation.page import render
from evaluation.page_serving import serving
from evaluation.serving import on_serving

WEIGHED = Promotion(
    decision="kept", view="unseen", difference=-0.02, low=-0.031, high=-0.01, served=0.12, served_version_arn="arn:old"
)


def told(promotion: Promotion) -> tuple[str, list[str]]:
    report = local_report()
    name = report.best or ""
    report.recipes[name].promotion = promotion
    return serving(Report.from_json(report.to_json())), list(on_serving(report))


@pytest.mark.parametrize(
    ("promotion", "words", "said"),
    [
        (WEIGHED, "Not served: what was before is better", "what was served before stays"),
        (replace(WEIGHED, decision="replaced", high=0.01), "Served from now on", "the new version is served"),
        (Promotion(decision="first"), "nothing was before", "nothing was before"),
        (Promotion(decision="unchanged"), "Served already", "is served already"),
    ],
)
def test_the_decision_is_told(promotion: Promotion, words: str, said: str) -> None:
    page, sentences = told(promotion)
    assert words in page
    assert len(sentences) == 1
    assert said in sentences[0]
    if promotion.difference is not None:
        for text in (page, sentences[0]):
            assert "NDCG@10 −0.020" in text
            assert "95% interval −0.031" in text


def test_an_experiment_has_no_such_section() -> None:
    report = local_report()
    assert serving(report) == ""
    assert list(on_serving(report)) == []
    assert "What is served" not in render(report)
