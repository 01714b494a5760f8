"""Asks a campaign for every user of the evaluation, as many as fit into one invocation; the machine calls it again.

One call per user with numResults = 500 and no filter: what users know already is dealt with when the answers are
judged (evaluation.views). Where the experiment has a context and the recipe reads it, one more call for each distinct
context of the user's held-out rows; the call without it tells what the context brings. Answers are written as JSON
lines, one object per slice, named by its first user's position, so that a slice that is repeated replaces itself.

Calls: personalize:GetRecommendations, personalize:GetPersonalizedRanking; s3:GetObject data/*, s3:ListBucket,
s3:PutObject runs/*/answers/*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from contract import layout
from contract.plan import DONE, PENDING, Asked, Asking
from contract.recipes import RECIPES, Question
from evaluation.cases import SHORT_LIST, Case, Context, common_contexts, examples
from evaluation.views import ASKED
from lambdas.aws import THREADS, Clients, is_throttling
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
"""One answer: user, items (best first), and the context that was given."""


def ask(asking: Asking, aws: Clients) -> Asked:
    """Asks from user number `next` on; PENDING with the next user's position if others are left."""
    published = Published(run=asking.run, aws=aws)
    question = Question(asking.question)
    cases = published.cases(question)
    shortlist = published.past.popular()[:SHORT_LIST] if question is Question.RANK_POPULAR else []
    answer = _caller(asking, question, shortlist, aws, shown=_shown(asking, cases))
    answers: list[Line] = []
    position, end = asking.next, min(asking.next + SLICE, len(cases))
    with ThreadPoolExecutor(THREADS) as pool:
        while position < end and (position == asking.next or aws.seconds_left() > RESERVE):
            chunk = cases[position : min(position + CHUNK, end)]
            done = _completed([pool.submit(answer, case) for case in chunk], first=position == asking.next)
            answers += [line for lines in done for line in lines]
            position += len(done)
            if len(done) < len(chunk):
                break
    if answers:
        aws.write_json_lines(asking.run.bucket, layout.answers(asking.run.run_id, asking.recipe, asking.next), answers)
    return Asked(status=DONE if position >= len(cases) else PENDING, next=position, users=len(cases))


handler = task(Asking, ask)


def _shown(asking: Asking, cases: list[Case]) -> dict[str, list[Context]]:
    """The users that a report shows, and the contexts in which it shows them side by side."""
    common = common_contexts(cases)
    return {case.user: common for case in examples(cases, seed=asking.run.evaluation.seed)}


def _caller(
    asking: Asking, question: Question, shortlist: list[str], aws: Clients, *, shown: Mapping[str, list[Context]]
) -> Callable[[Case], list[Line]]:
    """The calls that ask the question about one user: a line of answers without a context, then one for each."""
    campaign = asking.campaign_arn
    runtime = aws.runtime
    reads_context = RECIPES[asking.recipe].uses_metadata and question in {Question.USER, Question.RANK_POPULAR}

    def ranking(case: Case, **about: Any) -> list[str]:
        answer = runtime.get_personalized_ranking(campaignArn=campaign, userId=case.user, inputList=shortlist, **about)
        return [row["itemId"] for row in answer["personalizedRanking"]]

    def recommendations(case: Case, **about: Any) -> list[str]:
        about |= {"itemId": case.last_item} if question is Question.LAST_ITEM else {"userId": case.user}
        answer = runtime.get_recommendations(campaignArn=campaign, numResults=ASKED, **about)
        return [row["itemId"] for row in answer["itemList"]]

    one = ranking if question is Question.RANK_POPULAR else recommendations

    def every(case: Case) -> list[Line]:
        lines: list[Line] = [{"user": case.user, "items": one(case)}]
        for context in dict.fromkeys([*case.contexts, *shown.get(case.user, ())]):
            if context and reads_context:
                lines.append({"user": case.user, "context": dict(context), "items": one(case, context=dict(context))})
        return lines

    return every


def _completed(calls: list[Future[list[Line]]], *, first: bool) -> list[list[Line]]:
    """The answers up to the first call that was throttled, so that no finished work is lost; none at all raises.

    Calls that have not begun then do not begin: they would only be throttled, too, and use up the time.
    """
    done: list[list[Line]] = []
    for call in calls:
        try:
            done.append(call.result())
        except ClientError as error:
            for waiting in calls:
                waiting.cancel()
            if not is_throttling(error) or (first and not done):
                raise
            return done
    return done
