"""How trainings ended, and what was judged of them: what the second machine and the judging tasks left behind."""

from __future__ import annotations

import json
from collections.abc import Sequence

from contract import layout
from contract.plan import Ask, RecipeOutcome, Run, TrainingOutcome, TrainingPlan
from evaluation.judge import Judgement
from lambdas.aws import Clients, NoSuchObject


def outcome_of(plan: TrainingPlan, outcomes: Sequence[TrainingOutcome]) -> TrainingOutcome | None:
    """Trainings are told apart by what they serve: two may train the same recipe with other parameters."""
    served = {ask.subject for ask in plan.asks}
    return next((outcome for outcome in outcomes if {row.subject for row in outcome.recipes} == served), None)


def ended_as(outcome: TrainingOutcome | None, ask: Ask) -> RecipeOutcome | None:
    """None: nobody noted it."""
    return next((row for row in outcome.recipes if row.subject == ask.subject), None) if outcome else None


def why_not(ended: RecipeOutcome | None) -> str:
    """The reason that there is no judgement."""
    if ended and ended.status == "succeeded":
        return "its judgement is not in the bucket"
    return reason(ended.reason if ended else None)


def judgement_if_succeeded(run: Run, ended: RecipeOutcome | None, aws: Clients) -> Judgement | None:
    """None: there is nothing that counts, see `why_not`."""
    if ended is None or ended.status != "succeeded":
        return None
    return judgement_if_there(run, ended.subject, aws)


def judgement_if_there(run: Run, subject: str, aws: Clients) -> Judgement | None:
    """None: the subject was not judged."""
    try:
        return judgement_of(run, subject, aws)
    except NoSuchObject:
        return None


def judgement_of(run: Run, subject: str, aws: Clients) -> Judgement:
    """NoSuchObject if it is not in the bucket."""
    return Judgement.from_json(aws.read_json(run.bucket, layout.judgement(run.run_id, subject)))


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
