"""From an import to recommendations: what every recipe answers."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from engine_server import Bench


@pytest.fixture(scope="module")
def popularity(bench: Bench, filled_group: str) -> str:
    return bench.served(filled_group, "aws-popularity-count")


def test_popularity_gives_everyone_the_same_25_without_scores(bench: Bench, popularity: str) -> None:
    answer = bench.runtime.get_recommendations(campaignArn=popularity, userId="u1")
    assert len(answer["itemList"]) == 25
    assert all("score" not in item for item in answer["itemList"])
    assert answer["recommendationId"].startswith("RID-")
    assert bench.items(popularity, userId="nobody") == [item["itemId"] for item in answer["itemList"]]
