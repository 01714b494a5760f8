"""A quantity of which only the bounds are known."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """From `low` to `high`, both finite and not negative; ValueError otherwise."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (0 <= self.low <= self.high and math.isfinite(self.high)):
            raise ValueError(f"no range: {self.low} to {self.high}")

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def __mul__(self, factor: float) -> Range:
        """`factor` is not negative."""
        return Range(self.low * factor, self.high * factor)


NOTHING = Range(0, 0)


def exactly(value: float) -> Range:
    """A quantity that is known."""
    return Range(value, value)
