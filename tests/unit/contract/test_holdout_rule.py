"""The hold-out rule is exact: no floating point, never the whole history."""

from __future__ import annotations

import doctest
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import holdout


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(holdout).failed == 0


@given(st.integers(2, 10**9), st.fractions(min_value=Fraction(1, 1000), max_value=Fraction(999, 1000)))
def test_it_is_the_ceiling_but_leaves_a_past(n: int, share: Fraction) -> None:
    count = holdout.future_count(n, share)
    assert 1 <= count < n
    assert count == min(math.ceil(share * n), n - 1)


@pytest.mark.parametrize("text", ["0", "1", "-0.1", "ten", "1/0", ""])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="share"):
        holdout.share_from_text(text)
