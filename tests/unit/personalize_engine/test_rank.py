"""The ranker against a plain sort, and the rules on fallback, candidates and exclusions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import BaseModel

from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models.base import Model, Progress, Query, no_progress
from personalize_engine.serving import rank as module
from personalize_engine.serving.rank import best, rank


class Fixed(Model[BaseModel]):
    """Answers with rows that the test gave."""

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        self.rows = np.array(rows, np.float32)
        self.items = Vocabulary([f"i{n}" for n in range(self.rows.shape[1])])
        self.asked: list[int] = []

    @classmethod
    def fit(cls, past: Past, parameters: BaseModel, *, seed: int, progress: Progress = no_progress) -> Self:
        raise NotImplementedError

    def scores(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        self.asked.append(len(queries))
        return self.rows[[int(query.user_id or 0) for query in queries]]

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        raise NotImplementedError

    @classmethod
    def from_arrays(cls, parameters: BaseModel, items: Vocabulary, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        raise NotImplementedError


def ranked(scores: Sequence[float], fallback: Sequence[float], **more: Any) -> list[int]:
    (answer,) = rank(Fixed([scores]), [Query()], fallback=np.array(fallback, np.float32), **more)
    rows: list[int] = answer.rows.tolist()
    return rows


@given(st.data())
def test_it_is_a_stable_sort_cut_at_k(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 30))
    few = st.sampled_from([0.0, 1.0, 2.0, float("nan")])  # many ties
    scores = data.draw(st.lists(few, min_size=n, max_size=n))
    fallback = data.draw(st.lists(st.sampled_from([0.0, 1.0, 5.0]), min_size=n, max_size=n))
    k = data.draw(st.integers(1, 40))
    left_out = data.draw(st.sets(st.integers(0, n - 1)))
    known = {row: value for row, value in enumerate(scores) if not np.isnan(value)}
    expected = sorted(
        (row for row in range(n) if row not in left_out),
        key=lambda row: (row not in known, -known.get(row, 0.0), -fallback[row], row),
    )
    exclude = [np.array(sorted(left_out), np.int64)]
    assert ranked(scores, fallback, k=k, exclude=exclude) == expected[:k]


def test_candidates() -> None:
    assert ranked([1, 2, 3, 4], [0, 0, 0, 0], k=3, candidates=np.array([0, 2])) == [2, 0]
    exclude = [np.array([2]), np.array([0])]
    first, second = rank(
        Fixed([[1, 2, 3, 4]]), [Query()] * 2, fallback=np.zeros(4), k=3, candidates=np.array([0, 2]), exclude=exclude
    )
    assert (first.rows.tolist(), second.rows.tolist()) == ([0], [2])
    assert ranked([1, 2, 3, 4], [0, 0, 0, 0], k=3, candidates=np.zeros(0, np.int64)) == []


@pytest.mark.parametrize("levels", [2, 50, 10**6])
@pytest.mark.parametrize("k", [1, 25, 500, 3000])
@pytest.mark.parametrize("share_of_candidates", [1.0, 0.5, 0.01])
def test_many_items_are_in_the_order_of_a_plain_sort(levels: int, k: int, share_of_candidates: float) -> None:
    draw = np.random.default_rng(levels + k)
    n = 20_011
    scores = draw.integers(0, levels, n).astype(np.float32)
    scores[draw.random(n) < 0.3] = np.nan
    fallback = draw.integers(0, 5, n).astype(np.float32)
    chosen = draw.random(n) < share_of_candidates
    order = np.lexsort((np.arange(n), -fallback, -np.nan_to_num(scores, nan=-np.inf)))
    assert ranked(scores, fallback, k=k, candidates=np.flatnonzero(chosen)) == order[chosen[order]][:k].tolist()


def test_shares_sum_to_one_over_all_items() -> None:
    (answer,) = rank(Fixed([[0.5, 2, -3]]), [Query()], fallback=np.ones(3, np.float32), k=3)
    assert answer.shares.sum() == pytest.approx(1)
    (answer,) = rank(Fixed([[0.5, 2, -3]]), [Query()], fallback=np.ones(3, np.float32), k=1)
    assert answer.shares[0] == pytest.approx(np.exp(2) / np.exp([0.5, 2, -3]).sum(), rel=1e-6)


def test_shares_may_be_those_of_the_candidates() -> None:
    scores, nan = np.array([-900, -901, 5, np.nan], np.float32), float("nan")
    chosen = np.array([True, True, False, True])
    answer = best(scores, fallback=np.ones(4, np.float32), k=4, candidates=chosen, share_of="candidates")
    assert answer.rows.tolist() == [0, 1, 3]
    expected = [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), nan]
    assert answer.shares.tolist() == pytest.approx(expected, rel=1e-5, nan_ok=True)
    only = np.array([False, False, False, True])
    answer = best(scores, fallback=np.ones(4, np.float32), k=4, candidates=only, share_of="candidates")
    assert np.isnan(answer.shares).all()
    untold = np.full(4, nan, np.float32)
    popular = np.array([3, 1, 6, 0], np.float32)
    answer = best(untold, fallback=popular, k=4, candidates=chosen, share_of="candidates")
    assert (answer.rows.tolist(), answer.shares.tolist()) == ([0, 1, 3], [0.75, 0.25, 0])


def test_what_only_the_fallback_has_placed_has_no_share_but_a_full_fallback_has() -> None:
    nan = float("nan")
    (partly,) = rank(Fixed([[1, nan]]), [Query()], fallback=np.array([3, 1], np.float32), k=2)
    assert partly.shares[0] == 1
    assert np.isnan(partly.shares[1])
    (wholly,) = rank(Fixed([[nan, nan]]), [Query()], fallback=np.array([1, 3], np.float32), k=2)
    assert wholly.rows.tolist() == [1, 0]
    assert wholly.shares.tolist() == [0.75, 0.25]


def test_queries_go_to_the_model_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_SCORES", 6)
    model = Fixed([[1, 2, 3], [3, 2, 1]])
    queries = [Query(user_id=str(n % 2)) for n in range(5)]
    answers = rank(model, queries, fallback=np.zeros(3, np.float32), k=1)
    assert [int(answer.rows[0]) for answer in answers] == [2, 0, 2, 0, 2]
    assert model.asked == [2, 2, 1]
