"""Who is compared on a work: one row per recipe, peer and baseline."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from benchmarks.recipes.baselines import GENRE_POPULARITY, RANDOM_COLD
from benchmarks.recipes.sources import ROOT, digest
from benchmarks.recipes.works import Work
from contract.recipes import RECIPES, Question
from evaluation.baselines import BASELINES
from personalize_engine.models.hrnn import Hrnn
from personalize_engine.serving.bind import MODELS, bind

PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
COUNTS, EASE = "sequential_counts", "EASE + recency"
"""What every neural recipe is to beat."""
LARGE = 500_000
"""Interactions from which on only aws-hrnn is trained with more than one seed."""
SEEDS = 3
_OF_ALL = (
    "benchmarks.recipes.network",
    "contract.recipe",
    "contract.recipes",
    "contract.results",
    "personalize_engine.serving.bind",
)
"""Modules that know all recipes, models or metrics: what they say of one recipe is in its settings."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One line of the tables."""

    name: str
    kind: Literal["recipe", "peer", "baseline"]
    worker: str
    """Module that is run with a job."""
    settings: Mapping[str, Any]
    question: Question = Question.USER
    seeds: int = 1
    """How many trainings; more where the outcome depends on chance."""
    learns_by_chance: bool = False
    sources: tuple[str, ...] = ()
    """Modules whose sources (and what they import) the outcome depends on, beside the worker's."""
    about: str = ""
    """For the page."""
    python: Path = field(default_factory=lambda: Path(sys.executable))

    def code(self) -> str:
        """Digest of all sources that the outcome depends on."""
        return digest((self.worker, *self.sources), without=_OF_ALL)


def subjects(work: Work, interactions: int) -> list[Subject]:
    """All that are to be compared on a work with so many interactions in the past."""
    match work.family:
        case "cold":
            chosen = [_baseline(RANDOM_COLD), _baseline(GENRE_POPULARITY), *_recipes(Question.COLD_ITEMS)]
        case "metadata":
            chosen = [_baseline(COUNTS), *(row for row in _recipes() if row.name in {"aws-hrnn", "aws-hrnn-metadata"})]
        case "context":
            personal = [row for row in _recipes() if row.question is Question.USER]
            chosen = [*map(_baseline, BASELINES), _ease(), *personal]
        case "plain":
            chosen = [*map(_baseline, BASELINES), _ease(), *peers(), *_studies(), *_recipes()]
    return [replace(row, seeds=_seeds(row, interactions)) for row in chosen]


def peers() -> list[Subject]:
    """Recommenders of kept libraries, with their documented settings."""
    counting = "benchmarks.recipes.peers.collaborative"
    implicit = [("ALS", True), ("BPR", True), ("item-kNN (cosine)", False), ("item-kNN (BM25)", False)]
    return [
        *(
            _peer(name, counting, "pm-implicit", {"model": name, "options": {}}, by_chance=by_chance)
            for name, by_chance in implicit
        ),
        _peer("GRU4Rec", "benchmarks.recipes.peers.gru4rec", "cornac"),
        _peer("SASRec", "benchmarks.recipes.peers.sasrec", "rectools"),
    ]


def _seeds(row: Subject, interactions: int) -> int:
    if not row.learns_by_chance:
        return 1
    return SEEDS if interactions < LARGE or row.name == "aws-hrnn" else 1


def _recipes(*questions: Question) -> list[Subject]:
    """Those that the engine has a model for, with default settings; without questions all but the cold-start ones."""
    wanted = questions or tuple(question for question in Question if question is not Question.COLD_ITEMS)
    return [_recipe(name) for name in RECIPES if name in MODELS and RECIPES[name].question in wanted]


def _recipe(name: str) -> Subject:
    row, model = RECIPES[name], MODELS[name]
    settings = {
        "recipe": name,
        "model": model.__qualname__,
        "parameters": bind(row, {}, {}).model_dump(mode="json"),
        "metadata": [kind.value for kind in row.metadata],
    }
    return Subject(
        name=name,
        kind="recipe",
        worker="benchmarks.recipes.ours",
        settings=settings,
        question=row.question,
        learns_by_chance=any(parameter.name == "bptt" for parameter in row.hyperparameters) or model is Hrnn,
        sources=(model.__module__,),
    )


def _studies() -> list[Subject]:
    """aws-hrnn in a hurry, and without the term that learns whether items come back."""
    plain = _recipe("aws-hrnn")
    studies = {
        "aws-hrnn, quick": {"effort": "quick"},
        "aws-hrnn, no repeat term": {"different": {"repeats": False}},
    }
    return [replace(plain, name=name, settings={**plain.settings, "study": study}) for name, study in studies.items()]


def _baseline(name: str) -> Subject:
    return Subject(name=name, kind="baseline", worker="benchmarks.recipes.baselines", settings={"baseline": name})


def _ease() -> Subject:
    return Subject(name=EASE, kind="baseline", worker="benchmarks.recipes.ease", settings={})


def _peer(
    name: str, worker: str, library: str, settings: Mapping[str, Any] | None = None, *, by_chance: bool = True
) -> Subject:
    pins = (ROOT / "requirements-peers.txt").read_text(encoding="utf-8").split()
    pinned = next(pin for pin in pins if pin.startswith(f"{library}=="))
    return Subject(
        name=name,
        kind="peer",
        worker=worker,
        settings={**(settings or {}), "library": pinned},
        learns_by_chance=by_chance,
        about=pinned,
        python=PEERS_PYTHON,
    )
