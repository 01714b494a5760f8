"""The parts of the page around the figures: what was compared on what, what the words mean, how to run it again."""

from __future__ import annotations

import shlex
from typing import Any

from contract.recipes import RECIPES
from contract.results import REPEATS_DECIDE, RecipeResult, Report
from evaluation.markup import Cell, Group, Row, code, escape, facts, table
from evaluation.nested import is_number, nested, scalar
from evaluation.page_results import recipe_head
from evaluation.words import (
    BASELINES,
    METRIC_MEANINGS,
    MISSING,
    QUESTIONS,
    READINGS,
    baseline_name,
    count,
    metric_name,
    moment,
    number,
    plural,
    seconds,
    sentence_case,
)

_KNOWN_DATA = {
    "schema", "experiment", "version", "counts", "dropped", "duplicates", "repeats_share", "best_reachable",
    "created_at", "holdout", "hold_out",
}  # fmt: skip


def compared(report: Report) -> str:
    """Which recipes, what was trained for each, how it ended; and the baselines."""
    past, future = (_counts(report, part) for part in ("past", "future"))
    judged = sum(row.status == "succeeded" for row in report.recipes.values())
    said = f"<p>{plural(len(report.recipes), 'recipe')}"
    said += "" if judged == len(report.recipes) else f", of which {judged} could be judged"
    said += f". All learn from the same past{f': {past}' if past else ''}. They were asked for recommendations for"
    said += f" {plural(report.evaluated_users, 'user')}, and the answers compared with what these users did next,"
    said += f" which was hidden from every recipe{f': {future}' if future else ''}.</p>"
    rows = [
        Row(
            head=recipe_head(name, row, best=name == report.best, full=True),
            cells=[
                Cell(html=escape(RECIPES[name].purpose if name in RECIPES else MISSING), kind="t"),
                Cell(html=escape(_question(row)), kind="t"),
                Cell(html=_ending(row), kind="t"),
                Cell(html=count(row.evaluated_users), kind="n"),
                Cell(html=seconds(row.training_seconds), kind="n"),
            ],
        )
        for name, row in report.recipes.items()
    ]
    said += "<p>Which recipe answers which question, with figures: <code>docs/choosing-a-recipe.md</code>.</p>"
    columns = ["What it is for", "What was asked", "Result", "Users judged", "Training"]
    parts = [said, table("Recipes of this experiment", columns, [Group(rows=rows)], first="Recipe")] if rows else [said]
    if report.baselines:
        pairs = [
            (sentence_case(baseline_name(name)), escape(BASELINES.get(name, "a ranking made from the past alone")))
            for name in report.baselines
        ]
        parts.append(f"<h3>Baselines</h3><p>What a recipe has to beat to be worth its price.</p>{facts(pairs)}")
    return "".join(parts)


def data(report: Report) -> str:
    """Counts, what was dropped and why, the hold-out, and whatever else the manifest says."""
    found = report.data
    pairs = [(sentence_case(part), said) for part in _parts(report) if (said := _counts(report, part))]
    if is_number(found.get("duplicates")):
        pairs.append(("Duplicates", f"{count(found['duplicates'])} rows equal to an earlier one, kept once"))
    if is_number(found.get("repeats_share")):
        pairs.append(
            (
                "Repeats",
                f"{found['repeats_share']:.1%} of the held-out rows are with an item of the user's past; above"
                f" {REPEATS_DECIDE:.0%}, “returned” decides, else “unseen”",
            )
        )
    if found.get("best_reachable") is not None:
        pairs.append(("Best reachable", f"{_reachable(found['best_reachable'])}, known because the data are generated"))
    if found.get("version") is not None:
        pairs.append(("Version of the data", code(found["version"])))
    if found.get("created_at") is not None:
        pairs.append(("Published", escape(moment(str(found["created_at"])))))
    rest = {key: value for key, value in found.items() if key not in _KNOWN_DATA}
    return (
        facts(pairs)
        + f"<h3>Hold-out</h3>{_hold_out(report.hold_out)}"
        + f"<h3>Dropped rows</h3>{_dropped(found.get('dropped'))}"
        + (f"<h3>More about the data</h3>{nested(rest)}" if rest else "")
    )


def meanings(report: Report) -> str:
    """Plain explanations of every reading and metric."""
    readings = [
        (f"“{view}”" + (" (decides)" if view == report.judged_by else ""), escape(said))
        for view, said in READINGS.items()
    ]
    return (
        "<h3>Three readings of the same answers</h3>"
        f"<p>Each recipe was asked once per user; the list that came back is read in three ways.</p>{facts(readings)}"
        "<h3>Metrics</h3><p>All lie between 0 and 1, higher is better, and are means over users.</p>"
        + facts([(term, escape(said)) for term, said in METRIC_MEANINGS])
        + "<h3>Intervals</h3><p>95% bootstrap intervals: the users are drawn again and again with replacement, and"
        " the middle 95% of the means is shown. All recipes share the same draws, so the interval of a difference is"
        " narrower than the intervals of its two sides suggest: judge a lead by its own interval. Intervals tell how"
        " much depends on which users were asked; training again with another seed would add to it.</p>"
    )


def reproduce(report: Report) -> str:
    """Commands and identifiers."""
    name = shlex.quote(report.experiment)
    local = f"make run EXPERIMENT={name}"
    cloud = f"make deploy EXPERIMENT={name}\npython -m data_prep {name} --stack"
    steps = [
        ("On this machine, without AWS" if report.backend == "local" else "On a laptop, without AWS", local, ""),
        ("On AWS", cloud, "<p>Then start the state machine with the input <code>{}</code>.</p>"),
    ]
    if report.backend == "aws":
        steps.reverse()
    parts = [f"<h3>{heading}</h3><pre><code>{escape(command)}</code></pre>{after}" for heading, command, after in steps]
    parts.append("<p>Add <code>DATA=folder</code> (<code>--data folder</code>) if the experiment reads your files.</p>")
    arns = [(name, code(row.solution_version_arn)) for name, row in report.recipes.items() if row.solution_version_arn]
    if arns:
        parts.append(f"<h3>Solution versions</h3>{facts(arns)}")
    return "".join(parts)


def _ending(row: RecipeResult) -> str:
    said = escape(row.status)
    if row.failure_reason:
        said += f": <span class='reason'>{escape(row.failure_reason)}</span>"
    if row.short_lists:
        said += f"; {plural(row.short_lists, 'user')} with fewer than 25 unseen items"
    return said


def _question(row: RecipeResult) -> str:
    return QUESTIONS.get(row.question, sentence_case(row.question))


def _parts(report: Report) -> list[str]:
    counts = report.data.get("counts")
    return list(counts) if isinstance(counts, dict) else []


def _counts(report: Report, part: str) -> str:
    """`1,204 interactions, 600 users, 400 items` of the past or the future; markup, empty if unknown."""
    counts = report.data.get("counts")
    found = counts.get(part) if isinstance(counts, dict) else None
    if is_number(found):
        return count(found)
    if not isinstance(found, dict):
        return ""
    return ", ".join(f"{scalar(value)} {escape(key.replace('_', ' '))}" for key, value in found.items())


def _hold_out(found: dict[str, Any]) -> str:
    """The hold-out as a sentence where its kind is known, and always as configured."""
    share = escape(found.get("share", ""))
    said = {
        "last": f"Per user, the newest {share} of the interactions are the future, the rest is the past. Users with"
        " fewer than two interactions stay in the past.",
        "after": f"Everything from {escape(found.get('timestamp', ''))} (Unix seconds) on is the future.",
        "cold": f"A {share} share of the items is cold: every interaction with them is the future, the rest the past.",
    }.get(str(found.get("kind")), "")
    return (
        f"<p>{said}</p>{nested({key: value for key, value in found.items() if key != 'kind'})}"
        if said
        else nested(found)
    )


def _dropped(found: Any) -> str:
    if not found:
        return "<p>No row of the source was dropped.</p>"
    if not isinstance(found, list) or not all(isinstance(row, dict) and "reason" in row for row in found):
        return nested(found)
    rows = [
        Row(
            head=escape(row["reason"]),
            cells=[
                Cell(html=scalar(row.get("rows")), kind="n"),
                Cell(html=nested(row.get("first_lines")) or MISSING),
            ],
        )
        for row in found
    ]
    return table("Rows of the source that were left out", ["Rows", "First lines"], [Group(rows=rows)], first="Reason")


def _reachable(found: Any) -> str:
    if is_number(found):
        return f"P@10 {number(found)}"
    if isinstance(found, dict) and all(is_number(value) for value in found.values()):
        return ", ".join(f"{escape(metric_name(str(key)))} {number(value)}" for key, value in found.items())
    return nested(found)
