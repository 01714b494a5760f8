"""The page that shows campaigns side by side, over a real engine: lists, filters, refusals, events."""

from __future__ import annotations

import re
from html import unescape

import pytest
from engine_server import SMALL, Bench
from flask.testing import FlaskClient

from look.campaigns import SHOWN, Service
from look.page import Known, create_app


@pytest.fixture(scope="module")
def page(bench: Bench) -> FlaskClient:
    group = bench.filled_group()  # of its own: the page shows every campaign of a group
    bench.served(group, "aws-hrnn", solutionConfig=SMALL)
    bench.served(group, "aws-sims")
    service = Service(
        personalize=bench.personalize,
        runtime=bench.engine.client("personalize-runtime"),
        events=bench.engine.client("personalize-events"),
        group_arn=group,
    )
    known = Known(experiment="shop", users=["user-1"], titles={"item-3": "Third <b>", "item-4": "Fourth"})
    return create_app(service, known).test_client()


def lists(html: str) -> dict[str, list[str]]:
    """{recipe: items}"""
    parts = re.findall(r'<h2 id="list-\d+">(.*?)</h2>(.*?)</section>', html, re.DOTALL)
    return {recipe: [unescape(i) for i in re.findall(r'name="sent" value="(.*?)"', body)] for recipe, body in parts}


def test_campaigns_stand_side_by_side(page: FlaskClient) -> None:
    html = page.get("/", query_string={"user": "u1", "item": "i4"}).text
    found = lists(html)
    assert list(found) == ["aws-hrnn", "aws-sims"]
    assert len(found["aws-hrnn"]) == SHOWN
    assert "i4" not in found["aws-sims"]
    assert "<script" not in html


def test_what_is_missing_is_asked_for(page: FlaskClient) -> None:
    html = page.get("/", query_string={"user": "u1"}).text
    assert lists(html)["aws-hrnn"]
    assert "Choose an item." in html
    assert "Choose a user." in page.get("/").text


def test_a_filter_takes_away_and_a_wrong_one_says_why(page: FlaskClient) -> None:
    plain = lists(page.get("/", query_string={"user": "u1"}).text)["aws-hrnn"]
    query = {"user": "u1", "filter": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")'}
    for _ in range(2):
        filtered = lists(page.get("/", query_string=query).text)["aws-hrnn"]
        assert filtered != plain
    html = page.get("/", query_string={"user": "u1", "filter": "EXCLUDE ItemID WHEN"}).text
    assert lists(html)["aws-hrnn"] == []
    assert "WHEN" in html.split('class="problem"')[1][:400]


def test_a_click_changes_the_users_lists_and_marks_what_is_new(page: FlaskClient) -> None:
    user = "visitor of the page"
    before = lists(page.get("/", query_string={"user": user}).text)["aws-hrnn"]
    names = re.findall(r'name="campaign" value="(.*?)"', page.get("/").text)
    answer = page.post("/event", data={"user": user, "sent": before[9], "campaign": names}, follow_redirects=True)
    assert answer.status_code == 200
    after = lists(answer.text)["aws-hrnn"]
    assert after != before
    marked = set(re.findall(r"<mark>(.*?)</mark></button>", answer.text))
    assert marked == set(after) - set(before)
    other = lists(page.get("/", query_string={"user": "u1"}).text)["aws-hrnn"]
    assert other == lists(page.get("/", query_string={"user": "u1"}).text)["aws-hrnn"]


def test_an_event_that_the_service_refuses_is_told(page: FlaskClient) -> None:
    answer = page.post("/event", data={"user": "u1", "sent": "x" * 257, "campaign": []})
    assert answer.status_code == 400
    assert "256" in answer.text
