"""What a run in mode serve changed for applications, in words."""

from __future__ import annotations

from collections.abc import Iterator

from contract.results import JUDGE_METRIC, Promotion, Report
from evaluation.words import metric_name, signed_with_ends


def promotions(report: Report) -> dict[str, Promotion]:
    """By recipe; none of those that failed."""
    rows = report.recipes.items()
    return {name: row.promotion for name, row in rows if row.promotion and row.status == "succeeded"}


def on_serving(report: Report) -> Iterator[str]:
    """A sentence for each recipe that is served."""
    for name, promotion in promotions(report).items():
        yield f"{name}: {_said(promotion)}"


def _said(promotion: Promotion) -> str:
    if promotion.decision == "first":
        return "served from now on; nothing was before."
    if promotion.decision == "unchanged":
        return "this version is served already."
    difference = described(promotion)
    if promotion.decision == "kept":
        return f"what was served before stays, because the new version is worse by more than chance: {difference}."
    return f"the new version is served from now on; beside what was served before: {difference}."


def described(promotion: Promotion) -> str:
    """The difference with its interval; empty text if nothing was weighed."""
    if promotion.difference is None or promotion.low is None or promotion.high is None:
        return ""
    figure = signed_with_ends(promotion.difference, promotion.low, promotion.high, note="95% interval ")
    return f"{metric_name(JUDGE_METRIC)} {figure}"
