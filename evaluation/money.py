"""Ranges of quantities and of US dollars, as people read them."""

from __future__ import annotations


def quantities(low: float, high: float) -> str:
    """`0.55 – 16.5`; one figure where both are the same to the reader."""
    return _between(_short(low), _short(high))


def dollars(low: float, high: float) -> str:
    """`0.52 – 1.40`, in cents; below a cent `< 0.01`."""
    return _between(_cents(low), _cents(high))


def _between(low: str, high: str) -> str:
    return low if low == high else f"{low} – {high}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _cents(value: float) -> str:
    if value >= 0.005:
        return f"{value:,.2f}"
    return "< 0.01" if value else "0"
