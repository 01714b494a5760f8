"""Which users and items take part in a training: the recipes' percentile parameters, in one place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def within(counts: NDArray[np.integer], low: float, high: float) -> NDArray[np.bool_]:
    """Which counts lie between the `low` and `high` quantile (both in [0, 1]) of the counts that are not zero.

    Bounds are inclusive, so equal counts are kept or dropped together, and 0 and 1 keep all that is not zero.
    """
    present: NDArray[np.bool_] = counts > 0
    if not present.any():
        return present
    lower, upper = np.quantile(counts[present], [low, high], method="inverted_cdf")
    kept: NDArray[np.bool_] = present & (counts >= lower) & (counts <= upper)
    return kept
