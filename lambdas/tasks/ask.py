"""Asks a campaign for every user of the evaluation, as many as fit into one invocation; the machine calls it again.

One call per user with numResults = 500 and no filter: what users know already is dealt with when the answers are
judged (evaluation.views). Where the experiment has a context and the recipe reads it, one more call for each distinct
context of the user's held-out rows; the call without it tells what the context brings, and one for each of its fields
with another request's value of it tells what the field brings (evaluation.importance). Answers are written as JSON
lines, one object per slice, named by its first user's position, so that a slice that is repeated replaces itself.

Calls: personalize:GetRecommendations, personalize:GetPersonalizedRanking; s3:GetObject data/*, s3:ListBucket,
s3:PutObject runs/*/answers/*.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from contract import layout
from contract.plan import DONE, PENDING, Asked, Asking
from contract.recipes import RECIPES, Question
from evaluation.cases import SHORT_LIST, Case, Context, common_contexts, examples, shuffled
from evaluation.views import ASKED
from lambdas.aws import THREADS, Clients, is_fault, is_throttling
from lambdas.published import Published
from lambdas.task import task

RESERVE = 300.0
"""Seconds of an invocation that are kept for a chunk whose calls are all throttled (botocore tries each again for up
to 71 seconds, and a thread has four of them), and for writing the answers."""
SLICE = 10_000
"""Users in one invocation at most: 500 item ids of a user take about 30 KB of memory."""
CHUNK = 4 * THREADS
"""Users between two looks at the clock."""
Line = dict[str, Any]
"""One answer: user, items (best first), the context that was given, and which of its fields was another request's."""
Answers = tuple[list[Line], int]
"""The answers about one user, and how many requests were made for them: equal ones are made once."""


def ask(asking: Asking, aws: Clients) -> Asked:
    """Asks from user number `next` on; PENDING with the next user's position if others are left."""
    published = Published(run=asking.run, aws=aws)
    question = Question(asking.question)
    cases = published.cases(question)
    shortlist = published.past.popular()[:SHORT_LIST] if question is Question.RANK_POPULAR else []
    questions = _Questions(asking, cases)
    answer = _caller(asking, question, shortlist, aws, questions)
    answers: list[Line] = []
    requests = asking.requests
    position, end = asking.next, min(asking.next + SLICE, len(cases))
    with ThreadPoolExecutor(THREADS) as pool:
        while position < end and (position == asking.next or aws.seconds_left() > RESERVE):
            chunk = cases[position : min(position + CHUNK, end)]
            done = _completed([pool.submit(answer, case) for case in chunk], first=position == asking.next)
            answers += [line for lines, _ in done for line in lines]
            requests += sum(made for _, made in done)
            position += len(done)
            if len(done) < len(chunk):
                break
    if answers:
        aws.write_json_lines(asking.run.bucket, layout.answers(asking.run.run_id, asking.subject, asking.next), answers)
    return Asked(status=DONE if position >= len(cases) else PENDING, next=position, users=len(cases), requests=requests)


handler = task(Asking, ask)


class _Questions:
    """The contexts in which each user is asked."""

    def __init__(self, asking: Asking, cases: list[Case]) -> None:
        settings, row = asking.run.evaluation, RECIPES[asking.recipe]
        self._reads_context = row.uses_metadata and row.question in {Question.USER, Question.RANK_POPULAR}
        self._common: list[Context] = []
        self._examples: set[str] = set()
        self._shuffled: dict[str, dict[tuple[str, Context], Context]] = {}
        if asking.subject == asking.recipe:  # a variant is only judged
            self._common = common_contexts(cases)
            self._examples = {case.user for case in examples(cases, seed=settings.seed)}
            self._shuffled = {name: shuffled(cases, name, seed=settings.seed) for name in settings.context}

    def told(self, case: Case) -> list[Context]:
        """The contexts of the user's held-out rows, and for users whom a report shows those that are shown."""
        if not self._reads_context:
            return []
        shown = self._common if case.user in self._examples else []
        return [context for context in dict.fromkeys([*case.contexts, *shown]) if context]

    def shuffled(self, case: Case, context: Context) -> dict[str, Context]:
        """{field: the context with another request's value of it}"""
        found = {name: others.get((case.user, context)) for name, others in self._shuffled.items()}
        return {name: other for name, other in found.items() if other}


def _caller(
    asking: Asking, question: Question, shortlist: list[str], aws: Clients, questions: _Questions
) -> Callable[[Case], Answers]:
    """The calls that ask the question about one user: a line of answers without a context, then for each context."""
    campaign = asking.campaign_arn
    runtime = aws.runtime

    def ranking(case: Case, **about: Any) -> list[str]:
        answer = runtime.get_personalized_ranking(campaignArn=campaign, userId=case.user, inputList=shortlist, **about)
        return [row["itemId"] for row in answer["personalizedRanking"]]

    def recommendations(case: Case, **about: Any) -> list[str]:
        about |= {"itemId": case.last_item} if question is Question.LAST_ITEM else {"userId": case.user}
        answer = runtime.get_recommendations(campaignArn=campaign, numResults=ASKED, **about)
        return [row["itemId"] for row in answer["itemList"]]

    one = ranking if question is Question.RANK_POPULAR else recommendations

    def every(case: Case) -> Answers:
        lines: list[Line] = [{"user": case.user, "items": one(case)}]
        found: dict[Context, list[str]] = {}

        def told(context: Context) -> list[str]:
            if context not in found:
                found[context] = one(case, context=dict(context))
            return found[context]

        for context in questions.told(case):
            about: Line = {"user": case.user, "context": dict(context)}
            lines.append({**about, "items": told(context)})
            for name, other in questions.shuffled(case, context).items():
                lines.append({**about, "shuffled": name, "items": told(other)})
        return lines, 1 + len(found)

    return every


def _completed(calls: list[Future[Answers]], *, first: bool) -> list[Answers]:
    """The answers up to the first call that was throttled or that AWS failed in, so that no finished work is lost.

    None at all raises. Calls that have not begun then do not begin: they would only fail, too, and use up the time.
    """
    done: list[Answers] = []
    for call in calls:
        try:
            done.append(call.result())
        except ClientError as error:
            for waiting in calls:
                waiting.cancel()
            if not (is_throttling(error) or is_fault(error)) or (first and not done):
                raise
            return done
    return done
