"""Requests that no honest client sends: each gets the service's error or a sensible answer, never a failure."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from engine_server import EngineProcess

TEXTS = ["", " ", "x" * 256, "x" * 257, "\x00", "\ud800", "𝄞\u200f\U0010fffd", "a'b\"c|d%s{}", "NaN", "-1"]
NUMBERS = [0, 1, -1, 501, 2**31, 2**70, 1.5, float("nan"), float("inf"), "25", None, True, [], {}]
ODD = [*TEXTS, *NUMBERS]


def post(engine: EngineProcess, path: str, body: bytes) -> int:
    connection = http.client.HTTPConnection(urlsplit(engine.url).netloc, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = json.loads(answer.read())
    finally:
        connection.close()
    assert answer.status == 200 or {"__type", "message"} <= set(said), said
    return answer.status


def ask(engine: EngineProcess, path: str, body: dict[str, Any]) -> int:
    return post(engine, path, json.dumps(body).encode())


@pytest.mark.parametrize("member", ["userId", "itemId", "numResults", "filterArn", "metadataColumns", "promotions"])
def test_odd_members(engine: EngineProcess, popularity: str, sims: str, hrnn: str, member: str) -> None:
    for campaign in (popularity, sims, hrnn):
        for odd in ODD:
            body = {"campaignArn": campaign, "userId": "u1", "itemId": "i1", member: odd}
            assert ask(engine, "/recommendations", body) in {200, 400, 404}, (member, odd)


@pytest.mark.parametrize("member", ["context", "filterValues"])
def test_odd_maps(engine: EngineProcess, popularity: str, member: str) -> None:
    for odd in ODD:
        for value in (odd, {"DEVICE": odd}, {str(odd): "x"}):
            body = {"campaignArn": popularity, "userId": "u1", member: value}
            assert ask(engine, "/recommendations", body) in {200, 400, 404}, (member, value)


def test_odd_lists_to_rank(engine: EngineProcess, hrnn: str) -> None:
    for odd in ODD:
        for value in (odd, [odd], ["i1", odd, odd]):
            body = {"campaignArn": hrnn, "userId": "u1", "inputList": value}
            assert ask(engine, "/personalize-ranking", body) == 400, value


def test_odd_campaigns_and_bodies(engine: EngineProcess) -> None:
    for odd in ODD:
        assert ask(engine, "/recommendations", {"campaignArn": odd, "userId": "u1"}) in {400, 404}, odd
    for body in (b"", b"[]", b"{", b"\xff", b'{"userId": "\\ud800", "campaignArn": "\\udfff"}', b'"x"', b"null"):
        assert post(engine, "/recommendations", body) in {400, 404}, body
