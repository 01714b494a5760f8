"""Two runs beside each other: which settings differ, what each recipe reached, and whether the lead is chance.

Two runs are compared in pairs, user by user, where both judged the same users on the same held-out interactions in the
same reading; then the interval of the difference is that of `evaluation.bootstrap`. Else it says why it cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from contract.results import BaselineResult, RecipeResult, Report
from evaluation.bootstrap import difference, interval, resample

RESAMPLES = 1000
SEED = 0
ABSENT = "–"


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Mean difference of JUDGE_METRIC, second run minus first, with its 95 % interval over users."""

    difference: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def unpaired_because(a: Report, b: Report) -> str | None:
    """Why no two rows of these runs can be paired; None if they can."""
    if a.data.get("version") is None or a.data.get("version") != b.data.get("version"):
        return "the runs were judged on different data"
    if a.hold_out != b.hold_out:
        return "the runs held out different interactions"
    if a.judged_by != b.judged_by:
        return f"one run was judged by the reading “{a.judged_by}”, the other by “{b.judged_by}”"
    return None


def paired(a: Report, b: Report, names: Sequence[str]) -> dict[str, Paired | str]:
    """{recipe or baseline: its difference between the runs, or why there is none}.

    Names with the same users share their resamples: drawing is what takes time (evaluation.bootstrap).
    """
    found: dict[str, Paired | str] = {}
    alike: dict[str, list[str]] = {}
    for name in names:
        if reason := _unpaired_row(a, b, name):
            found[name] = reason
        else:
            alike.setdefault(_judged(a, name).users_digest, []).append(name)
    for group in alike.values():
        columns = [_judged(report, name).per_user for report in (a, b) for name in group]
        draws = resample(columns, resamples=RESAMPLES, seed=SEED)
        for name, one, other in zip(group, draws[: len(group)], draws[len(group) :], strict=True):
            low, high = interval(difference(other, one))
            first, second = _judged(a, name).per_user, _judged(b, name).per_user
            found[name] = Paired(difference=(fsum(second) - fsum(first)) / len(first), low=low, high=high)
    return found


def _unpaired_row(a: Report, b: Report, name: str) -> str | None:
    if reason := unpaired_because(a, b):
        return reason
    first, second = row_of(a, name), row_of(b, name)
    if first is None or second is None or not first.metrics or not second.metrics:
        return "only one run judged it"
    if isinstance(first, RecipeResult) and isinstance(second, RecipeResult) and first.question != second.question:
        return "it was asked different questions"
    if not first.per_user or not second.per_user:
        return "report.json has no values per user (made by an older version)"
    if first.users_digest != second.users_digest or len(first.per_user) != len(second.per_user):
        return "different users were asked"
    return None


def _judged(report: Report, name: str) -> RecipeResult | BaselineResult:
    return report.recipes.get(name) or report.baselines[name]


def row_of(report: Report, name: str) -> RecipeResult | BaselineResult | None:
    """The recipe's or the baseline's part of the report."""
    return report.recipes.get(name) or report.baselines.get(name)


def differing_settings(a: Report, b: Report) -> list[tuple[str, str, str]]:
    """(setting, in the first run, in the second) of whatever was set or found differently, figures left out."""
    first, second = _settings(a), _settings(b)
    keys = list(dict.fromkeys([*first, *second]))
    rows = [(key, first.get(key, ABSENT), second.get(key, ABSENT)) for key in keys]
    return [row for row in rows if row[1] != row[2]]


def _settings(report: Report) -> dict[str, str]:
    made = {
        "experiment": report.experiment,
        "backend": report.backend,
        "reading that decides": report.judged_by,
        "users asked": str(report.evaluated_users),
    }
    made |= _flat("data", {key: value for key, value in report.data.items() if key != "best_reachable"})
    made |= _flat("hold-out", report.hold_out)
    for name, row in report.recipes.items():
        made |= {
            f"{name}: status": row.status,
            f"{name}: trained as": row.recipe_trained + (" (local approximation)" if row.approximation else ""),
            f"{name}: question": row.question,
            f"{name}: solution": _solution(row.solution_version_arn),
        }
        made |= {f"{name}: tuned {key}": value for key, value in row.tuned_hyperparameters.items()}
    return made


def _solution(arn: str | None) -> str:
    """The solution's name, which ends in a digest of its inputs: another name was set otherwise."""
    return arn.partition("solution/")[2].partition("/")[0] if arn else ABSENT


def _flat(name: str, value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {key: text for part, inner in value.items() for key, text in _flat(f"{name}, {part}", inner).items()}
    return {name: str(value)}
