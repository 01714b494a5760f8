"""The price tables: what is shipped is whole and says where it comes from, and mistakes are named."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import pytest

from costs.meters import METERS
from costs.prices import FILE, BadTable, NoPrice, load, read

TABLES: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("region", TABLES)
def test_a_shipped_table_has_every_price_with_source_and_date(region: str) -> None:
    table = load(region)
    assert set(table.of) == {name for name, meter in METERS.items() if meter.priced}
    for price in table.of.values():
        assert price.usd > 0
        assert date.fromisoformat(price.date) <= date.today()
        assert "amazon.com/" in price.source
    assert table.oldest == min(price.date for price in table.of.values())


def test_a_provisioned_request_a_second_costs_what_a_tps_hour_costs() -> None:
    assert load("us-east-1").of["recommendations"].of(3600) == pytest.approx(0.20, abs=0.001)


def test_a_region_without_prices_asks_for_them() -> None:
    with pytest.raises(NoPrice) as asked:
        load("eu-central-1")
    for part in ("costs/prices.json", "eu-central-1", "https://aws.amazon.com/personalize/pricing/", "training-hours"):
        assert part in str(asked.value)


def _changed(change: Any) -> Any:
    value = copy.deepcopy(TABLES)
    change(value)
    return value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.clear(), "a table per region"),
        (lambda t: t.update({"us-east-1": []}), "us-east-1: expected an object"),
        (lambda t: t["us-east-1"].pop("ingestion"), "us-east-1 lacks ingestion"),
        (lambda t: t["us-east-1"].update({"ingest": {}}), "has the unknown meter ingest"),
        (lambda t: t["us-east-1"]["ingestion"].pop("source"), "us-east-1: ingestion: expected exactly confirmed, date"),
        (lambda t: t["us-east-1"]["ingestion"].update(usd=-1), "ingestion: usd is -1"),
        (lambda t: t["us-east-1"]["ingestion"].update(usd=True), "ingestion: usd is True"),
        (lambda t: t["us-east-1"]["ingestion"].update(usd="0.05"), "ingestion: usd is '0.05'"),
        (lambda t: t["us-east-1"]["ingestion"].update(usd=float("nan")), "ingestion: usd is nan"),
        (lambda t: t["us-east-1"]["ingestion"].update(per=0), "ingestion: per is 0; expected a positive number"),
        (lambda t: t["us-east-1"]["ingestion"].update(source="memory"), "ingestion: source is 'memory'"),
        (lambda t: t["us-east-1"]["ingestion"].update(confirmed=""), "ingestion: confirmed must say how"),
        (lambda t: t["us-east-1"]["ingestion"].update(date="last year"), "ingestion: date is 'last year'"),
        (lambda t: t["us-east-1"]["ingestion"].update(date=2026), "ingestion: date is 2026"),
    ],
)
def test_a_mistake_is_named_with_its_place(change: Any, said: str) -> None:
    with pytest.raises(BadTable, match=said):
        read(_changed(change))
