"""The removal matrix: which scenario asks for a grant, and what fails when it is taken away."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cleaning import cleaning
from deployed_stack import deployed_stack, start_synth_of
from deployed_world import World
from grown_quickstart import optioned_quickstart, write
from ministack.core.iam_evaluator import fnmatch_iam_cs
from recorded import Question, Record, answers
from scenarios import NO_LOG, Scenario, scenarios

from local_cloud import server
from tools.permissions import Grant, Proof, documented

TRIES = 4
"""Scenarios that a grant is tried with, in their order: cheap ones first."""
DENIED = ("not authorized to perform", r"does not allow \S+ to perform")
LOGGING = ("logs:CreateLogStream", "logs:PutLogEvents")


@dataclass(frozen=True)
class Whole:
    """A scenario with every grant in place."""

    scenario: Scenario
    seconds: float
    asked: set[Question]
    told: str


@contextmanager
def world(work: Path, *, events: bool) -> Iterator[World]:
    """A deployed stack in which runs have been, with a record of what is asked."""
    file = work / "record.jsonl"
    os.environ[server.RECORD] = str(file)
    try:
        experiment = write(work / "experiment", optioned_quickstart())
        with deployed_stack(work, synthesize=lambda line: start_synth_of(line, [experiment])) as deployed:
            deployed.experiment = str(experiment)
            made = World(deployed, Record(file))
            made.prepare(events=events)
            yield made
    finally:
        os.environ.pop(server.RECORD, None)  # another world may have been made meanwhile


def every(made: World) -> list[Scenario]:
    return [*scenarios(made), *cleaning(made)]


def observe(made: World, scenario: Scenario) -> Whole:
    """The scenario as it is without a removal."""
    made.record.forget()
    begin = time.monotonic()
    told = scenario.run()
    return Whole(scenario, time.monotonic() - begin, made.record.questions(), told)


def names(grant: Grant, resource: str, told: str) -> bool:
    """Whether what a person reads is a denial of that action, and of that resource where one is named."""
    if grant.action == "sts:AssumeRole":
        return "is not authorized to assume the role" in told
    if grant.action in LOGGING:
        return told == NO_LOG
    denied = re.search(
        rf"(?:{'|'.join(DENIED)}):? {re.escape(grant.action)}(?: on (?:resource: )?\"?([^\s\"]+))?", told
    )
    return bool(denied) and (not denied[1] or fnmatch_iam_cs(denied[1].strip("\\"), resource))


def prove(made: World, grant: Grant, whole: Whole) -> tuple[Proof | None, str]:
    """The scenario without the grant: the proof, if it tells of the action, and what it tells."""
    resource = made.stack.asked(grant)[2]
    if names(grant, resource, whole.told):
        return None, "it tells so with the grant as well"
    with made.stack.without(grant):
        told = whole.scenario.run()
    return Proof(whole.scenario.name, excerpt(grant, told)) if names(grant, resource, told) else None, told


def excerpt(grant: Grant, told: str) -> str:
    """The words around the denial, without the session and the ARNs that differ from stack to stack."""
    if told == NO_LOG:
        return told
    if grant.action == "sts:AssumeRole":
        return "… is not authorized to assume the role …"
    if "does not allow personalize.amazonaws.com" in told:
        return f"the policy of the resource does not allow personalize.amazonaws.com to perform {grant.action}"
    return f"… is not authorized to perform: {grant.action} …"


def prove_all(made: World, wanted: Iterable[Grant], say: Callable[[str], None]) -> dict[Grant, Proof]:
    """A proof for every grant that has one; those that only the documentation demands are not tried."""
    kept = [grant for grant in sorted(wanted) if documented(grant)]
    left, proofs = sorted(set(wanted) - set(kept)), {}
    for late in (0, 1, 2):
        wholes = [observe(made, scenario) for scenario in every(made) if scenario.late == late]
        for whole in wholes:
            say(f"{whole.seconds:5.1f} s  {whole.scenario.name}  {whole.told[:160]}")
        for grant in left:
            for whole in asking(made, grant, wholes):
                begin = time.monotonic()
                proof, told = prove(made, grant, whole)
                if proof:
                    proofs[grant] = proof
                    say(f"{time.monotonic() - begin:5.1f} s  {grant.holder} {grant.action} {grant.resource}: {proof}")
                    break
                say(f"   no   {grant}: {whole.scenario.name} says {told[:300]!r}")
        left = [grant for grant in left if grant not in proofs]
    for word, grants in (("documented", kept), ("NEITHER", left)):
        for grant in grants:
            say(f"{word}  {grant}")
    return proofs


def asking(made: World, grant: Grant, wholes: Iterable[Whole]) -> list[Whole]:
    """Scenarios in which the grant is asked for: those that succeed with it before others."""
    resolved = made.stack.asked(grant)
    asking = [whole for whole in wholes if any(answers(resolved, question) for question in whole.asked)]
    fit = [whole for whole in asking if whole.scenario.of_log == (grant.action in LOGGING)]
    return sorted(fit, key=lambda whole: bool(whole.told))[:TRIES]
