"""The report as one HTML file: a verdict that a manager can read, with everything an engineer needs to trust it.

Shared code: a Lambda function writes this page on AWS, the local cloud writes the same one on a laptop. Therefore it
uses the standard library only, loads nothing from anywhere (a content security policy in the page says so) and needs
no script. It shows a `contract.results.Report` and computes no figure of its own.
"""

from __future__ import annotations

from contract.results import JUDGE_METRIC, Report
from evaluation import (
    page_background,
    page_breakdown,
    page_context,
    page_costs,
    page_events,
    page_examples,
    page_importance,
    page_introducing,
    page_results,
    page_serving,
    verdict,
)
from evaluation.charts import Mark, differences
from evaluation.document import document
from evaluation.markup import code, escape, section
from evaluation.words import in_short, metric_name, moment, plural, seconds, signed_with_ends


def render(report: Report) -> str:
    """The whole page; any `Report` that can be built can be rendered."""
    sections = [
        ("compared", "What was compared", page_background.compared(report)),
        ("accuracy", "How well each one predicts", page_results.accuracy(report)),
        ("serving", "What is served", page_serving.serving(report)),
        ("others", "Recipes that answer other questions", page_results.other_questions(report)),
        ("new-items", "What new items cost", page_introducing.introducing(report)),
        ("breadth", "Coverage and training time", page_results.breadth_and_time(report)),
        ("breakdown", "For whom, and for which items", page_breakdown.breakdown(report)),
        ("context", "What the context brings", page_context.context(report)),
        ("importance", "What each field brings", page_importance.importance(report)),
        ("events", "What new events change", page_events.events(report)),
        ("examples", "What people were recommended", page_examples.examples(report)),
        ("figures", "All figures", page_results.all_figures(report)),
        ("meanings", "How to read the figures", page_background.meanings(report)),
        ("service", "The service's own metrics", page_results.service_metrics(report)),
        ("data", "Data and hold-out", page_background.data(report)),
        ("costs", "What it costs", page_costs.costs(report)),
        ("reproduce", "Reproduce this run", page_background.reproduce(report)),
    ]
    shown = [(identity, heading, content) for identity, heading, content in sections if content]
    contents = "".join(f'<li><a href="#{identity}">{escape(heading)}</a></li>' for identity, heading, _ in shown)
    body = (
        f"{_header(report)}\n"
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav>\n<main id="main" tabindex="-1">\n'
        + "\n".join(section(*part) for part in shown)
        + f"\n</main>\n{_footer(report)}"
    )
    return document(f"{report.experiment}: {verdict.headline(report)}", body, skip="Skip to the results")


def _header(report: Report) -> str:
    first, *others = verdict.statements(report)
    leads = f'<ul class="lead">{"".join(f"<li>{escape(said)}</li>" for said in others)}</ul>' if others else ""
    asked = f'<p class="asked">{escape(report.description)}</p>' if report.description else ""
    terms = f'<p class="terms">{escape(in_short(JUDGE_METRIC, report.judged_by))} <a href="#meanings">All terms</a></p>'
    return (
        f'<header><p class="over">Recipe comparison <span>{escape(report.experiment)}</span></p>{asked}'
        f"<h1>{escape(verdict.headline(report))}</h1>"
        f'<div class="verdict"><div><p class="lead">{escape(first)}</p>{leads}{terms if report.best else ""}</div>'
        f"{_leads(report)}</div>"
        f"{_notices(report)}</header>"
    )


def _leads(report: Report) -> str:
    """The paired differences of the best recipe against all others, as one figure."""
    marks = []
    for row in report.comparisons:
        if row.metric != JUDGE_METRIC or report.best not in {row.a, row.b} or row.a == row.b:
            continue
        sign = 1 if row.a == report.best else -1
        low, high = sorted((sign * row.low, sign * row.high))
        difference, over = sign * row.difference, row.b if sign == 1 else row.a
        baseline = over in report.baselines and over not in report.recipes
        marks.append(
            Mark(
                label=page_results.shown_name(report, over),
                value=difference,
                low=low,
                high=high,
                text=signed_with_ends(difference, low, high),
                tone="baseline" if baseline else "recipe",
            )
        )
    marks.sort(key=lambda mark: mark.value)
    chart = differences(
        marks,
        identity="leads",
        title=f"Lead of {report.best} in {metric_name(JUDGE_METRIC)}, with 95% intervals",
    )
    if not chart:
        return ""
    return (
        f'<figure class="leads"><figcaption><strong>Lead of {escape(report.best)} in {metric_name(JUDGE_METRIC)}'
        "</strong> over each of the others, with 95% intervals of the difference on the same users. Where an interval"
        f" reaches zero, chance may explain the lead. Filled: recipes. Hollow: baselines.</figcaption>{chart}</figure>"
    )


def _notices(report: Report) -> str:
    """What must be known before the first figure is believed."""
    said = []
    local = [name for name, row in report.recipes.items() if row.approximation]
    if local:
        said.append(
            "<strong>Local approximations.</strong> "
            + ("All recipes here" if len(local) == len(report.recipes) else escape(", ".join(local)))
            + " were trained as this project's own models on this machine, not by Amazon Personalize. They follow what"
            " is published of the recipes; the service may do better or worse."
        )
    replaced = [(name, row.recipe_trained) for name, row in report.recipes.items() if row.recipe_trained != name]
    if replaced:
        pairs = ", ".join(f"{escape(trained)} for {escape(name)}" for name, trained in replaced)
        said.append(f"<strong>Successors.</strong> AWS no longer trains some recipes; trained in their place: {pairs}.")
    for status, word in (("failed", "Failed"), ("skipped", "Skipped")):
        names = [name for name, row in report.recipes.items() if row.status == status]
        if names:
            said.append(
                f"<strong>{word}: {escape(', '.join(names))}.</strong> The reason is in"
                ' <a href="#compared">What was compared</a>.'
            )
    return f'<ul class="notices">{"".join(f"<li>{text}</li>" for text in said)}</ul>' if said else ""


def _footer(report: Report) -> str:
    duration = verdict.took(report)
    took = "" if duration is None else f" ({seconds(duration)})"
    where = "Amazon Personalize on AWS" if report.backend == "aws" else "the local cloud, without AWS"
    return (
        f"<footer><p>Run {code(report.run_id)} on {where}, {escape(moment(report.started_at))} to"
        f" {escape(moment(report.finished_at))}{took}; {plural(report.evaluated_users, 'user')} asked."
        f" Made from report.json, schema {escape(report.schema)}.</p></footer>"
    )
