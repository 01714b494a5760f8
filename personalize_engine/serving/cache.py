"""Trained versions in memory, so that a request costs milliseconds."""

from __future__ import annotations

import threading
from collections import OrderedDict

from personalize_engine.models.base import Query
from personalize_engine.serving.rank import rank
from personalize_engine.serving.trained import Trained, load
from personalize_engine.serving.trends import Trends
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.database import Store

KEPT = 16
"""Versions held at once; the one that was asked for longest ago makes room."""


class TrainedVersions:
    """Thread-safe. Loads a version once, however many requests wait for it."""

    def __init__(self, artifacts: Artifacts, store: Store) -> None:
        self._artifacts = artifacts
        self._trends = Trends(store)
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._held: OrderedDict[str, Trained] = OrderedDict()

    def get(self, version_arn: str) -> Trained:
        """The version as it is now: as trained, and where its recipe follows trends with the events since."""
        trained = self._trained(version_arn)
        return self._trends.current(version_arn, trained) if trained.recipe.trends else trained

    def warm(self, version_arn: str) -> None:
        """Loads it and answers one question, so that the first caller does not pay for what happens only once."""
        trained = self.get(version_arn)
        history = trained.history(trained.histories.any_user)
        rank(trained.model, [Query(history=history)], fallback=trained.fallback, k=1)

    def forget(self, version_arn: str) -> None:
        """Drops it from memory."""
        with self._lock:
            self._held.pop(version_arn, None)
        self._trends.forget(version_arn)

    def _trained(self, version_arn: str) -> Trained:
        """From memory or from its files."""
        with self._lock:
            if (held := self._held.get(version_arn)) is not None:
                self._held.move_to_end(version_arn)
                return held
            own = self._loading.setdefault(version_arn, threading.Lock())
        with own:
            with self._lock:
                if (held := self._held.get(version_arn)) is not None:
                    return held
            loaded = load(self._artifacts.path(version_arn))
            with self._lock:
                self._held[version_arn] = loaded
                self._loading.pop(version_arn, None)
                while len(self._held) > KEPT:
                    self._held.popitem(last=False)
            return loaded
