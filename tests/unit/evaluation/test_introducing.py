"""Simulated visits against a slow and obvious version; policies for new items; what the report says of both."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.cold_start import POPULAR_CATEGORIES, RANDOM_COLD, ColdStart
from contract.results import Report
from evaluation import introducing
from evaluation.cases import Case
from evaluation.cold_policies import by_category, cold_policies
from evaluation.cold_start import cold_start
from evaluation.interactions import Interactions
from evaluation.introducing import Course, Introducing, curve, introduce, visits
from evaluation.judge import Judgement, judge
from evaluation.page import render
from evaluation.page_introducing import introducing as section
from evaluation.verdict import headline, statements
from tests.report_examples import local_report

ITEMS = [f"n{n:02d}" for n in range(30)]
COLD = set(ITEMS)


def case(user: str, relevant: Set[str]) -> Case:
    return Case(user=user, past={"old"}, last_item="old", length=1, relevant=relevant)


def tastes(users: int, *, likes: int = 6, seed: int = 0) -> list[Case]:
    """Users with a few new items each, the first ones liked by more of them."""
    draw = random.Random(seed)
    return [case(f"u{n:03d}", set(draw.sample(ITEMS[: 10 + n % 21], likes))) for n in range(users)]


def at_random(cases: Sequence[Case], *, seed: int = 0) -> dict[str, list[str]]:
    return {one.user: random.Random(f"{seed}:{one.user}").sample(ITEMS, len(ITEMS)) for one in cases}


def oracle(cases: Sequence[Case]) -> dict[str, list[str]]:
    """What each will click, and nothing else."""
    return {one.user: sorted(one.relevant) for one in cases}


def slow(lists: Sequence[Sequence[int]], wanted: Sequence[Set[int]], *, able: int, seed: str) -> Course:
    """The rules as they are told, each visit looked at anew."""
    draw = random.Random(seed)
    order = list(range(len(lists)))
    seen: list[tuple[int, int]] = []  # (visitor, item)
    introduced: list[int] = []
    at, own = [], []
    for _ in range(introducing.VISITS):
        draw.shuffle(order)
        for visitor in order:
            if len(introduced) == able:
                return Course(impressions=len(seen), at=at, own=own)
            new = [item for item in lists[visitor] if (visitor, item) not in seen and item not in introduced]
            for item in new[: introducing.SHOWN]:
                seen.append((visitor, item))
                clicks = sum(shown == item and item in wanted[who] for who, shown in seen)
                if item in wanted[visitor] and clicks == introducing.CLICKS:
                    introduced.append(item)
                    at.append(len(seen))
                    own.append(sum(shown == item for _, shown in seen))
    return Course(impressions=len(seen), at=at, own=own)


@st.composite
def people(draw: st.DrawFn) -> tuple[list[list[int]], list[set[int]]]:
    items = draw(st.integers(0, 7))
    some = st.permutations(range(items)).flatmap(
        lambda order: st.integers(0, items).map(lambda length: list(order[:length]))
    )
    lists = draw(st.lists(some, max_size=25))
    wanted = draw(st.lists(st.sets(st.integers(0, 8)), min_size=len(lists), max_size=len(lists)))
    return lists, wanted


@given(people(), st.integers(0, 4), st.integers(1, 4), st.integers(1, 5), st.text(max_size=2))
def test_visits_follow_the_rules(
    given_people: tuple[list[list[int]], list[set[int]]], clicks: int, shown: int, rounds: int, seed: str
) -> None:
    lists, wanted = given_people
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(introducing, "CLICKS", clicks + 1)
        patch.setattr(introducing, "SHOWN", shown)
        patch.setattr(introducing, "VISITS", rounds)
        able = len(introducing.introducible(wanted))
        assert visits(lists, wanted, able=able, seed=seed) == slow(lists, wanted, able=able, seed=seed)


@given(people(), st.text(max_size=2))
def test_nothing_is_cheaper_than_an_oracle(given_people: tuple[list[list[int]], list[set[int]]], seed: str) -> None:
    """Every impression of its is a click, so no item is introduced with fewer, and none that can be is left."""
    lists, wanted = given_people
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(introducing, "CLICKS", 2)
        able = introducing.introducible(wanted)
        knowing = [sorted(items & able) for items in wanted]
        best = visits(knowing, wanted, able=len(able), seed=seed)
        other = visits(lists, wanted, able=len(able), seed=seed)
    assert best.own == [2] * len(able)
    assert best.introduced >= other.introduced
    for done, one in enumerate(other.own):
        assert one >= best.own[done]


def test_an_oracle_needs_the_fewest_impressions_per_item() -> None:
    cases = tastes(120)
    best, chance = (introduce(answers, cases, COLD, seed=3) for answers in (oracle(cases), at_random(cases)))
    assert (best.visitors, best.items, best.introducible) == (120, 30, chance.introducible)
    assert len(best.courses) == len(chance.courses) == introducing.ORDERS >= 20
    for one, other in zip(best.courses, chance.courses, strict=True):
        assert one.until_introduced == introducing.CLICKS
        assert one.per_item is not None
        assert other.per_item is not None
        assert one.per_item < other.per_item
        assert one.introduced == best.introducible


def test_items_that_too_few_want_are_never_introduced_and_known_items_are_passed_over() -> None:
    cases = [case(f"u{n}", {"n00"} if n < 9 else {"n01"}) for n in range(20)]
    found = introduce({one.user: ["old", "n00", "n00", "n01"] for one in cases}, cases, COLD, seed=0, orders=2)
    assert found.introducible == 1
    for course in found.courses:
        assert course.introduced == 1
        assert course.impressions <= 2 * 20, "each item once to each user"
    assert Introducing.from_json(found.to_json()) == found


def test_many_visitors_are_sampled_and_equal_inputs_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introducing, "VISITORS", 40)
    cases = tastes(120)
    found = introduce(at_random(cases), cases, COLD, seed=1, orders=2)
    assert found.visitors == 40
    assert found == introduce(at_random(cases), cases[::-1], COLD, seed=1, orders=2)
    assert found.courses[0] != found.courses[1], "orders differ"


def test_a_curve_ends_with_all_that_was_introduced() -> None:
    courses = [Course(impressions=40, at=[10, 20], own=[10, 10]), Course(impressions=30, at=[30], own=[12])]
    found = curve(courses, most=40)
    assert len(found) <= introducing.POINTS
    assert (found[0], found[-1]) == ([0, 0], [40, 1.5])
    assert [y for _, y in found] == sorted(y for _, y in found)


# Policies


def past() -> Interactions:
    """Drama was met by three users in one film, horror by one in each of two."""
    rows = [("a", "d1", "1"), ("b", "d1", "1"), ("c", "d1", "1"), ("a", "h1", "2"), ("a", "h1", "3"), ("b", "h2", "1")]
    return Interactions(rows)


GENRES = {"d1": ["drama"], "h1": ["horror"], "h2": ["horror"], "x": ["horror"], "y": ["drama", "horror"], "z": []}


def test_popular_categories_come_first() -> None:
    cold = {"x", "y", "z", "w"}
    assert by_category(past(), cold, {**GENRES, "w": ["drama"]}) == ["w", "y", "x", "z"]


def test_policies_know_cold_items_only() -> None:
    made = cold_policies(past(), {"x", "y", "z"}, GENRES, seed=4)
    assert list(made) == [RANDOM_COLD, POPULAR_CATEGORIES]
    for recommend in made.values():
        assert sorted(recommend("a")) == ["x", "y", "z"]
    assert made[POPULAR_CATEGORIES]("a") == made[POPULAR_CATEGORIES]("b")
    assert len({tuple(made[RANDOM_COLD](user)) for user in "abcdefgh"}) > 1
    assert made[RANDOM_COLD]("a") == made[RANDOM_COLD]("a")
    assert list(cold_policies(past(), {"x"}, {}, seed=4)) == [RANDOM_COLD]


# The report


def judged(name: str, answers: Mapping[str, Sequence[str]], cases: Sequence[Case]) -> Judgement:
    made = judge(name, "cold-items", cases=cases, answers=answers, catalogue=COLD)
    made.introducing = introduce(answers, cases, COLD, seed=0).to_json()
    return made


@pytest.fixture(scope="module")
def found() -> ColdStart:
    cases = tastes(120)
    by_count = {one.user: ITEMS for one in cases}
    return cold_start(
        judged("aws-hrnn-coldstart", oracle(cases), cases),
        [judged(POPULAR_CATEGORIES, by_count, cases), judged(RANDOM_COLD, at_random(cases), cases)],
        category="GENRES",
        view="unseen",
        resamples=100,
        seed=0,
    )


def test_what_the_report_says(found: ColdStart) -> None:
    recipe, popular, chance = found.policies
    assert recipe.precision_at_5 == [1, 1, 1]
    assert recipe.lift is not None
    assert recipe.lift[0] == pytest.approx(1 / chance.precision_at_5[0], rel=1e-4)
    assert 1 < recipe.lift[1] <= recipe.lift[0] <= recipe.lift[2]
    assert chance.lift is None
    assert recipe.behind is None
    assert popular.behind is not None
    assert popular.behind[0] == pytest.approx(1 - popular.precision_at_5[0], abs=1e-5)
    assert recipe.until_introduced == [10, 10, 10]
    assert recipe.saved is not None
    assert recipe.saved[1] > 0
    for policy in found.policies:
        assert policy.curve[-1][1] == pytest.approx(policy.introduced[0])


def test_other_users_are_refused(found: ColdStart) -> None:
    one, other = (judged(RANDOM_COLD, at_random(cases), cases) for cases in (tastes(20), tastes(21)))
    with pytest.raises(ValueError, match="judged on other users"):
        cold_start(one, [other], category=None, view="unseen", resamples=100, seed=0)


def test_nothing_found_is_no_figure() -> None:
    cases = tastes(20)
    nothing: dict[str, list[str]] = {one.user: [] for one in cases}
    made = cold_start(
        judged("aws-hrnn-coldstart", oracle(cases), cases),
        [judged(RANDOM_COLD, nothing, cases)],
        category=None,
        view="unseen",
        resamples=100,
        seed=0,
    )
    recipe, chance = made.policies
    assert (recipe.lift, recipe.saved, chance.per_item, chance.until_introduced) == (None, None, None, None)
    assert "no categorical column" in section(report(made))


def report(found: ColdStart) -> Report:
    return replace(local_report(), cold_start=found)


def test_the_section_of_the_page(found: ColdStart) -> None:
    page = section(report(found))
    assert "random cold items" in page
    assert "popular categories" in page
    assert 'role="img"' in page
    assert "items introduced after" in page, "the chart is told in words"
    assert "can never be: fewer than 10" in page
    assert page in render(report(found))
    assert section(local_report()) == ""


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        ([0.3, 0.2, 0.4], "with 30% fewer impressions than at random (20% to 40%)"),
        ([-0.3, -0.4, -0.2], "with 30% more impressions than at random (20% to 40%)"),
        ([0.1, -0.1, 0.2], "depends on who comes when"),
    ],
)
def test_what_is_saved_in_words(found: ColdStart, saved: list[float], said: str) -> None:
    recipe, *others = found.policies
    assert said in section(report(replace(found, policies=[replace(recipe, saved=saved), *others])))


def test_where_items_are_held_out_the_verdict_is_about_new_ones(found: ColdStart) -> None:
    asked = replace(report(found), hold_out={"kind": "cold", "share": "1/2"})
    recipe, *others = found.policies
    assert recipe.lift is not None
    assert headline(asked) == f"aws-hrnn-coldstart finds {recipe.lift[0]:.1f} times as many right new items as chance"
    first, second, *_ = statements(asked)
    assert first.startswith("Of five new items that aws-hrnn-coldstart picks for a person, ")
    assert second.startswith("For what a person chooses next, aws-hrnn reaches NDCG@10 0.277")
    poor = replace(found, policies=[replace(recipe, lift=[1.1, 0.9, 1.3]), *others])
    assert (
        headline(replace(asked, cold_start=poor)) == "aws-hrnn-coldstart is not clearly better than chance at new items"
    )
    blind = replace(found, policies=[replace(recipe, lift=None), *others])
    assert headline(replace(asked, cold_start=blind)) == headline(local_report())
    assert headline(report(found)) == headline(local_report()), (
        "held out by time, new items are a question among others"
    )


def test_text_stays_text(found: ColdStart) -> None:
    assert "<b>" not in section(report(replace(found, category="<b>", recipe="<b>")))


def test_the_report_comes_back_and_older_ones_still_load(found: ColdStart) -> None:
    value = report(found).to_json()
    assert value["cold_start"] == asdict(found)
    assert Report.from_json(value) == report(found)
    del value["cold_start"]
    assert Report.from_json(value).cold_start is None
