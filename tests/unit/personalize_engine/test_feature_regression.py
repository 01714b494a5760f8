"""Vectors from metadata: the dense formula as the oracle, what carries information, what does not, and odd input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from personalize_engine.data.features import Described, SparseRows
from personalize_engine.models import feature_regression
from personalize_engine.models.feature_regression import MAX_LANDMARKS, FeatureRegression

WHOLE = np.eye(2, dtype=np.float32)


def described(n: int, seed: int = 0) -> tuple[Described, dict[str, list[Any]]]:
    """Items with two categories, one of them multi-valued, and a number; every tenth has nothing."""
    rng = np.random.default_rng(seed)
    told = rng.random(n) > 0.1
    table: dict[str, list[Any]] = {
        "COLOUR": [str(rng.choice(["red", "green", "blue"])) if one else None for one in told],
        "TAGS": ["|".join(rng.choice(["a", "b", "c", "d"], 2, replace=False)) if one else None for one in told],
        "PRICE": [float(rng.uniform(0, 100)) if one else None for one in told],
    }
    made = Described.learn(table, {"COLOUR": "categorical", "TAGS": "categorical", "PRICE": "numerical"}, n=n)
    assert made is not None
    return made, table


def learn(items: Described, vectors: np.ndarray[Any, Any], n: int | None = None) -> FeatureRegression:
    n = len(vectors) if n is None else n
    return FeatureRegression.learn(items, np.arange(n), vectors[:n].astype(np.float32), metric=WHOLE, seed=0)


def test_it_is_kernel_ridge_regression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_regression, "_WIDTHS", (2.0,))
    monkeypatch.setattr(feature_regression, "_RIDGES", (0.5,))
    items, _ = described(120)
    vectors = np.random.default_rng(1).normal(size=(80, 2))
    model = learn(items, vectors)

    categories = np.repeat([True, True, False], [column.size for column in items.encoder.columns])
    dense = np.zeros((120, items.encoder.size))
    for row in range(120):
        part = slice(items.rows.start[row], items.rows.start[row + 1])
        index = items.rows.index[part]
        dense[row, index] = np.where(categories[index], 1, items.rows.weight[part])
    told = dense.any(axis=1)
    known = np.flatnonzero(told[:80])
    distance = ((dense[:, None] - dense[None]) ** 2).sum(-1)
    width = 2 * distance[np.ix_(known, known)].mean()
    kernel = np.exp(-distance[:, known] / width)
    mean = vectors.mean(axis=0)
    weights = np.linalg.solve(kernel[known] + 0.5 * np.eye(len(known)), vectors[known] - mean)
    expected = np.where(told[:, None], mean + kernel @ weights, mean)
    np.testing.assert_allclose(model.predict(items.rows), expected, atol=2e-3)


def test_what_metadata_tell_is_learned_and_noise_is_not() -> None:
    items, table = described(600)
    rng = np.random.default_rng(2)
    red_and_a = [c == "red" and t is not None and "a" in t for c, t in zip(table["COLOUR"], table["TAGS"], strict=True)]
    signal = np.array(red_and_a) * 3.0 + rng.normal(0, 0.3, 600)
    told = np.stack([signal, signal], axis=1)
    noise = rng.normal(size=(600, 2))

    predicted = learn(items, told, n=400).predict(items.rows)[400:]
    assert np.corrcoef(predicted[:, 0], signal[400:])[0, 1] > 0.9, "a combination of two features"
    guessed = learn(items, noise, n=400).predict(items.rows)[400:]
    assert np.sqrt((guessed**2).mean()) < 0.3, "close to the mean, whatever the features say"


def test_many_different_rows_are_sampled() -> None:
    n = 2 * MAX_LANDMARKS
    numbers = np.linspace(0, 10, n)
    items = Described.learn({"X": numbers.tolist()}, {"X": "numerical"}, n=n)
    assert items is not None
    model = learn(items, np.stack([np.sin(numbers), numbers], axis=1))
    assert len(model.landmarks) == MAX_LANDMARKS
    predicted = model.predict(items.rows)
    assert np.corrcoef(predicted[:, 0], np.sin(numbers))[0, 1] > 0.95
    assert np.abs(predicted[:, 1] - numbers).mean() < 0.2


def test_without_features_there_is_the_mean() -> None:
    items, _ = described(50)
    vectors = np.random.default_rng(3).normal(size=(50, 2))
    model = learn(items, vectors)
    nothing = model.predict(SparseRows.empty(3))
    np.testing.assert_allclose(nothing, np.tile(vectors.mean(axis=0), (3, 1)), rtol=1e-5)
    without = FeatureRegression.learn(None, np.arange(50), vectors.astype(np.float32), metric=WHOLE, seed=0)
    np.testing.assert_allclose(without.predict(SparseRows.empty(2)), np.tile(vectors.mean(axis=0), (2, 1)), rtol=1e-5)


def test_items_that_are_all_alike_get_the_mean() -> None:
    items = Described.learn({"A": ["x"] * 30 + ["y"] * 2}, {"A": "categorical"}, n=32)
    assert items is not None
    vectors = np.random.default_rng(4).normal(size=(30, 2))
    np.testing.assert_allclose(
        learn(items, vectors).predict(items.rows), np.tile(vectors.mean(axis=0), (32, 1)), rtol=1e-4
    )


def test_as_arrays_and_back() -> None:
    items, _ = described(60)
    model = learn(items, np.random.default_rng(5).normal(size=(60, 2)))
    again = FeatureRegression.from_arrays(model.arrays())
    np.testing.assert_array_equal(again.predict(items.rows), model.predict(items.rows))
