"""What a report comes to, in words: the page's first sentence and the notification's text say the same thing.

Where items were held out, the experiment's question is about new items, and so is the verdict's first part.
A lead counts as clear when the 95% interval of the paired difference lies above zero. `report.best` is taken as
decided (evaluation.compare); this module only finds the lead over the next recipe and over the best baseline.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from contract.cold_start import ColdStart, Spread
from contract.results import JUDGE_METRIC, Report, View, without_context
from evaluation.compare import question_key
from evaluation.words import baseline_name, decimals, metric_name, number, parse_moment


@dataclass(frozen=True, kw_only=True)
class Lead:
    """How far the best recipe is ahead of another ranking in the metric that decides."""

    over: str
    difference: float
    low: float | None
    """Ends of the 95% interval; None where the report holds no paired comparison."""
    high: float | None
    baseline: bool

    @property
    def clear(self) -> bool:
        """True if the whole interval lies above zero."""
        return self.low is not None and self.low > 0

    @property
    def behind(self) -> bool:
        """True if the whole interval lies below zero."""
        return self.high is not None and self.high < 0

    @property
    def over_name(self) -> str:
        """For people: baselines without underscores."""
        if self.over.endswith(without_context("")):
            return "its own answers without the context"
        return f"the baseline “{baseline_name(self.over)}”" if self.baseline else self.over


def judged_value(report: Report, name: str, metric: str = JUDGE_METRIC, view: View | None = None) -> float | None:
    """A recipe's or baseline's value in a reading (default: the one that decides); None if it has none."""
    row = report.recipes.get(name) or report.baselines.get(name)
    if row is None:
        return None
    value = row.metrics.get(view or report.judged_by, {}).get(metric)
    return value if value is not None and math.isfinite(value) else None


def contenders(report: Report) -> list[str]:
    """The recipes that `best` was chosen from and that have a value, best first; empty if there is no best."""
    if report.best is None or report.best not in report.recipes:
        return []
    key = question_key(report.best, report.recipes[report.best].question)
    found = [name for name, row in report.recipes.items() if question_key(name, row.question) == key]
    others = _by_value(report, (name for name in found if name != report.best))
    return [report.best, *others]


def lead_over_next(report: Report) -> Lead | None:
    """The best recipe's lead over the second; None if there is no second."""
    ranked = contenders(report)
    return _lead(report, ranked[1], baseline=False) if len(ranked) > 1 else None


def lead_over_baseline(report: Report) -> Lead | None:
    """The best recipe's lead over the best baseline; None if there is none of either."""
    ranked = _by_value(report, report.baselines)
    return _lead(report, ranked[0], baseline=True) if ranked and report.best in report.recipes else None


def lead_over_no_context(report: Report) -> Lead | None:
    """The best recipe's lead over what it answers when it is not told the context; None if it was not asked so."""
    subject = without_context(report.best or "")
    compared = any({row.a, row.b} == {report.best, subject} for row in report.comparisons)
    return _lead(report, subject, baseline=False) if compared else None


def headline(report: Report) -> str:
    """One short clause for a heading."""
    return _headline_of_new_items(report) or _headline_of_next_items(report)


def _headline_of_new_items(report: Report) -> str | None:
    if report.cold_start is None or report.hold_out.get("kind") != "cold":
        return None
    recipe = report.cold_start.policies[0]
    if recipe.lift is None:
        return None
    value, low, _ = recipe.lift
    if low > 1:
        return f"{recipe.name} finds {value:.1f} times as many right new items as chance"
    return f"{recipe.name} is not clearly better than chance at new items"


def _headline_of_next_items(report: Report) -> str:
    best, following, baseline = report.best, lead_over_next(report), lead_over_baseline(report)
    if best is None or best not in report.recipes:
        return "No recipe could be judged"
    if baseline and baseline.behind:
        return f"No recipe beats {baseline.over_name}"
    if baseline and baseline.low is None:
        return f"{best} scores highest among the recipes"
    if baseline and not baseline.clear:
        return f"{best} scores highest, but is not clearly above {baseline.over_name}"
    if following is None:
        return f"{best} is clearly above every baseline" if baseline else f"{best} is the only recipe judged"
    if following.clear:
        return f"{best} recommends best on these data, by a clear margin"
    if following.low is None:
        return f"{best} scores highest among the recipes"
    return f"{best} scores highest, but its lead over {following.over} is within chance"


def statements(report: Report) -> list[str]:
    """The verdict with its uncertainty as sentences: of new items where the experiment asks for them; the best recipe's
    figure, then its leads; at least one."""
    ranked = _of_next_items(report)
    if _headline_of_new_items(report) is None or report.cold_start is None:
        return ranked
    if report.best is not None:
        ranked[0] = f"For what a person chooses next, {ranked[0]}"
    return [" ".join(of_new_items(report.cold_start)), *ranked]


def of_new_items(found: ColdStart) -> list[str]:
    """How well the recipe picks new items, and what introducing one with it costs; none where that is not known."""
    recipe, said = found.policies[0], []
    if recipe.lift:
        value, low, high = recipe.lift
        said.append(
            f"Of five new items that {recipe.name} picks for a person, {value:.1f} times as many are right as of five"
            f" drawn at random (95% interval {low:.1f} to {high:.1f})."
        )
    if recipe.saved:
        said.append(_saved(recipe.saved))
    return said


def _saved(saved: Spread) -> str:
    value, low, high = saved
    if low > 0:
        return f"It introduces an item with {value:.0%} fewer impressions than at random ({low:.0%} to {high:.0%})."
    if high < 0:
        return f"It introduces an item with {-value:.0%} more impressions than at random ({-high:.0%} to {-low:.0%})."
    return "Whether it introduces an item with fewer impressions than at random depends on who comes when."


def _of_next_items(report: Report) -> list[str]:
    best = report.best
    if best is None or best not in report.recipes:
        failed = [name for name, row in report.recipes.items() if row.status == "failed"]
        reason = f"failed: {', '.join(failed)}." if failed else "none has figures in the reading that decides."
        return [f"No recipe could be judged; {reason}"]
    said = f"{best} reaches {metric_name(JUDGE_METRIC)} {_figure(report, best)} in the reading “{report.judged_by}”."
    leads = (lead_over_next(report), lead_over_baseline(report), lead_over_no_context(report))
    return [said, *(_said(lead) for lead in leads if lead)]


def sentence(report: Report) -> str:
    """The verdict as one plain text, for a notification or a terminal."""
    return " ".join(statements(report))


def took(report: Report) -> float | None:
    """Seconds from the run's start to its report; None if the report does not tell moments."""
    started, finished = parse_moment(report.started_at), parse_moment(report.finished_at)
    return (finished - started).total_seconds() if started and finished else None


def _said(lead: Lead) -> str:
    size = number(abs(lead.difference))
    place = "above" if lead.difference >= 0 else "below"
    if lead.low is None or lead.high is None:
        return f"It is {size} {place} {lead.over_name}; there is no interval for this difference."
    if lead.low == lead.difference == lead.high == 0:
        return f"It equals {lead.over_name}."
    places = decimals(lead.difference)
    ends = f"95% interval {number(lead.low, places, signed=True)} to {number(lead.high, places, signed=True)}"
    if lead.clear:
        return f"It is {size} above {lead.over_name}, which is more than its uncertainty ({ends})."
    if lead.behind:
        return f"It is {size} below {lead.over_name}, which is more than its uncertainty ({ends})."
    return f"It is {size} {place} {lead.over_name}, which chance alone could explain ({ends})."


def _figure(report: Report, name: str) -> str:
    value = judged_value(report, name)
    if value is None:
        return "(no value)"
    ends = report.recipes[name].confidence.get(report.judged_by, {}).get(JUDGE_METRIC)
    if not ends or len(ends) != 2:
        return number(value)
    places = decimals(value)
    return f"{number(value)} (95% interval {number(ends[0], places)}–{number(ends[1], places)})"


def _by_value(report: Report, names: Iterable[str]) -> list[str]:
    valued = [(judged_value(report, name), name) for name in names]
    return [name for value, name in sorted(((v, n) for v, n in valued if v is not None), key=lambda pair: -pair[0])]


def _lead(report: Report, over: str, *, baseline: bool) -> Lead | None:
    for row in report.comparisons:
        if row.metric != JUDGE_METRIC or {row.a, row.b} != {report.best, over}:
            continue
        if row.a == report.best:
            return Lead(over=over, difference=row.difference, low=row.low, high=row.high, baseline=baseline)
        return Lead(over=over, difference=-row.difference, low=-row.high, high=-row.low, baseline=baseline)
    mine, theirs = judged_value(report, report.best or ""), judged_value(report, over)
    if mine is None or theirs is None:
        return None
    return Lead(over=over, difference=mine - theirs, low=None, high=None, baseline=baseline)
