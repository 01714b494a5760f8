"""Vectors of items from their metadata, learned on items whose vectors are known: what cold items are placed by.

Kernel ridge regression (Saunders, Gammerman, Vovk, ICML 1998) from the features of an item to any number of targets at
once. The kernel exp(-d² / width) of the squared distance d² between two rows of features sees combinations of features,
not only their sum. A category counts 1 in the distance however many of them a cell has.

Where there are more than MAX_LANDMARKS different rows, the kernel is approximated from a sample of them: Williams,
Seeger, "Using the Nyström Method to Speed Up Kernel Machines" (NIPS 2000). Width and ridge are those with the smallest
leave-one-out error (Allen, "The Relationship between Variable Selection and Data Augmentation", Technometrics 1974):
metadata that tell nothing are smoothed away, and all items get the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from personalize_engine.data.features import Described, SparseRows

MAX_LANDMARKS = 512
"""Rows of features that the kernel is computed against."""

_WIDTHS = (2.0, 4.0, 8.0)
"""Times the mean squared distance between two items."""
_RIDGES = (0.3, 1.0, 3.0, 10.0, 100.0, 1000.0)
_LEFT_OUT = 5_000
"""Items whose leave-one-out errors are computed at most; all are learned from."""
_AT_ONCE = 8_192
_VANISHING = 1e-6
"""Directions of the kernel below this share of the largest are rounding errors."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class FeatureRegression:
    """A learned map from rows of features, all of one encoder, to vectors of V numbers."""

    categorical: NDArray[np.bool_]
    """(n_features,) whether a feature is a category."""
    landmarks: SparseRows
    """(L rows)"""
    width: float
    coefficient: Floats
    """(L, V)"""
    mean: Floats
    """(V,): the vector of an item of which nothing is known."""

    @classmethod
    def learn(
        cls, described: Described | None, known: NDArray[np.integer], vectors: Floats, *, metric: Floats, seed: int
    ) -> Self:
        """From the items `known` (n,), row numbers of `described`, and their `vectors` (n, V).

        `metric` (V, W): a leave-one-out error is the squared length of (vector - predicted) @ metric. Without any
        metadata (`described` is None) every item gets the mean.
        """
        mean = vectors.mean(axis=0)
        categorical = np.zeros(0, bool) if described is None else _categorical(described)
        rows = SparseRows.empty(len(known)) if described is None else _present(described.rows.take(known), categorical)
        told = np.flatnonzero(np.diff(rows.start) > 0)
        random = np.random.default_rng(seed)
        landmarks = rows.take(random.permutation(told[_distinct(rows.take(told))])[:MAX_LANDMARKS])
        best: tuple[float, float, Floats] = (np.inf, 1.0, np.zeros((len(landmarks), len(mean)), np.float32))
        if len(landmarks) > 1:
            left_out = random.permutation(len(told))[:_LEFT_OUT]
            distance = _distance(rows.take(told), landmarks, len(categorical))
            among = _distance(landmarks, landmarks, len(categorical))
            for width in float(distance.mean()) * np.array(_WIDTHS):
                found = _fit(np.exp(-distance / width), np.exp(-among / width), vectors[told] - mean, left_out, metric)
                if found[0] < best[0]:
                    best = (found[0], float(width), found[1])
        return cls(categorical=categorical, landmarks=landmarks, width=best[1], coefficient=best[2], mean=mean)

    def predict(self, rows: SparseRows) -> Floats:
        """(n, V) for rows of the encoder that was learned from; the mean for a row without features."""
        predicted = np.tile(self.mean, (len(rows), 1))
        told = np.flatnonzero(np.diff(rows.start) > 0) if len(self.landmarks) > 1 else np.zeros(0, int)
        for low in range(0, len(told), _AT_ONCE):
            part = told[low : low + _AT_ONCE]
            present = _present(rows.take(part), self.categorical)
            near = np.exp(-_distance(present, self.landmarks, len(self.categorical)) / np.float32(self.width))
            predicted[part] += near @ self.coefficient
        return predicted

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """All of it, by name."""
        return {
            "categorical": self.categorical,
            "start": self.landmarks.start,
            "index": self.landmarks.index,
            "weight": self.landmarks.weight,
            "width": np.array(self.width),
            "coefficient": self.coefficient,
            "mean": self.mean,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        landmarks = SparseRows(start=arrays["start"], index=arrays["index"], weight=arrays["weight"])
        own = {name: arrays[name] for name in ("categorical", "coefficient", "mean")}
        return cls(landmarks=landmarks, width=float(arrays["width"]), **own)


def _categorical(described: Described) -> NDArray[np.bool_]:
    kinds = [(column.kind == "categorical", column.size) for column in described.encoder.columns]
    return np.repeat([kind for kind, _ in kinds], [size for _, size in kinds])


def _present(rows: SparseRows, categorical: NDArray[np.bool_]) -> SparseRows:
    """Categories with weight 1, numbers as they are."""
    weight = np.where(categorical[rows.index], np.float32(1), rows.weight)
    return SparseRows(start=rows.start, index=rows.index, weight=weight)


def _distinct(rows: SparseRows) -> NDArray[np.int64]:
    """The first place of each different row."""
    first: dict[bytes, int] = {}
    for place, (begin, end) in enumerate(zip(rows.start[:-1].tolist(), rows.start[1:].tolist(), strict=True)):
        first.setdefault(rows.index[begin:end].tobytes() + rows.weight[begin:end].tobytes(), place)
    return np.fromiter(first.values(), np.int64, len(first))


def _distance(rows: SparseRows, others: SparseRows, n_features: int) -> Floats:
    """(n, L) squared distances."""
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    a, b = (csr_matrix((x.weight, x.index, x.start), shape=(len(x), n_features)) for x in (rows, others))
    squares = [np.asarray(x.multiply(x).sum(axis=1), np.float32) for x in (a, b)]
    distance: Floats = squares[0] + squares[1].T - 2 * (a @ b.T).toarray()
    return np.maximum(distance, 0, out=distance)


def _fit(
    kernel: Floats, among: Floats, targets: Floats, left_out: NDArray[np.int64], metric: Floats
) -> tuple[float, Floats]:
    """The smallest leave-one-out error over the ridges, and (L, V) the coefficients of the kernel (n, L) then."""
    scale, directions = np.linalg.eigh(among.astype(np.float64))
    kept = scale > _VANISHING * scale[-1]
    basis = (directions[:, kept] / np.sqrt(scale[kept])).astype(np.float32)
    features = kernel @ basis
    strength, rotation = np.linalg.eigh((features.T @ features).astype(np.float64))
    basis, features = basis @ rotation.astype(np.float32), features @ rotation.astype(np.float32)
    projected, some = features.T @ targets, features[left_out]
    best: tuple[float, Floats] | None = None
    for ridge in _RIDGES:
        shrunk = (1 / (np.maximum(strength, 0) + ridge)).astype(np.float32)
        solved = shrunk[:, None] * projected
        own = (some**2) @ shrunk  # below 1: what an item's own target contributes to its prediction
        error = float(((((targets[left_out] - some @ solved) / (1 - own)[:, None]) @ metric) ** 2).sum())
        if best is None or error < best[0]:
            best = (error, basis @ solved)
    assert best is not None
    return best
