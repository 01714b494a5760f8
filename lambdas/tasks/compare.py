"""Compares what was judged and writes report.json; says which recipes failed and which is best.

A failed recipe has a row with its reason and no figures; it stops nothing.

Calls: s3:GetObject data/*/titles.csv, s3:GetObject runs/*/plan.json, s3:GetObject runs/*/judged/*,
s3:GetObject runs/*/events.json, s3:GetObject runs/*/costs.json, s3:ListBucket, s3:PutObject reports/*/report.json.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from contract import layout
from contract.as_json import to_json
from contract.manifest import Manifest
from contract.plan import Ask, Compare, Compared, Run, TrainingOutcome, TrainingPlan
from contract.results import (
    Example,
    RecipeResult,
    Report,
    without_context,
)
from evaluation.baselines import BASELINES
from evaluation.compare import Outcome
from evaluation.compare import compare as compare_judgements
from evaluation.judge import Judgement
from evaluation.serving import on_serving
from evaluation.verdict import sentence
from lambdas.aws import Clients, NoSuchObject
from lambdas.cold_start import of_new_items
from lambdas.costs import costs_of
from lambdas.importance import of_fields
from lambdas.outcomes import ended_as, judgement_if_succeeded, judgement_if_there, judgement_of, outcome_of, why_not
from lambdas.published import Published
from lambdas.task import task


def compare(event: Compare, aws: Clients) -> Compared:
    """Writes report.json (contract.results) and returns the verdict for the notification."""
    run = event.run
    rows = {}
    judged: dict[str, Judgement] = {}
    untold: dict[str, Judgement] = {}
    for plan in event.trainings:
        outcome = outcome_of(plan, event.outcomes)
        for ask in plan.asks:
            if ask.subject != ask.recipe:
                continue
            rows[ask.recipe], judgement = _row(run, plan, ask, outcome, aws)
            if judgement:
                judged[ask.recipe] = judgement
                if other := judgement_if_there(run, without_context(ask.recipe), aws):
                    untold[ask.recipe] = other
    baselines = [judgement_of(run, name, aws) for name in BASELINES]
    manifest = Manifest.from_json(aws.read_json(run.bucket, layout.plan(run.run_id))["manifest"])
    result = compare_judgements(
        list(judged.values()),
        baselines,
        repeats_share=manifest.repeats_share,
        resamples=run.evaluation.resamples,
        seed=run.evaluation.seed,
        untold=list(untold.values()),
    )
    for name, judgement in judged.items():
        _fill(rows[name], judgement, result)
    report = Report(
        experiment=run.experiment,
        run_id=run.run_id,
        backend=run.backend,
        started_at=run.started_at,
        finished_at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        data=_data(manifest),
        hold_out=manifest.holdout,
        evaluated_users=len(baselines[0].users),
        judged_by=result.judged_by,
        recipes=rows,
        baselines=result.baselines,
        comparisons=result.comparisons,
        best=result.best,
        events=_events(run, aws),
        description=run.description,
    )
    report.costs = costs_of(event, aws)
    report.cold_start = of_new_items(run, judged, aws, view=result.judged_by)
    report.importance = of_fields(event, judged, aws, view=result.judged_by)
    report.examples = _examples(judged.values())
    report.titles = Published(run=run, aws=aws).titles(_items_shown(report))
    key = layout.report(run.run_id, "json")
    aws.write_json(run.bucket, key, report.to_json())
    reasons = {name: row.failure_reason for name, row in rows.items() if row.status == "failed"}
    reasons |= {
        f"{row.recipe} without {row.field}": row.failure_reason for row in report.importance if row.failure_reason
    }
    failed = [*reasons]
    verdict = " ".join([sentence(report), *on_serving(report)])
    for name in failed:
        verdict += f" {name} failed: {reasons[name]}"
    return Compared(report_json=key, failed=failed, best=result.best, verdict=verdict)


handler = task(Compare, compare)


def _row(
    run: Run, plan: TrainingPlan, ask: Ask, outcome: TrainingOutcome | None, aws: Clients
) -> tuple[RecipeResult, Judgement | None]:
    """How one requested recipe ended, still without figures, and its judgement if it has one."""
    made = RecipeResult(
        recipe_requested=ask.recipe,
        recipe_trained=plan.trained,
        approximation=run.backend == "local",
        question=ask.question,
        status="failed",
    )
    ended = ended_as(outcome, ask)
    if outcome:
        made.solution_version_arn = outcome.solution_version_arn
        made.training_seconds = outcome.training_seconds
        made.tuned_hyperparameters = outcome.tuned_hyperparameters
        made.service_metrics = outcome.service_metrics
    made.promotion = ended.promotion if ended else None
    judgement = judgement_if_succeeded(run, ended, aws)
    if judgement:
        made.status = "succeeded"
    else:
        made.failure_reason = why_not(ended)
    return made, judgement


def _fill(row: RecipeResult, judgement: Judgement, result: Outcome) -> None:
    row.evaluated_users = len(judgement.users)
    row.short_lists = judgement.short_lists
    row.metrics = result.recipes[judgement.subject].metrics
    row.confidence = result.recipes[judgement.subject].confidence
    row.recall_by_activity = result.recipes[judgement.subject].by_activity
    row.recall_by_popularity = result.recipes[judgement.subject].by_popularity
    row.per_user = result.recipes[judgement.subject].per_user
    row.users_digest = result.recipes[judgement.subject].users_digest
    row.metrics_without_context = result.without_context.get(without_context(judgement.subject), {})


def _examples(judged: Iterable[Judgement]) -> list[Example]:
    """The users that answers were kept of."""
    made: dict[str, Example] = {}
    for judgement in judged:
        for shown in judgement.shown:
            about = {key: shown[key] for key in ("user", "past", "future")}
            example = made.setdefault(shown["user"], Example(**about, answers=[]))
            example.answers += [{"recipe": judgement.subject, **answer} for answer in shown["answers"]]
    return list(made.values())


def _items_shown(report: Report) -> set[str]:
    items = {item for example in report.examples for item in (*example.past, *example.future)}
    items.update(item for example in report.examples for answer in example.answers for item in answer["items"])
    for probe in (report.events or {}).get("probes", []):
        items.update(probe["new_events"], probe["before"], probe["after"])
    return items


def _data(manifest: Manifest) -> dict[str, Any]:
    """What the report says of the data: counts, what was left out and why, and for generated data the best possible."""
    value = to_json(manifest)
    kept = ("version", "counts", "dropped", "duplicates", "repeats_share", "best_reachable")
    return {key: value[key] for key in kept if key != "best_reachable" or value.get(key)}


def _events(run: Run, aws: Clients) -> dict[str, Any] | None:
    try:
        seen: dict[str, Any] = aws.read_json(run.bucket, layout.events(run.run_id))
    except NoSuchObject:
        return None
    return seen
