"""What every model is: fitted on a past, scores a batch of queries, saved as plain arrays.

A model knows nothing of candidates, filters or top-k (`personalize_engine.serving.rank` does that for all of them),
and a recipe is no model: `personalize_engine.serving.bind` binds a recipe's name to a model and its parameters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary

P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """One event of a history."""

    item_id: str
    at: int
    """Unix seconds."""
    event_type: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Metadata columns of the Interactions dataset, and EVENT_TYPE; those that are null are not there."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is known at request time. Models read the history from here, so a new event needs no new model."""

    user_id: str | None = None
    user: Mapping[str, Any] = field(default_factory=dict)
    """The user's row of the Users dataset as it is now; empty if there is none."""
    history: Sequence[Interaction] = ()
    """Oldest first: imports and events alike."""
    item_id: str | None = None
    """The item asked about (related items)."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Metadata columns of the Interactions dataset at the moment of the request."""
    at: int | None = None
    """Unix seconds of the request; None: just behind the last event of the history."""


class Progress(Protocol):
    """Called by iterative models; raises to stop a training that was cancelled."""

    def __call__(self, *, done: int, total: int, message: str) -> None: ...


def no_progress(*, done: int, total: int, message: str) -> None:
    """A `Progress` that ignores what it is told."""


class Model(ABC, Generic[P]):
    """Abstract or final: concrete models are not subclassed. State is parameters, items and arrays; never pickles."""

    Parameters: ClassVar[type[BaseModel]]
    parameters: P
    items: Vocabulary

    @classmethod
    @abstractmethod
    def fit(cls, past: Past, parameters: P, *, seed: int, progress: Progress = no_progress) -> Self:
        """Deterministic for a seed and a number of cores."""

    @abstractmethod
    def scores(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        """(B, n_items), larger is better; NaN where the model cannot tell (the ranker falls back to popularity)."""

    @abstractmethod
    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """All learned state, by name."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, parameters: P, items: Vocabulary, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `arrays`."""
