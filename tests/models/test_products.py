"""Dot products of queries with all items' vectors: the same however many threads share them."""

import numpy as np
import pytest

from personalize_engine.models import products as module
from personalize_engine.models.products import products


@pytest.mark.parametrize("cores", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 1001])
@pytest.mark.parametrize("asked", [1, 3])
def test_every_item_gets_its_own_product_however_many_threads_share_them(
    monkeypatch: pytest.MonkeyPatch, cores: int, n: int, asked: int
) -> None:
    monkeypatch.setattr(module, "SHARED_FROM", 0)
    monkeypatch.setattr(module, "_PART", 700)
    monkeypatch.setattr(module, "_cores", lambda: cores)
    module._threads.cache_clear()
    draw = np.random.default_rng(n)
    queries = draw.normal(size=(asked, 7)).astype(np.float32)
    vectors = draw.normal(size=(n, 7)).astype(np.float32)

    found = products(queries, vectors)

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, queries.astype(np.float64) @ vectors.astype(np.float64).T, atol=1e-5)
    if cores > 1:
        module._threads().shutdown()
    module._threads.cache_clear()
