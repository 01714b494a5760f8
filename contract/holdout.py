"""Where a user's sequence is cut into past and future, exactly.

The share is a fraction taken from the configuration's text: `ceil(0.07 * 100)` is 8 in floating point, and 7 here.
"""

from __future__ import annotations

from fractions import Fraction

DEFAULT_SHARE = Fraction(1, 10)


def share_from_text(text: str) -> Fraction:
    """The share as written, e.g. "0.1" or "1/10"; ValueError unless 0 < share < 1."""
    try:
        share = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"share {text!r} is not a number such as 0.1 or 1/10") from None
    if not 0 < share < 1:
        raise ValueError(f"share {text!r} must lie between 0 and 1")
    return share


def future_count(n: int, share: Fraction = DEFAULT_SHARE) -> int:
    """How many of a user's n interactions, the newest ones, are the future: ceil(share * n); 0 if n < 2.

    >>> [future_count(n, Fraction(1, 10)) for n in (0, 1, 2, 10, 11, 100)]
    [0, 0, 1, 1, 2, 10]
    >>> future_count(100, Fraction("0.07"))
    7
    """
    if n < 2:
        return 0
    return min(-(-share.numerator * n // share.denominator), n - 1)
