"""The page of past runs: what ran, what it came to, and any of the newest runs of an experiment beside each other.

One file without a script: a comparison is a `details` element, closed until it is wanted. A page stays readable, so
only the newest runs of an experiment are compared with each other; `python -m evaluation.runs --compare` does any two.
"""

from __future__ import annotations

import re
from itertools import combinations

from contract.results import JUDGE_METRIC, Report
from evaluation import verdict
from evaluation.between_runs import Paired, differing_settings, paired, row_of
from evaluation.charts import WIDE, Mark, differences
from evaluation.document import document
from evaluation.markup import Cell, Group, Row, code, escape, section, table
from evaluation.runs import Found, PastRun
from evaluation.words import MISSING, baseline_name, metric_name, moment, number, plural, seconds, signed_with_ends

NEWEST = 5
"""Runs of an experiment that are compared with each other: ten pairs."""
Changes = dict[str, Paired | str]
"""{recipe or baseline: its paired difference, or why there is none}"""
METRICS = (JUDGE_METRIC, "precision_at_10", "mean_reciprocal_rank_at_25", "recall_at_25", "coverage")


def render(found: Found, compared: tuple[PastRun, PastRun] | None = None) -> str:
    """The whole page; `compared` stands first and open, the older run as the first of the two."""
    parts = []
    if compared:
        older, newer = sorted(compared, key=lambda run: run.report.started_at)
        parts.append(section("asked", "The two runs that were asked for", _pair(older, newer, is_open=True)))
    parts.append(section("runs", "All runs", _list(found)))
    parts.append(section("pairs", "Compare two runs", _pairs(found, leave_out=compared)))
    experiments = {run.report.experiment for run in found.runs}
    body = (
        f'<header><p class="over">Recipe comparison</p><h1>Past runs</h1><p class="lead">'
        f"{plural(len(found.runs), 'run')} of {plural(len(experiments), 'experiment')}, the newest first."
        "</p></header>\n"
        f'<main id="main" tabindex="-1">\n{"".join(parts)}\n</main>\n'
        "<footer><p>Made from each run's report.json by <code>python -m evaluation.runs</code>; any two runs:"
        " <code>python -m evaluation.runs --compare EXPERIMENT/RUN EXPERIMENT/RUN</code>.</p></footer>"
    )
    return document("Past runs", body, skip="Skip to the runs")


def _list(found: Found) -> str:
    rows = [_run_row(run) for run in found.runs]
    shown = (
        table(
            "Runs that left a report",
            ["Started", "Verdict", f"{metric_name(JUDGE_METRIC)} of the best", "Users", "Took"],
            [Group(rows=rows)],
            first="Run",
        )
        if rows
        else "<p>There is no run yet: <code>make run</code> makes the first.</p>"
    )
    if not found.unreadable:
        return shown
    broken = "".join(f"<li>{code(name)}: {escape(why)}</li>" for name, why in found.unreadable)
    return f"{shown}<h3>Reports that cannot be read</h3><ul>{broken}</ul>"


def _run_row(run: PastRun) -> Row:
    report = run.report
    short = escape(run.name.rpartition("/")[2])
    linked = f'<a href="{escape(run.page)}">{short}</a>' if run.page else short
    where = f"{escape(report.experiment)}, {'on AWS' if report.backend == 'aws' else 'local'}"
    best = number(verdict.judged_value(report, report.best)) if report.best else MISSING
    ends = _ends(report, report.best, JUDGE_METRIC) if report.best else ""
    return Row(
        head=f'<span class="name">{linked}</span><span class="tag">{where}</span>',
        cells=[
            Cell(html=escape(moment(report.started_at)), kind="t"),
            Cell(html=escape(verdict.headline(report)), kind="t"),
            Cell(html=f"{best}{ends}", kind="n"),
            Cell(html=f"{report.evaluated_users:,}", kind="n"),
            Cell(html=seconds(verdict.took(report)), kind="n"),
        ],
    )


def _pairs(found: Found, *, leave_out: tuple[PastRun, PastRun] | None) -> str:
    groups: dict[str, list[PastRun]] = {}
    for run in found.runs:
        groups.setdefault(run.report.experiment, []).append(run)
    parts = []
    for experiment, runs in groups.items():
        pairs = [
            (older, newer)
            for newer, older in combinations(runs[:NEWEST], 2)
            if leave_out is None or {older.name, newer.name} != {run.name for run in leave_out}
        ]
        if not pairs:
            continue
        said = f" The newest {NEWEST} of {len(runs)} runs." if len(runs) > NEWEST else ""
        parts.append(f"<h3>{escape(experiment)}</h3><p>The later run minus the earlier one.{said}</p>")
        parts += [
            _pair(older, newer, is_open=not place and not leave_out) for place, (older, newer) in enumerate(pairs)
        ]
    return "".join(parts) or ("<p>Two runs of one experiment are needed.</p>" if not leave_out else "")


def _pair(older: PastRun, newer: PastRun, *, is_open: bool) -> str:
    a, b = older.report, newer.report
    changes = paired(a, b, _names(a, b))
    called = " against ".join(reversed(_heads(older, newer)))
    identity = re.sub(r"[^a-z0-9]+", "-", f"{older.name}-{newer.name}".lower())
    return (
        f"<details{' open' if is_open else ''}><summary>{escape(called)}</summary>"
        f"{_settings(older, newer)}{_chart(b, changes, identity)}{_figures(older, newer, changes)}</details>"
    )


def _heads(older: PastRun, newer: PastRun) -> list[str]:
    """What the two are called: by their ids alone where the experiment is one."""
    if older.report.experiment != newer.report.experiment:
        return [older.name, newer.name]
    return [run.name.rpartition("/")[2] for run in (older, newer)]


def _settings(older: PastRun, newer: PastRun) -> str:
    rows = [
        Row(head=escape(name), cells=[Cell(html=escape(first), kind="t"), Cell(html=escape(second), kind="t")])
        for name, first, second in differing_settings(older.report, newer.report)
    ]
    if not rows:
        return "<p>No setting differs: the same data, hold-out and recipes with the same hyperparameters.</p>"
    return table("Settings that differ", _heads(older, newer), [Group(rows=rows)], first="Setting")


def _chart(b: Report, changes: Changes, identity: str) -> str:
    marks = []
    for name, found in changes.items():
        if isinstance(found, Paired):
            marks.append(
                Mark(
                    label=_label(b, name),
                    value=found.difference,
                    low=found.low,
                    high=found.high,
                    text=_signed(found),
                    tone="recipe" if name in b.recipes else "baseline",
                )
            )
    title = f"{metric_name(JUDGE_METRIC)}, later run minus earlier run, with 95% intervals"
    chart = differences(marks, identity=f"change-{identity}", title=title, width=WIDE)
    if not chart:
        return ""
    return (
        f'<figure class="leads"><figcaption><strong>{escape(title)}</strong> of the paired difference on the same'
        f" users. Where an interval reaches zero, chance may explain the change.</figcaption>{chart}</figure>"
    )


def _figures(older: PastRun, newer: PastRun, changes: Changes) -> str:
    a, b = older.report, newer.report
    rows = []
    for name, change in changes.items():
        for metric in METRICS:
            if _value(a, name, metric) is None and _value(b, name, metric) is None:
                continue
            head = f'<span class="name">{escape(_label(b, name))}</span><span class="tag">{metric_name(metric)}</span>'
            cells = [Cell(html=_cell(report, name, metric), kind="n") for report in (a, b)]
            rows.append(Row(head=head, cells=[*cells, _change(change, metric)]))
    if not rows:
        return "<p>Neither run has figures to compare.</p>"
    note = "Each run in the reading that decided it; the paired difference is known of " + metric_name(JUDGE_METRIC)
    columns = [*_heads(older, newer), "Paired difference"]
    return table("Figures with 95% intervals", columns, [Group(rows=rows)], first="Recipe or baseline", note=note)


def _change(found: Paired | str, metric: str) -> Cell:
    if metric != JUDGE_METRIC:
        return Cell(html="")
    if isinstance(found, str):
        return Cell(html=f"not paired: {escape(found)}", kind="t")
    return Cell(
        html=f"{_signed(found)}{'' if found.clear else '; within chance'}",
        kind="t",
    )


def _signed(found: Paired) -> str:
    return signed_with_ends(found.difference, found.low, found.high)


def _names(a: Report, b: Report) -> list[str]:
    """Recipes, then baselines, of either run, in the order of the later one."""
    return list(dict.fromkeys([*b.recipes, *a.recipes, *b.baselines, *a.baselines]))


def _label(report: Report, name: str) -> str:
    return name if name in report.recipes or name not in report.baselines else baseline_name(name)


def _value(report: Report, name: str, metric: str) -> float | None:
    return verdict.judged_value(report, name, metric)


def _cell(report: Report, name: str, metric: str) -> str:
    value = _value(report, name, metric)
    return MISSING if value is None else f"{number(value)}{_ends(report, name, metric)}"


def _ends(report: Report, name: str, metric: str) -> str:
    row = row_of(report, name)
    ends = row.confidence.get(report.judged_by, {}).get(metric, []) if row else []
    if len(ends) != 2:
        return ""
    return f"<small>{number(ends[0])}–{number(ends[1])}</small>"
