"""The generated visitors: what the quickstart promises about its data, and what is best reachable on it."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contract.recipes import DatasetKind
from data_prep.sources.generated import read_generated
from data_prep.sources.tables import FrameTable, Source
from data_prep.sources.visits import Visitors, World, expected_events
from experiments.config import ColdItems, Experiment, Generated
from experiments.load import load_named

SESSION_GAP = 3600


def frame(source: Source, kind: DatasetKind) -> pd.DataFrame:
    table = source.tables[kind]
    assert isinstance(table, FrameTable)
    return table.frame


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return load_named("quickstart")


@pytest.fixture(scope="module")
def source(experiment: Experiment) -> Source:
    assert isinstance(experiment.data, Generated)
    return read_generated(experiment, experiment.data, file=Path("quickstart.yaml"))


@pytest.fixture(scope="module")
def log(source: Source) -> pd.DataFrame:
    return frame(source, DatasetKind.INTERACTIONS).astype({"TIMESTAMP": int})


@pytest.fixture(scope="module")
def histories(log: pd.DataFrame) -> list[list[str]]:
    return [list(items) for _, items in log.groupby("USER_ID")["ITEM_ID"]]


def test_size(log: pd.DataFrame) -> None:
    assert log["USER_ID"].nunique() == 600
    assert log["ITEM_ID"].nunique() == 400
    assert 55 < len(log) / 600 < 65
    assert log["TIMESTAMP"].is_monotonic_increasing


def test_the_same_seed_gives_the_same_data(experiment: Experiment, log: pd.DataFrame) -> None:
    again = read_generated(experiment, Generated(kind="generated"), file=Path("x"))
    other = read_generated(experiment, Generated(kind="generated", seed=8), file=Path("x"))
    assert frame(again, DatasetKind.INTERACTIONS).equals(log.astype({"TIMESTAMP": str}))
    assert not frame(other, DatasetKind.INTERACTIONS).equals(log.astype({"TIMESTAMP": str}))


def test_every_fifth_event_is_a_repeat(histories: list[list[str]]) -> None:
    repeats = sum(item in h[:k] for h in histories for k, item in enumerate(h))
    assert repeats / sum(map(len, histories)) == pytest.approx(0.2, abs=0.04)


def test_sessions_keep_to_one_genre(log: pd.DataFrame, source: Source) -> None:
    genre = frame(source, DatasetKind.ITEMS).set_index("ITEM_ID")["GENRES"].str.split("|").str[0]
    same = {True: Counter[bool](), False: Counter[bool]()}
    for _, events in log.groupby("USER_ID"):
        rows = list(zip(events["TIMESTAMP"], events["ITEM_ID"].map(genre), strict=True))
        for (before, one), (after, other) in itertools.pairwise(rows):
            same[after - before < SESSION_GAP][one == other] += 1
    within, between = (same[inside][True] / same[inside].total() for inside in (True, False))
    assert within > between + 0.15


def test_an_occasion_says_what_visitors_turn_to(experiment: Experiment) -> None:
    """One occasion per session; the genres of an occasion are far from those of the others."""
    columns = experiment.schemas.model_dump()
    columns["interactions"] = [{"name": "OCCASION", "type": "string", "categorical": True}]
    wanted = Experiment.model_validate(experiment.model_dump(by_alias=True) | {"schemas": columns})
    made = read_generated(wanted, Generated(kind="generated", occasions=True), file=Path("x"))
    log = frame(made, DatasetKind.INTERACTIONS).astype({"TIMESTAMP": int})
    genre = frame(made, DatasetKind.ITEMS).set_index("ITEM_ID")["GENRES"].str.split("|").str[0]
    for _, events in log.groupby("USER_ID"):
        rows = list(zip(events["TIMESTAMP"], events["OCCASION"], strict=True))
        assert all(one == other for (t, one), (u, other) in itertools.pairwise(rows) if u - t < SESSION_GAP)
    first = log[log.groupby("USER_ID")["TIMESTAMP"].diff().fillna(SESSION_GAP) >= SESSION_GAP]
    shares = pd.crosstab(first["OCCASION"], first["ITEM_ID"].map(genre), normalize="columns")
    assert list(shares.index) == ["evening", "morning", "noon", "weekend"]
    assert (shares.max() > 0.35).all()  # by chance .25
    assert made.best_reachable is None


def test_order_matters(histories: list[list[str]]) -> None:
    """What follows an item is far from what is popular."""
    follows: dict[str, Counter[str]] = {}
    for h in histories:
        for one, other in itertools.pairwise(h):
            follows.setdefault(one, Counter())[other] += 1
    popular = Counter(itertools.chain.from_iterable(histories)).most_common(1)[0][1] / sum(map(len, histories))
    top = sum(c.most_common(1)[0][1] for c in follows.values()) / sum(c.total() for c in follows.values())
    assert top > 5 * popular


def test_some_items_are_long_tailed_and_some_are_late(log: pd.DataFrame, source: Source) -> None:
    counts = log["ITEM_ID"].value_counts()
    assert counts.iloc[:40].sum() > 2 * counts.iloc[-200:].sum() / 5
    created = frame(source, DatasetKind.ITEMS).set_index("ITEM_ID")["CREATION_TIMESTAMP"].astype(int)
    late = created[created > log["TIMESTAMP"].min()]
    assert 10 <= len(late) <= 40
    assert (log.groupby("ITEM_ID")["TIMESTAMP"].min() >= created.reindex(sorted(counts.index))).all()


def test_the_best_reachable_is_above_simple_lists(source: Source, experiment: Experiment, log: pd.DataFrame) -> None:
    assert source.best_reachable
    best = source.best_reachable()
    assert best == source.best_reachable()
    popular = [item for item, _ in Counter(log["ITEM_ID"]).most_common(10)]
    simple: dict[str, list[float]] = {"popular": [], "own items by recency": []}
    for _, items in log.groupby("USER_ID")["ITEM_ID"]:
        h = list(items)
        cut = len(h) - -(-len(h) // 10)
        future = set(h[cut:])
        simple["popular"].append(len(future & set(popular)) / 10)
        simple["own items by recency"].append(len(future & set(list(dict.fromkeys(reversed(h[:cut])))[:10])) / 10)
    assert np.mean(simple["popular"]) < 0.4 * best["precision_at_10"]
    assert np.mean(simple["own items by recency"]) < 0.6 * best["precision_at_10"]
    assert best["precision_at_5"] > best["precision_at_10"] > best["precision_at_25"]


def test_the_expectation_is_what_happens() -> None:
    """Averaged over many futures drawn by the same rules, events fall on the items as often as expected."""
    rng = np.random.default_rng(0)
    world = World.draw(60, rng)
    visitors = Visitors.draw(world, np.full(3, 20), rng)
    for _ in range(10):
        visitors.step(world, rng)
    expected = expected_events(world, visitors, np.array([1, 2, 4]), draws=4000, rng=rng)
    assert expected.sum(1) == pytest.approx([1, 2, 4])
    many = visitors.take(np.repeat(np.arange(3), 4000))
    first, choices, probability = many.step(world, rng)
    assert probability.sum(1) == pytest.approx(np.ones(12000))
    assert (choices == first[:, None]).any(1).all()
    met = np.bincount(first[:4000], minlength=60) / 4000
    assert np.abs(met - expected[0]).max() < 0.05


def test_no_best_reachable_for_other_hold_outs(experiment: Experiment) -> None:
    cold = experiment.model_copy(update={"holdout": ColdItems(kind="cold")})
    assert read_generated(cold, Generated(kind="generated", users=60), file=Path("x")).best_reachable is None
