"""Judges a recipe's answers by the held-out future: one value per user and metric, in three views.

A recipe that was asked in a context has further judgements, on the same rows: its answers without the context, and with
each field of it shuffled. Beside a recipe that was asked for cold items, policies without a training are judged on
the same users (evaluation.cold_policies), and what introducing an item takes is simulated for all.

Calls: s3:GetObject data/*, s3:GetObject runs/*/answers/*, s3:ListBucket, s3:PutObject runs/*/judged/*.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from contract import layout
from contract.plan import Judged, Judging
from contract.recipes import Question
from contract.results import shuffled, without_context
from evaluation.cases import Case, Context, examples
from evaluation.judge import judge as judge_answers
from lambdas.aws import Clients
from lambdas.cold_start import introduced, judge_policies
from lambdas.errors import DataMissing
from lambdas.published import Published
from lambdas.task import task

SHOWN = 10
"""Items of a list, of a past or of a future that the report shows."""


def judge(event: Judging, aws: Clients) -> Judged:
    """Writes the recipe's judgement."""
    run = event.run
    published = Published(run=run, aws=aws)
    cases = published.cases(Question(event.question))
    if not cases:
        raise DataMissing(
            f"{event.recipe}: nobody can be asked: no user has a past and held-out items that the question"
            f" {event.question!r} is judged by; choose another hold-out in the experiment"
        )
    answers: dict[str, list[str]] = {}
    in_context: dict[tuple[str, Context], list[str]] = {}
    mixed: dict[str, dict[tuple[str, Context], list[str]]] = {}
    for line in aws.read_json_lines(run.bucket, layout.answers_prefix(run.run_id, event.subject)):
        # Interned: the same few thousand ids stand in every list, and as new strings each would not fit into memory.
        items = [sys.intern(item) for item in line["items"]]
        if "context" in line:
            of = mixed.setdefault(line["shuffled"], {}) if "shuffled" in line else in_context
            of[line["user"], tuple(line["context"].items())] = items
        else:
            answers[line["user"]] = items

    own = event.subject == event.recipe  # of a variant nothing but its figures is looked at
    of_new_items = own and event.question == Question.COLD_ITEMS

    def write(subject: str, in_context: Mapping[tuple[str, Context], Sequence[str]]) -> str:
        judged = judge_answers(
            subject,
            event.question,
            cases=cases,
            answers=answers,
            catalogue=published.catalogue,
            in_context=in_context,
            bands=published.bands,
        )
        if of_new_items:
            judged.introducing = introduced(answers, cases, published)
        judged.shown = _shown(examples(cases, seed=run.evaluation.seed), published, answers, in_context)
        key = layout.judgement(run.run_id, subject)
        aws.write_json(run.bucket, key, judged.to_json())
        return key

    if of_new_items:
        judge_policies(cases, published)
    if in_context and own:
        write(without_context(event.recipe), {})
    for name, others in mixed.items():
        write(shuffled(event.recipe, name), {**in_context, **others})
    return Judged(key=write(event.subject, in_context), users=len(cases))


def _shown(
    users: Sequence[Case],
    published: Published,
    answers: Mapping[str, Sequence[str]],
    in_context: Mapping[tuple[str, Context], Sequence[str]],
) -> list[dict[str, Any]]:
    """What the report shows of these users and of the answers to them."""
    made = []
    for case in users:
        lists: dict[Context, Sequence[str]] = {(): answers[case.user]}
        lists |= {context: items for (user, context), items in in_context.items() if user == case.user}
        made.append(
            {
                "user": case.user,
                "past": published.past.history(case.user)[-SHOWN:],
                "future": published.future.history(case.user)[:SHOWN],
                "answers": [
                    {"context": dict(context), "items": list(items[:SHOWN])} for context, items in lists.items()
                ],
            }
        )
    return made


handler = task(Judging, judge)
