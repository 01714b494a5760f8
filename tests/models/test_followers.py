"""Who follows whom: the formula by hand, against the plain-Python baseline, and its bounds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.interactions import Interactions
from evaluation.sequential_counts import SequentialCounts
from personalize_engine.data.past import Past
from personalize_engine.models import followers
from personalize_engine.models.followers import Followers


def past_of(*histories: str) -> Past:
    rows = [(f"u{user}", item) for user, items in enumerate(histories) for item in items]
    return Past.build([user for user, _ in rows], [item for _, item in rows], np.arange(len(rows)))


def test_the_formula() -> None:
    counted = Followers.count(past_of("abc", "ab"))
    # a -> b twice at distance 1, a -> c at 2, b -> c at 1
    half = 2**-0.5
    into = {"b": 2, "c": 1 + half}
    a, b, c = counted.start[:-1]
    assert counted.start.tolist() == [0, 2, 3, 3]
    assert counted.item.tolist() == [1, 2, 2]
    assert counted.weight[a] == pytest.approx(2 / (2 + half) ** 0.9 / into["b"] ** 0.3)
    assert counted.weight[a + 1] == pytest.approx(half / (2 + half) ** 0.9 / into["c"] ** 0.3)
    assert counted.weight[b] == pytest.approx(1 / 1 / into["c"] ** 0.3)
    assert c == len(counted.item), "nothing follows c"
    led_to, scores = counted.scores(np.array([0, 1]))
    assert led_to.tolist() == [1, 2]
    assert scores[1] == pytest.approx(counted.weight[b] + np.exp(-1 / 3) * counted.weight[a + 1])


@given(st.lists(st.text("abcdefgh", min_size=2, max_size=30), min_size=1, max_size=6))
def test_it_ranks_as_the_baseline_does(histories: list[str]) -> None:
    past = past_of(*histories)
    counted = Followers.count(past)
    rows = [
        (past.users.ids[u], past.items.ids[i], str(t)) for u, i, t in zip(past.user, past.item, past.at, strict=True)
    ]
    told = Interactions(rows)
    baseline = SequentialCounts(told, told.popular())
    for user, name in enumerate(past.users.ids):
        end, length = past.ends[user], past.lengths[user]
        scores = dict(zip(*counted.scores(past.item[end - length : end]), strict=True))
        ranked = [scores.get(past.items.rows([item])[0], 0.0) for item in baseline.recommend(name)]
        assert all(high >= low - 1e-3 for high, low in pairwise(ranked))


def test_the_best_followers_are_kept_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    past = past_of(*("".join(rng.choice(list("abcdefghijklmnop"), 40)) for _ in range(30)))
    whole = Followers.count(past)
    monkeypatch.setattr(followers, "_BLOCK", 100)
    for name, array in Followers.count(past).arrays().items():
        np.testing.assert_array_equal(array, whole.arrays()[name])
    monkeypatch.setattr(followers, "MOST", 3)
    few = Followers.count(past)
    assert np.diff(few.start).max() == 3
    for item in range(len(past.items)):
        row, all_of = slice(few.start[item], few.start[item + 1]), slice(whole.start[item], whole.start[item + 1])
        np.testing.assert_array_equal(np.sort(few.weight[row]), np.sort(whole.weight[all_of])[-3:])


def test_no_evidence_for_items_that_nothing_leads_to() -> None:
    counted = Followers.count(past_of("abc", "ab", "dd"))
    led_to, evidence = counted.evidence(np.array([0]))
    assert led_to.tolist() == [1, 2]
    _, scores = counted.scores(np.array([0]))
    trust = (2 + 2**-0.5) / (2 + 2**-0.5 + followers.HALF_TRUSTED)
    np.testing.assert_allclose(evidence, trust * np.log1p(4 * scores / scores.sum()), rtol=1e-6)
    assert not len(Followers.count(past_of("abc")).evidence(np.zeros(0, int))[0])
