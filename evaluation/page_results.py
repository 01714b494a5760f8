"""The parts of the page that show figures of recipes and baselines: charts and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from contract.recipes import Question
from contract.results import JUDGE_METRIC, METRICS, VIEWS, RecipeResult, Report, View
from evaluation import verdict
from evaluation.charts import WIDE, Mark, Point, Tone, bars, scatter
from evaluation.compare import question_key
from evaluation.markup import Cell, Group, Row, escape, table
from evaluation.nested import is_number
from evaluation.words import (
    MISSING,
    QUESTIONS,
    READINGS,
    baseline_name,
    decimals,
    metric_name,
    number,
    seconds,
    sentence_case,
    time_ticks,
)

HEADLINE_METRICS = (JUDGE_METRIC, "precision_at_10", "mean_reciprocal_rank_at_25")
_TITLES = {
    JUDGE_METRIC: "hits near the top count more",
    "precision_at_10": "share of the first ten that was right",
    "mean_reciprocal_rank_at_25": "how high the first hit stands",
}
Key = tuple[str, str]
"""(recipe type, question), see `compare.question_key`."""


def shown_name(report: Report, name: str) -> str:
    """A baseline's name without underscores, a recipe's as it is."""
    return baseline_name(name) if name in report.baselines and name not in report.recipes else name


def recipe_head(name: str, row: RecipeResult, *, best: bool = False, full: bool = False) -> str:
    """A recipe as the head of a table row, with what must not be overlooked about it.

    An approximation names what it approximates if `full`, or if that is not the recipe itself.
    """
    tags = ['<span class="tag best">best</span>'] if best else []
    if row.recipe_trained != name:
        tags.append(f'<span class="tag">trained as {escape(row.recipe_trained)}</span>')
    if row.approximation:
        of = f" of {escape(row.recipe_trained)}" if full or row.recipe_trained != name else ""
        tags.append(f'<span class="tag">local approximation{of}</span>')
    if row.status != "succeeded":
        tags.append(f'<span class="tag bad">{escape(row.status)}</span>')
    return f'<span class="name">{escape(name)}</span>{" ".join(tags)}'


def groups(report: Report) -> dict[Key, list[str]]:
    """{what is asked: its recipes, best first}: only recipes of one group are ranked against each other.

    The group that the verdict is about comes first, and is the only one that baselines are shown with.
    """
    made: dict[Key, list[str]] = {}
    for name, row in report.recipes.items():
        made.setdefault(question_key(name, row.question), []).append(name)
    main = main_group(report)
    for names in made.values():
        names.sort(key=lambda name: (name != report.best, *_order(report, name)))
    return dict(sorted(made.items(), key=lambda pair: pair[0] != main))


def main_group(report: Report) -> Key:
    """What the best recipe was asked, or what most experiments ask."""
    if report.best in report.recipes:
        return question_key(report.best, report.recipes[report.best].question)
    return ("USER_PERSONALIZATION", "user")


def question_heading(key: Key) -> str:
    """What a group was asked; the recipe type is added where the question alone would not tell groups apart."""
    asked = QUESTIONS.get(key[1], sentence_case(key[1]))
    return asked + (f" ({key[0].lower().replace('_', ' ')})" if key[1] == Question.USER else "")


def accuracy(report: Report) -> str:
    """Bars of the three metrics that people ask for, in the reading that decides."""
    names = [*groups(report).get(main_group(report), ()), *report.baselines]
    names.sort(key=lambda name: _order(report, name))
    charts = [
        _bars(report, names, metric, identity=f"bars-{i}", reference=reachable(report, metric))
        for i, metric in enumerate(HEADLINE_METRICS)
    ]
    if not any(charts):
        return ""
    return (
        f"<p>Reading “{escape(report.judged_by)}”, {_why(report)}. Lines on the bars are 95% intervals over users."
        " Solid bars are recipes, hollow ones baselines made without any training."
        f" {metric_name(JUDGE_METRIC)} decides.</p>"
        f'<div class="charts three">{"".join(charts)}</div>'
    )


def other_questions(report: Report) -> str:
    """Groups that are not ranked against the main one, each by itself."""
    parts = []
    for number_of, (key, names) in enumerate(groups(report).items()):
        if key == main_group(report):
            continue
        charts = "".join(
            _bars(report, names, metric, identity=f"other-{number_of}-{i}") for i, metric in enumerate(HEADLINE_METRICS)
        )
        if charts:
            parts.append(f'<h3>{escape(question_heading(key))}</h3><div class="charts three">{charts}</div>')
    if not parts:
        return ""
    return (
        "<p>These were asked something else, so their figures cannot be compared with those above, nor between"
        " questions.</p>" + "".join(parts)
    )


def breadth_and_time(report: Report) -> str:
    """Coverage against accuracy, and how long each training took."""
    main = groups(report).get(main_group(report), [])
    points = []
    for name in (*main, *report.baselines):
        x, y = (verdict.judged_value(report, name, metric) for metric in ("coverage", JUDGE_METRIC))
        if x is not None and y is not None:
            points.append(Point(label=shown_name(report, name), x=x, y=y, tone=tone(report, name)))
    cloud = scatter(
        points,
        identity="breadth-chart",
        title=f"{metric_name(JUDGE_METRIC)} against coverage",
        x_name="coverage",
        y_name=metric_name(JUDGE_METRIC),
    )
    timed = sorted(
        ((row.training_seconds, name) for name, row in report.recipes.items() if row.training_seconds is not None),
    )
    clock = bars(
        [
            Mark(label=shown_name(report, name), value=took, text=seconds(took), tone=tone(report, name))
            for took, name in timed
        ],
        identity="time-chart",
        title="Training time",
        width=WIDE,
        texts=time_ticks,
    )
    figures = []
    if cloud:
        figures.append(
            "<figure><figcaption><strong>Accuracy against coverage.</strong> Further up: more is right. Further right:"
            f" more of the catalogue is shown to somebody.</figcaption>{cloud}</figure>"
        )
    if clock:
        figures.append(
            "<figure><figcaption><strong>Training time.</strong> Without import and evaluation. Recipes that share one"
            f" solution version show the same time.</figcaption>{clock}</figure>"
        )
    return f'<div class="charts two">{"".join(figures)}</div>' if figures else ""


def all_figures(report: Report) -> str:
    """Every metric in every reading, the one that decides first."""
    views: list[View] = sorted(VIEWS, key=lambda view: view != report.judged_by)
    parts = [_table(report, view) for view in views]
    return "".join(parts)


def service_metrics(report: Report) -> str:
    """What GetSolutionMetrics said of each solution version."""
    rows = {name: row.service_metrics for name, row in report.recipes.items() if row.service_metrics}
    metrics = list(dict.fromkeys(metric for values in rows.values() for metric in values))
    metrics.sort(key=lambda metric: (METRICS.index(metric) if metric in METRICS else len(METRICS), metric))
    if not metrics:
        return _tuned(report)
    figures = table(
        "Metrics of the solution versions",
        [metric_name(metric) for metric in metrics],
        [
            Group(
                rows=[
                    Row(
                        head=recipe_head(name, report.recipes[name]),
                        cells=[Cell(html=number(values.get(metric)), kind="n") for metric in metrics],
                    )
                    for name, values in rows.items()
                ]
            )
        ],
        first="Recipe",
    )
    return (
        "<p>Computed while training, on interactions that the training itself kept back: other users and items than in"
        f" the tables above, so the two do not compare.</p>{figures}{_tuned(report)}"
    )


def _tuned(report: Report) -> str:
    """What hyperparameter optimisation chose, for the recipes that had one."""
    chosen = {name: row.tuned_hyperparameters for name, row in report.recipes.items() if row.tuned_hyperparameters}
    if not chosen:
        return ""
    texts = {name: ", ".join(f"{key} = {value}" for key, value in values.items()) for name, values in chosen.items()}
    listed = "".join(f"<li><strong>{escape(name)}</strong>: {escape(text)}</li>" for name, text in texts.items())
    return f"<p>Chosen by hyperparameter optimisation:</p><ul>{listed}</ul>"


def _table(report: Report, view: View) -> str:
    metrics = [m for m in METRICS if any(m in _values(report, n, view) for n in (*report.recipes, *report.baselines))]
    if not metrics:
        return ""
    main = groups(report).get(main_group(report), [])
    parts = [Group(rows=[_row(report, name, view, metrics) for name in (*main, *_ranked_baselines(report))])]
    for key, names in groups(report).items():
        if key != main_group(report):
            rows = [_row(report, name, view, metrics) for name in names]
            parts.append(Group(heading=f"Another question: {question_heading(key)}", rows=rows))
    decides = view == report.judged_by
    return f"<h3>Reading “{view}”{' (decides)' if decides else ''}</h3>" + table(
        f"All metrics in the reading “{view}”, with 95% intervals",
        [metric_name(metric) for metric in metrics],
        parts,
        first="Recipe or baseline",
        note=escape(READINGS[view]),
    )


def _row(report: Report, name: str, view: View, metrics: Sequence[str]) -> Row:
    recipe = report.recipes.get(name)
    values = _values(report, name, view)
    ends = (recipe or report.baselines[name]).confidence.get(view, {})
    cells = [_figure(values.get(metric), ends.get(metric)) for metric in metrics]
    if recipe is None:
        head = f'<span class="name">{escape(baseline_name(name))}</span><span class="tag">baseline</span>'
        return Row(head=head, cells=cells, kind="baseline")
    best = name == report.best
    return Row(head=recipe_head(name, recipe, best=best), cells=cells, kind="winner" if best else "")


def _figure(value: float | None, ends: Sequence[float] | None) -> Cell:
    if value is None or not math.isfinite(value):
        return Cell(html=MISSING, kind="n")
    places = decimals(value)
    interval = ""
    if ends and len(ends) == 2:
        interval = f"<small>{number(ends[0], places)}–{number(ends[1], places)}</small>"
    return Cell(html=f"{number(value)}{interval}", kind="n")


def _bars(
    report: Report, names: Sequence[str], metric: str, *, identity: str, reference: tuple[float, str] | None = None
) -> str:
    marks = []
    for name in names:
        value = verdict.judged_value(report, name, metric)
        if value is None:
            continue
        row = report.recipes.get(name) or report.baselines[name]
        ends = row.confidence.get(report.judged_by, {}).get(metric, [])
        low, high = ends if len(ends) == 2 else (None, None)
        places = decimals(value)
        text = number(value)
        if low is not None and high is not None:
            text += f" ({number(low, places)}–{number(high, places)})"
        marks.append(
            Mark(label=shown_name(report, name), value=value, low=low, high=high, text=text, tone=tone(report, name))
        )
    title = metric_name(metric)
    chart = bars(
        marks,
        identity=identity,
        title=f"{title}, reading “{report.judged_by}”",
        reference=reference,
    )
    if not chart:
        return ""
    said = _TITLES.get(metric, "")
    return f"<figure><figcaption><strong>{title}</strong> {escape(said)}</figcaption>{chart}</figure>"


def reachable(report: Report, metric: str) -> tuple[float, str] | None:
    """The best that any recipe could reach on generated data in a metric, as a line for its chart.

    `report.data["best_reachable"]` is P@10 alone or a value per metric.
    """
    found = report.data.get("best_reachable")
    value = found.get(metric) if isinstance(found, dict) else found if metric == "precision_at_10" else None
    return (value, f"best reachable {number(value)}") if is_number(value) else None


def _why(report: Report) -> str:
    share = report.data.get("repeats_share")
    if isinstance(share, float) and math.isfinite(share):
        said = f"{share:.1%} of the held-out interactions are with items that the user already had"
        return f"which decides here because {said}"
    return "which decides here"


def _order(report: Report, name: str) -> tuple[bool, float]:
    value = verdict.judged_value(report, name)
    return (value is None, -(value or 0.0))


def _ranked_baselines(report: Report) -> list[str]:
    return sorted(report.baselines, key=lambda name: _order(report, name))


def _values(report: Report, name: str, view: View) -> dict[str, float]:
    row = report.recipes.get(name) or report.baselines.get(name)
    return row.metrics.get(view, {}) if row else {}


def tone(report: Report, name: str) -> Tone:
    """How a recipe or baseline is drawn."""
    if name == report.best:
        return "best"
    return "recipe" if name in report.recipes else "baseline"
