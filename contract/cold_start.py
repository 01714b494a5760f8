"""What report.json says of new items: how well each policy picks them for a user, and what introducing one costs.

A policy chooses which items without a past a user is shown: a recipe that is asked for cold items, or a rule that
knows no user. See `evaluation.introducing` for the simulated visits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

RANDOM_COLD = "random_cold_items"
"""Cold items drawn at random, for each user anew."""
POPULAR_CATEGORIES = "popular_categories"
"""All cold items by how much everybody liked the categories that they have; the same list for everybody."""

Spread = list[float]
"""[value, low, high]: with a 95 % interval."""


@dataclass(kw_only=True)
class Policy:
    """One way to choose new items for users, all judged on the same users."""

    name: str
    precision_at_5: Spread
    """Mean over the users asked; interval over users."""
    lift: Spread | None = None
    """precision_at_5 as a multiple of that of random cold items, interval paired over users; None: that one found
    nothing, in the data or in one of the resamples."""
    behind: Spread | None = None
    """How much less precision_at_5 than the recipe, paired; None for the recipe itself."""
    introduced: Spread
    """Items that got enough clicks; this and what follows: mean and interval over visit orders."""
    impressions: Spread
    """All that were made."""
    per_item: Spread | None = None
    """Impressions of any item by item introduced; None: in one of the orders none was."""
    until_introduced: Spread | None = None
    """Impressions of the median introduced item until its last click; None as above."""
    saved: Spread | None = None
    """1 - per_item / per_item of random cold items, paired by order; None: either is missing."""
    curve: list[list[float]] = field(default_factory=list)
    """[[impressions made, items introduced until then, mean over orders], …]"""


@dataclass(kw_only=True)
class ColdStart:
    """The policies, the recipe first, and what the simulated visits were made of."""

    recipe: str
    category: str | None
    """The column behind POPULAR_CATEGORIES; None: the items have no categorical one."""
    asked: int
    """Users behind precision_at_5."""
    visitors: int
    """Of them, those who came to the simulated visits."""
    items: int
    """Cold items."""
    introducible: int
    """Cold items that enough visitors want for so many clicks."""
    clicks: int
    """That an item is introduced with."""
    shown: int
    """Items in a visit."""
    visits: int
    """Of each visitor at most."""
    orders: int
    policies: list[Policy]

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ColdStart:
        """From what `dataclasses.asdict` made."""
        return cls(**value | {"policies": [Policy(**row) for row in value["policies"]]})
