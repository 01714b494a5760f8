"""What became of every value of the file: carried over, or left out with a reason and what to do instead.

The translation says what it carries, value by value. Everything else is left out: with the reason that the translation
gives, else with one of the rules below, else as unknown. So a value that nobody thought of is listed, never lost.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from experiments.from_mpe import config
from experiments.from_mpe.document import Place, leaves


@dataclass(frozen=True, kw_only=True)
class Left:
    """Something that the experiment does not say."""

    place: Place
    problem: str
    """Why not."""
    instead: str
    """What to do."""


@dataclass(frozen=True)
class _Rule:
    """Why a place is left out. `*` stands for any one key or index, `**` before a key for all before it."""

    where: str
    problem: str
    instead: str

    def match(self, place: Place) -> Place | None:
        """The part of the place that the rule is about."""
        keys = self.where.split(".")
        if keys[0] == "**":
            found = [number for number, part in enumerate(place) if part == keys[1]]
            return place[: found[0] + 1] if found else None
        fits = len(place) >= len(keys) and all(key in {"*", part} for key, part in zip(keys, place, strict=False))
        return place[: len(keys)] if fits else None


_NAMES = (
    "resources are named after the experiment and what they are made from, so that equal inputs are never made twice",
    "look the new name up in the stack's outputs, and campaigns with `aws personalize list-campaigns`",
)
_SCHEDULE = (
    "a run starts when its state machine is started, not by a schedule of its own",
    "start the machine (output StateMachineArn) from an Amazon EventBridge schedule with the same expression; put"
    " new data into the bucket before with `python -m data_prep EXPERIMENT --stack`. A run does only what is missing",
)
_BATCH = (
    "batch jobs are not made",
    "with the solution version of a run: `aws personalize create-batch-inference-job`, or create-batch-segment-job",
)
_DOMAIN = (
    "dataset groups are custom ones, without a domain",
    "compare recipes here; a domain's recommenders go on in their own dataset group",
)
_EVENTS = (
    "every row of the data counts as one interaction",
    "leave out the rows that should not count before the data are prepared",
)
_RULES = (
    _Rule(
        "**.tags",
        "the datasets' group, schemas and trackers carry no tags: one that changes would replace them",
        "after the deploy: `aws personalize tag-resource`; for all else in the stack: `cdk deploy --tags KEY=VALUE`",
    ),
    _Rule("datasetGroup.serviceConfig.roleArn", "the stack makes a role of its own for the import", "nothing"),
    _Rule(
        "datasetGroup.serviceConfig.kmsKeyArn",
        "the stack encrypts its bucket with keys of Amazon S3, and the dataset group with the service's",
        "if your own key is a must, set it in stacks/storage.py and stacks/datasets.py",
    ),
    _Rule("datasetGroup.serviceConfig.domain", *_DOMAIN),
    _Rule("datasets.*.schema.serviceConfig.domain", *_DOMAIN),
    _Rule("datasetGroup.workflowConfig", *_SCHEDULE),
    _Rule(
        "datasets.serviceConfig.importMode",
        "every import is a FULL one: of all past rows",
        "keep the whole history in the files",
    ),
    _Rule("datasets.*.dataset.serviceConfig.name", *_NAMES),
    _Rule("datasets.*.schema.serviceConfig.name", *_NAMES),
    _Rule(
        "datasets.*.schema.serviceConfig.schema",
        "schemas are written anew from the columns, in the service's own form",
        "nothing",
    ),
    _Rule("eventTracker.serviceConfig.name", *_NAMES),
    _Rule("solutions.*.serviceConfig.name", *_NAMES),
    _Rule("solutions.*.campaigns.*.serviceConfig.name", *_NAMES),
    _Rule("solutions.*.workflowConfig", *_SCHEDULE),
    _Rule("solutions.*.batchInferenceJobs.*", *_BATCH),
    _Rule("solutions.*.batchSegmentJobs.*", *_BATCH),
    _Rule("solutions.*.serviceConfig.solutionVersion.name", *_NAMES),
    _Rule(
        "solutions.*.serviceConfig.solutionVersion.trainingMode",
        "every training is a FULL one",
        "take up new items with an UPDATE by hand: `aws personalize create-solution-version --training-mode UPDATE`",
    ),
    _Rule(
        "solutions.*.serviceConfig.performAutoML",
        "AutoML is gone: the service no longer chooses a recipe",
        "list the recipes to choose from under `recipes`, and let the report compare them",
    ),
    _Rule("solutions.*.serviceConfig.solutionConfig.autoMLConfig", "AutoML is gone", "list the recipes instead"),
    _Rule(
        "solutions.*.serviceConfig.performAutoTraining",
        "no solution trains by itself, so that nothing is billed unasked",
        _SCHEDULE[1],
    ),
    _Rule("solutions.*.serviceConfig.solutionConfig.autoTrainingConfig", *_SCHEDULE),
    _Rule(
        "solutions.*.serviceConfig.performIncrementalUpdate",
        "solutions are made without incremental updates",
        "set it on the solution by hand: `aws personalize update-solution`",
    ),
    _Rule("solutions.*.serviceConfig.eventType", *_EVENTS),
    _Rule("solutions.*.serviceConfig.solutionConfig.eventValueThreshold", *_EVENTS),
    _Rule("solutions.*.serviceConfig.solutionConfig.eventsConfig", *_EVENTS),
    _Rule(
        "solutions.*.serviceConfig.solutionConfig.optimizationObjective",
        "recipes are trained for relevance alone",
        "rank by your own attribute after the recommendations, or train that solution by hand",
    ),
    _Rule(
        "solutions.*.serviceConfig.solutionConfig.trainingDataConfig",
        "every recipe learns from all columns that the schemas declare",
        "leave the columns out of `schemas` and `columns`, or compare in an experiment of its own",
    ),
    _Rule(
        "solutions.*.serviceConfig.solutionConfig.hpoConfig.hpoObjective",
        "AWS takes no objective any more",
        "in a local run, `hpo: {objective: …}` may name one of the service's metrics",
    ),
    _Rule(
        "solutions.*.serviceConfig.solutionConfig.hpoConfig",
        "without `performHPO` it has no effect",
        "add `hpo:` to the recipe, if it should have one",
    ),
    _Rule(
        "solutions.*.campaigns.*.serviceConfig.minProvisionedTPS",
        "a campaign is made with one request per second, and grows with its load",
        "raise it once with `aws personalize update-campaign`: later runs leave it as it is then",
    ),
    _Rule(
        "solutions.*.campaigns.*.serviceConfig.campaignConfig",
        "campaigns are made for the evaluation, with settings for exploration alone",
        "set it on the kept campaign with `aws personalize update-campaign`",
    ),
)
"""The first that fits counts."""


class Ledger:
    """Collects while the configuration is translated; `left` is the result."""

    def __init__(self) -> None:
        self._carried: set[Place] = set()
        self._left: list[Left] = []

    def carry(self, *place: str | int) -> None:
        """This one value stands in the experiment."""
        self._carried.add(place)

    def leave(self, place: Place, problem: str, instead: str) -> None:
        """This, with all that is in it, does not; what was carried of it counts no more."""
        self._left.append(Left(place=place, problem=problem, instead=instead))

    def left(self, document: Any) -> tuple[Left, ...]:
        """All that is left out of the document: in its order, every place once."""
        found: dict[Place, Left] = {}
        for place, _ in leaves(document):
            for one in [one for one in self._left if place[: len(one.place)] == one.place]:
                found.setdefault(one.place, one)
            if not any(place[: len(one)] == one for one in found) and place not in self._carried:
                row = _by_rule(place)
                found.setdefault(row.place, row)
        for one in self._left:
            found.setdefault(one.place, one)
        return tuple(found.values())


def grouped(left: Iterable[Left]) -> dict[tuple[str, str], list[Place]]:
    """{(problem, what to do): the places}, in order of appearance."""
    groups: dict[tuple[str, str], list[Place]] = {}
    for one in left:
        groups.setdefault((one.problem, one.instead), []).append(one.place)
    return groups


def _by_rule(place: Place) -> Left:
    for rule in _RULES:
        matched = rule.match(place)
        if matched is not None:
            return Left(place=matched, problem=rule.problem, instead=rule.instead)
    last = next(str(part) for part in reversed(place) if isinstance(part, str))
    near = difflib.get_close_matches(last, sorted(_known()), n=1, cutoff=0.75)
    hint = f"did you mean {near[0]!r}?" if near and near[0] != last else "see whether you need it"
    return Left(place=place, problem="is not known to this import", instead=hint)


def _known() -> Iterator[str]:
    """Every member that the types of the file name."""
    for made in vars(config).values():
        if isinstance(made, type) and issubclass(made, BaseModel):
            for name, field in made.model_fields.items():
                yield field.alias or name
