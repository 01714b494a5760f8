"""Compares what was judged and writes report.json; says which recipes failed and which is best.

A failed recipe has a row with its reason and no figures; it stops nothing.

Calls: s3:GetObject data/*/titles.csv, s3:GetObject runs/*/plan.json, s3:GetObject runs/*/judged/*,
s3:GetObject runs/*/events.json, s3:ListBucket, s3:PutObject reports/*/report.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from contract import layout
from contract.manifest import Manifest
from contract.plan import Ask, Compare, Compared, RecipeOutcome, Run, TrainingOutcome, TrainingPlan, to_json
from contract.results import Example, RecipeResult, Report, without_context
from evaluation.baselines import BASELINES
from evaluation.compare import Outcome
from evaluation.compare import compare as compare_judgements
from evaluation.judge import Judgement
from evaluation.verdict import sentence
from lambdas.aws import Clients, NoSuchObject
from lambdas.published import Published
from lambdas.task import task


def compare(event: Compare, aws: Clients) -> Compared:
    """Writes report.json (contract.results) and returns the verdict for the notification."""
    run = event.run
    rows = {}
    judged: dict[str, Judgement] = {}
    untold: dict[str, Judgement] = {}
    for plan in event.trainings:
        outcome = next((o for o in event.outcomes if _is_of(o, plan)), None)
        for ask in plan.asks:
            rows[ask.recipe], judgement = _row(run, plan, ask, outcome, aws)
            if judgement:
                judged[ask.recipe] = judgement
                if other := _if_there(run, without_context(ask.recipe), aws):
                    untold[ask.recipe] = other
    baselines = [_judgement(run, name, aws) for name in BASELINES]
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
    )
    report.examples = _examples(judged.values())
    report.titles = Published(run=run, aws=aws).titles(_items_shown(report))
    key = layout.report(run.run_id, "json")
    aws.write_json(run.bucket, key, report.to_json())
    failed = [name for name, row in rows.items() if row.status == "failed"]
    verdict = sentence(report)
    for name in failed:
        verdict += f" {name} failed: {rows[name].failure_reason}"
    return Compared(report_json=key, failed=failed, best=result.best, verdict=verdict)


handler = task(Compare, compare)


def reason(text: str | None) -> str:
    """The words of the innermost error in what Step Functions caught.

    A caught error is {"Error": name, "Cause": text}. The cause of a Lambda function's error is JSON with errorType and
    errorMessage; the cause of a child execution's failure is JSON with the child's own Error and Cause, or
    with its Status alone if it was stopped or ran out of time.

    >>> reason('{"Error":"ResourceFailed","Cause":"{\\\\"errorMessage\\\\":\\\\"solution x failed: no data\\\\"}"}')
    'solution x failed: no data'
    """
    if not text:
        return "no reason was given"
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not isinstance(value, dict):
        return text
    if message := value.get("errorMessage"):
        return str(message)
    error = value.get("Error")
    if cause := value.get("Cause"):
        inner = reason(str(cause))
        return f"{error}: {inner}" if error and inner == cause else inner
    if not error and (status := value.get("Status")):
        return f"the execution {value.get('Name')} ended as {status}"
    return str(error or text)


def _is_of(outcome: TrainingOutcome, plan: TrainingPlan) -> bool:
    """Trainings are told apart by the recipes they serve: two may train the same recipe with other parameters."""
    return {row.recipe for row in outcome.recipes} == {ask.recipe for ask in plan.asks}


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
    ended = next((row for row in outcome.recipes if row.recipe == ask.recipe), None) if outcome else None
    if outcome:
        made.solution_version_arn = outcome.solution_version_arn
        made.training_seconds = outcome.training_seconds
        made.tuned_hyperparameters = outcome.tuned_hyperparameters
        made.service_metrics = outcome.service_metrics
    judgement = _judged(run, ended, aws)
    if judgement:
        made.status = "succeeded"
    elif ended and ended.status == "succeeded":
        made.failure_reason = "its judgement is not in the bucket"
    else:
        made.failure_reason = reason(ended.reason if ended else None)
    return made, judgement


def _judged(run: Run, ended: RecipeOutcome | None, aws: Clients) -> Judgement | None:
    if ended is None or ended.status != "succeeded":
        return None
    return _if_there(run, ended.recipe, aws)


def _if_there(run: Run, subject: str, aws: Clients) -> Judgement | None:
    try:
        return _judgement(run, subject, aws)
    except NoSuchObject:
        return None


def _judgement(run: Run, subject: str, aws: Clients) -> Judgement:
    return Judgement.from_json(aws.read_json(run.bucket, layout.judgement(run.run_id, subject)))


def _fill(row: RecipeResult, judgement: Judgement, result: Outcome) -> None:
    row.evaluated_users = len(judgement.users)
    row.short_lists = judgement.short_lists
    row.metrics = result.recipes[judgement.subject].metrics
    row.confidence = result.recipes[judgement.subject].confidence
    row.recall_by_activity = result.recipes[judgement.subject].by_activity
    row.recall_by_popularity = result.recipes[judgement.subject].by_popularity
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
