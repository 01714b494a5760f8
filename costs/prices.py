"""The price tables: one per region, in `prices.json` beside this module, each price with its source and date.

    {"us-east-1": {"ingestion": {"usd": 0.05, "per": 1, "source": "https://…", "date": "2026-11-26", "confirmed": "…"}}}

`usd` is the price of `per` units of the meter (`costs.meters`), on demand, in the first tier: discounts for large
quantities and free tiers are left out, so that an upper end stays one. `date` says when it was last looked up, and
`confirmed` in which way. A table has a price for every meter. A region whose prices nobody has confirmed has no table:
`load` refuses it and says where to put one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from costs.meters import METERS

FILE = Path(__file__).with_name("prices.json")
WHERE = "costs/prices.json"
PAGE = "https://aws.amazon.com/personalize/pricing/"
_MEMBERS = {"usd", "per", "source", "date", "confirmed"}


class NoPrice(LookupError):
    """There is no table for the region."""


class BadTable(ValueError):
    """`prices.json` is wrong; the message names region, meter and member."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """Of one meter in one region, in US dollars."""

    usd: float
    per: float
    """Units of the meter that cost so much."""
    source: str
    date: str
    """ISO 8601."""
    confirmed: str

    def of(self, quantity: float) -> float:
        """US dollars."""
        return quantity / self.per * self.usd


@dataclass(frozen=True, kw_only=True)
class Prices:
    """All prices of a region, by meter."""

    region: str
    of: Mapping[str, Price]

    @property
    def oldest(self) -> str:
        """Date of the price that was looked up longest ago."""
        return min(price.date for price in self.of.values())


def load(region: str) -> Prices:
    """The region's table; NoPrice asks for one, BadTable says what is wrong in the file."""
    tables = read(json.loads(FILE.read_text(encoding="utf-8")))
    if region in tables:
        return tables[region]
    raise NoPrice(
        f"{WHERE} has no prices for {region}, so that nobody can say what a run costs there: look them up on {PAGE},"
        f" with this region chosen, and add a table {region!r} like those of {', '.join(tables)}: a price for each of"
        f" {', '.join(name for name, meter in METERS.items() if meter.priced)}, with source and date"
    )


def read(value: Any) -> dict[str, Prices]:
    """Checks the whole file: BadTable."""
    if not isinstance(value, dict) or not value:
        raise BadTable(f"{WHERE}: expected an object with a table per region")
    return {region: _table(region, table) for region, table in value.items()}


def _table(region: str, value: Any) -> Prices:
    wanted = {name for name, meter in METERS.items() if meter.priced}
    if not isinstance(value, dict):
        raise BadTable(f"{WHERE}: {region}: expected an object with a price per meter")
    for said, names in (("lacks", wanted - set(value)), ("has the unknown meter", set(value) - wanted)):
        if names:
            raise BadTable(f"{WHERE}: {region} {said} {min(names)}; the meters are {', '.join(sorted(wanted))}")
    return Prices(region=region, of={meter: _price(f"{region}: {meter}", row) for meter, row in value.items()})


def _price(at: str, value: Any) -> Price:
    if not isinstance(value, dict) or set(value) != _MEMBERS:
        raise BadTable(f"{WHERE}: {at}: expected exactly {', '.join(sorted(_MEMBERS))}")
    for member, least in (("usd", 0.0), ("per", 1e-9)):
        number = value[member]
        if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number < math.inf:
            raise BadTable(f"{WHERE}: {at}: {member} is {number!r}; expected a {'positive ' if least else ''}number")
    if not isinstance(value["source"], str) or not value["source"].startswith("https://"):
        raise BadTable(f"{WHERE}: {at}: source is {value['source']!r}; expected the address of a page")
    if not isinstance(value["confirmed"], str) or not value["confirmed"]:
        raise BadTable(f"{WHERE}: {at}: confirmed must say how the price was confirmed")
    try:
        date.fromisoformat(value["date"])
    except (TypeError, ValueError):
        raise BadTable(f"{WHERE}: {at}: date is {value['date']!r}; expected one such as 2026-11-26") from None
    return Price(**value)
