"""What an answer holds, with a model whose scores the test has given: recipes, filters, promotions, exploration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from dataset_group import ARN, Group
from numpy.typing import NDArray
from pydantic import BaseModel

from contract.recipes import RECIPES, DatasetKind
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.filters.columns import PreparedColumns
from personalize_engine.filters.parse import parse
from personalize_engine.models.base import Model, Progress, Query, no_progress
from personalize_engine.serving.answer import Exploration, Promotion, Question, Sources, rank_items, recommend
from personalize_engine.serving.eligible import Filtering
from personalize_engine.serving.histories import Histories, history_table
from personalize_engine.serving.trained import Trained
from personalize_engine.store.events import EVERYTHING, Event, add_events

DAY = 86_400
NOW = 1_700_000_000
KNOWN = ["a", "b", "c", "d"]
"""Items with interactions; "new" has none."""
NAN = float("nan")


class Given(Model[BaseModel]):
    """Answers with the scores that it was given, and remembers what it was asked."""

    def __init__(self, scores: Mapping[str, float]) -> None:
        self.items = Vocabulary(list(scores))
        self.row = np.array(list(scores.values()), np.float32)
        self.asked: list[Query] = []

    @classmethod
    def fit(cls, past: Past, parameters: BaseModel, *, seed: int, progress: Progress = no_progress) -> Self:
        raise NotImplementedError

    def scores(self, queries: Sequence[Query]) -> NDArray[np.float32]:
        self.asked += queries
        return np.stack([self.row] * len(queries))

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        raise NotImplementedError

    @classmethod
    def from_arrays(cls, parameters: BaseModel, items: Vocabulary, arrays: Mapping[str, NDArray[np.generic]]) -> Self:
        raise NotImplementedError


class Shop:
    """Four items that a user u has met, a fifth without interactions; one dataset of items with genres."""

    def __init__(self, folder: Path) -> None:
        self.group = Group(folder)
        self.group.dataset(DatasetKind.INTERACTIONS, {"DEVICE": "string"})
        self.group.dataset(DatasetKind.ITEMS, {"GENRE": "string"})
        rows = [{"ITEM_ID": item, "GENRE": genre} for item, genre in zip([*KNOWN, "new"], "xyxyx", strict=True)]
        self.group.load(DatasetKind.ITEMS, rows, replace=True)
        filtering = Filtering(self.group.records, PreparedColumns())
        self.sources = Sources(store=self.group.store, records=self.group.records, filtering=filtering)

    def trained(self, recipe: str, scores: Mapping[str, float], created: Sequence[int] = (-1,) * 5) -> Trained:
        past = Past.build(["u"] * 4, KNOWN, NOW - DAY * np.array([400, 300, 2, 0]))
        return Trained(
            recipe=RECIPES[recipe],
            dataset_group=ARN,
            events_until=0,
            selection=EVERYTHING,
            model=Given(scores),
            fallback=np.array([4, 3, 2, 1, 0], np.float32),
            counts=np.array([100, 100, 1, 1, 0]),
            created=np.array(created),
            histories=Histories(history_table(past)),
        )

    def ask(self, trained: Trained, question: Question | None = None, *, k: int = 5, **more: Any) -> list[str]:
        found = recommend(trained, self.sources, question or Question(user_id="u"), k=k, **more)
        return [item.item_id for item in found]


SCORES = {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0, "new": 5.0}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.group.store.close()


def test_recipes_say_whether_items_without_interactions_are_recommended(shop: Shop) -> None:
    assert shop.ask(shop.trained("aws-hrnn-metadata", SCORES)) == ["a", "b", "c", "d"]
    assert shop.ask(shop.trained("aws-user-personalization", SCORES)) == ["new", "a", "b", "c", "d"]
    cold_only = {**dict.fromkeys(KNOWN, NAN), "new": -3.0}
    assert shop.ask(shop.trained("aws-hrnn-coldstart", cold_only)) == ["new", "a", "b", "c", "d"]


def test_no_item_is_related_to_itself_even_if_it_is_promoted(shop: Shop) -> None:
    trained = shop.trained("aws-similar-items", SCORES)
    question = Question(item_id="a")
    assert shop.ask(trained, question) == ["new", "b", "c", "d"]
    promotion = Promotion(name="x", filter=parse('INCLUDE ItemID WHERE Items.GENRE IN ("x")'), percent=100)
    assert set(shop.ask(trained, question, promotion=promotion, k=2)) == {"new", "c"}


def test_the_model_is_asked_with_what_is_known_now(shop: Shop) -> None:
    shop.group.dataset(DatasetKind.USERS, {"PLAN": "string"})
    shop.group.load(DatasetKind.USERS, [{"USER_ID": "u", "PLAN": "gold"}], replace=True)
    with shop.group.store.write() as transaction:
        add_events(transaction, ARN, [Event(session_id="s", user_id="u", item_id="a", at=NOW + 1, event_type="view")])
    trained = shop.trained("aws-hrnn-metadata", SCORES)
    shop.ask(trained, Question(user_id="u", item_id="b", context={"DEVICE": "tv"}))
    (query,) = trained.model.asked  # type: ignore[attr-defined]
    assert [event.item_id for event in query.history] == [*KNOWN, "a"]
    assert (query.user, query.context, query.item_id) == ({"PLAN": "gold"}, {"DEVICE": "tv"}, None)


def test_scores_are_shares_of_all_items_whatever_is_filtered(shop: Shop) -> None:
    trained = shop.trained("aws-hrnn-metadata", SCORES)
    whole = np.exp(list(SCORES.values())).sum()
    only_y = Question(user_id="u", filter=parse('INCLUDE ItemID WHERE Items.GENRE IN ("y")'))
    found = recommend(trained, shop.sources, only_y, k=5)
    assert [item.item_id for item in found] == ["b", "d"]
    assert [item.score for item in found] == pytest.approx([np.exp(3) / whole, np.exp(1) / whole], rel=1e-5)
    nothing = Question(user_id="u", filter=parse('INCLUDE ItemID WHERE Items.GENRE IN ("z")'))
    assert shop.ask(trained, nothing) == []


def test_promoted_items_keep_their_order_at_changing_places(shop: Shop) -> None:
    trained = shop.trained("aws-user-personalization-v2", SCORES)
    promotion = Promotion(name="x", filter=parse('INCLUDE ItemID WHERE Items.GENRE IN ("x")'), percent=40)
    answers = [recommend(trained, shop.sources, Question(user_id="u"), k=4, promotion=promotion) for _ in range(60)]
    for answer in answers:
        assert [item.item_id for item in answer if item.promotion == "x"] == ["new", "a"], "new items can be promoted"
        assert [item.item_id for item in answer if item.promotion is None] == ["b", "c"]
    places = {tuple(item.promotion is None for item in answer) for answer in answers}
    assert len(places) > 3


def test_exploration_lets_new_items_in_and_weight_0_changes_nothing(shop: Shop) -> None:
    scores = {"a": 5.0, "b": 4.0, "c": -9.0, "d": -9.5, "new": -9.2}
    trained = shop.trained("aws-user-personalization", scores)
    still = [shop.ask(trained, exploration=Exploration(weight=0, cutoff_days=30)) for _ in range(10)]
    assert still == [["a", "b", "c", "new", "d"]] * 10
    answers = [
        recommend(trained, shop.sources, Question(user_id="u"), k=5, exploration=Exploration(weight=1, cutoff_days=30))
        for _ in range(100)
    ]
    at_the_top = {answer[0].item_id for answer in answers}
    assert "new" in at_the_top
    assert {"a", "b"} & at_the_top
    for answer in answers:
        assert sum(item.score or 0 for item in answer) == pytest.approx(1, abs=1e-5)
        assert [item.item_id for item in answer if item.item_id in {"a", "b"}] == ["a", "b"], "old: as the model says"


def test_ages_come_from_the_catalogue_else_from_the_first_interaction(shop: Shop) -> None:
    created = [-1, NOW - 7 * DAY, -1, NOW + DAY, -1]
    assert shop.trained("aws-user-personalization", SCORES, created).age_days.tolist() == [400, 7, 2, 0, 0]


def test_a_ranking_shares_out_its_own_items_and_puts_the_unknown_last(shop: Shop) -> None:
    trained = shop.trained("aws-personalized-ranking", {**SCORES, "a": -900.0, "b": -901.0})
    found = rank_items(trained, shop.sources, Question(user_id="u"), ["new", "b", "?", "a", "b"])
    assert [item.item_id for item in found] == ["a", "b", "new", "?"]
    assert [item.score for item in found[:2]] == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))], rel=1e-5)
    assert [item.score for item in found[2:]] == [None, None]
    seen = Question(user_id="u", filter=parse('EXCLUDE ItemID WHERE Items.GENRE IN ("y")'))
    assert [item.item_id for item in rank_items(trained, shop.sources, seen, ["new", "b", "?", "a"])] == [
        "a",
        "new",
        "?",
    ]
