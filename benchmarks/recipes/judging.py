"""From the lists of a work's cells to the figures of the page: means, intervals, paired differences, costs.

All lists go through `evaluation.judge`, all intervals through `evaluation.bootstrap` with the same draws, so that every
difference is paired. With several seeds a user's value is the mean over them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, stdev
from typing import Any

from benchmarks.recipes.exchange import Answer, read_rows
from benchmarks.recipes.subjects import COUNTS, EASE, Subject
from benchmarks.recipes.works import Prepared
from contract.fields import ITEM_ID, TIMESTAMP, USER_ID
from contract.results import VIEWS, View, without_context
from evaluation.bootstrap import difference, interval, resample
from evaluation.cases import Case, cases, contexts
from evaluation.compare import decisive_view
from evaluation.interactions import Interactions
from evaluation.judge import Judgement, judge

SHOWN = {
    "precision_at_5": "P@5",
    "precision_at_10": "P@10",
    "precision_at_25": "P@25",
    "mean_reciprocal_rank_at_25": "MRR@25",
    "normalized_discounted_cumulative_gain_at_10": "NDCG@10",
}
PLAIN, WITH_METADATA = "aws-hrnn", "aws-hrnn-metadata"
RESAMPLES = 1000
SEED = 0
Interval = tuple[float, float, float]
"""Value, low, high (95 %)."""


@dataclass(kw_only=True)
class Line:
    """One subject on one work."""

    name: str
    kind: str
    about: str
    question: str
    """Whoever was asked another question is not set beside anybody."""
    seeds: int
    """Trainings that the figures are the mean of; 0: not run, or it failed."""
    wanted: int
    failure: str = ""
    values: dict[str, dict[str, Interval]] = field(default_factory=dict)
    """{view: {metric: …}}"""
    spread: dict[str, dict[str, float]] = field(default_factory=dict)
    """{view: {metric: standard deviation over the seeds}}, with more than one."""
    differences: dict[str, dict[str, Interval]] = field(default_factory=dict)
    """{the other subject: {metric: …}} in the reading that decides."""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    per_second: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    """Commit, machine, date of the run that wrote it."""


@dataclass(kw_only=True)
class Result:
    """A work's part of the page."""

    work: str
    about: str
    family: str
    counts: dict[str, dict[str, int]]
    users: int
    decides: View
    best_reachable: dict[str, float]
    lines: list[Line]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def completed(self, earlier: Result) -> None:
        """Takes over the lines of an earlier result for whoever was not run now, if it was the same work."""
        if (earlier.counts, earlier.users) != (self.counts, self.users):
            return
        lines: list[Line] = []
        for line in self.lines:
            if line.seeds or line.failure:
                lines.append(line)
            else:
                names = (line.name, without_context(line.name))
                lines += [old for old in earlier.lines if old.name in names and old.seeds] or [line]
        self.lines = lines

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Result:
        """The inverse of `to_json`; ValueError if another version of this program wrote it."""
        try:
            return cls(**{**value, "lines": [Line(**line) for line in value["lines"]]})
        except (KeyError, TypeError) as error:
            raise ValueError(f"a result of another version: {error}") from None


class Judge:
    """A work's questions and truths."""

    def __init__(self, work: Prepared) -> None:
        self.work = work
        self._past = Interactions(_rows(work.past / "interactions.csv"))
        self._future = Interactions(_rows(work.future))
        columns = list(work.columns["Interactions"])
        cells = ((row[USER_ID], row[ITEM_ID], *(row[c] for c in columns)) for row in read_rows(work.future))
        self._held_out_in = contexts(cells, columns) if columns else None
        self.catalogue = set(self._past.item_ids)
        if (items := work.past / "items.csv").is_file():
            self.catalogue |= {row[ITEM_ID] for row in read_rows(items)}
        self.cases: list[Case] = cases(
            self._past,
            self._future,
            question=work.work.question,
            users=work.work.users,
            seed=SEED,
            held_out_in=self._held_out_in,
        )

    def judge(self, subject: Subject, answer: Answer) -> list[Judgement]:
        """Of the subject; and, where it was asked in a context, of what it answers without it."""

        def one(name: str, in_context: Mapping[Any, Sequence[str]] | None) -> Judgement:
            return judge(
                name,
                subject.question,
                cases=self.cases,
                answers=answer.lists,
                catalogue=self.catalogue,
                in_context=in_context,
            )

        if not answer.in_context:
            return [one(subject.name, None)]
        told = {(user, tuple(map(tuple, context))): items for user, context, items in answer.in_context}
        return [one(subject.name, told), one(without_context(subject.name), None)]


def result(
    judge: Judge, outcomes: Sequence[tuple[Subject, list[Answer], str]], *, made: Mapping[str, str] | None = None
) -> Result:
    """`outcomes`: each subject with the answers of its seeds, and why there are not all."""
    work = judge.work
    view = decisive_view(work.repeats_share)
    judged: dict[str, list[Judgement]] = {}
    for subject, answers, _ in outcomes:
        for answer in answers:
            for one in judge.judge(subject, answer):
                judged.setdefault(one.subject, []).append(one)
    columns = {
        (name, v, metric): [fmean(values) for values in zip(*(one.values[v][metric] for one in runs), strict=True)]
        for name, runs in judged.items()
        for v in VIEWS
        for metric in SHOWN
    }
    draws = dict(zip(columns, resample([*columns.values()], resamples=RESAMPLES, seed=SEED), strict=True))

    def measured(name: str, v: View, metric: str) -> Interval:
        return (fmean(columns[name, v, metric]), *interval(draws[name, v, metric]))

    def beside(name: str, other: str) -> dict[str, Interval]:
        found = {}
        for metric in SHOWN:
            a, b = (name, view, metric), (other, view, metric)
            found[metric] = (fmean(columns[a]) - fmean(columns[b]), *interval(difference(draws[a], draws[b])))
        return found

    lines = []
    for subject, answers, failure in outcomes:
        about: dict[str, Any] = {
            "kind": subject.kind,
            "about": subject.about,
            "question": subject.question.value,
            "wanted": subject.seeds,
            "failure": failure,
        }
        if not answers:
            lines.append(Line(name=subject.name, seeds=0, **about))
        for name in (subject.name, without_context(subject.name)):
            if name not in judged or not answers:
                continue
            others = [
                other
                for other in _others(name)
                if other in judged and other != name and subject.question is work.work.question
            ]
            lines.append(
                Line(
                    name=name,
                    **about,
                    seeds=len(judged[name]),
                    values={v: {metric: measured(name, v, metric) for metric in SHOWN} for v in VIEWS},
                    spread=_spread(judged[name]),
                    differences={other: beside(name, other) for other in others},
                    seconds=fmean(answer.training_seconds for answer in answers),
                    cpu_seconds=fmean(answer.cpu_seconds for answer in answers),
                    peak_mb=max(answer.peak_mb for answer in answers),
                    per_second=fmean(answer.per_second for answer in answers),
                    notes=answers[0].notes,
                    made=dict(made or {}),
                )
            )
    return Result(
        work=work.work.name,
        about=work.work.about,
        family=work.work.family,
        counts=work.counts,
        users=len(judge.cases),
        decides=view,
        best_reachable=work.best_reachable,
        lines=lines,
    )


def _others(name: str) -> list[str]:
    """Whom a subject is set beside."""
    others = [COUNTS, EASE, "history_first"]
    if name == WITH_METADATA:
        others.append(PLAIN)
    return [*others, without_context(name)]


def _spread(runs: Sequence[Judgement]) -> dict[str, dict[str, float]]:
    if len(runs) < 2:
        return {}
    return {v: {metric: stdev(fmean(one.values[v][metric]) for one in runs) for metric in SHOWN} for v in VIEWS}


def _rows(path: Any) -> Any:
    return ((row[USER_ID], row[ITEM_ID], row[TIMESTAMP]) for row in read_rows(path))
