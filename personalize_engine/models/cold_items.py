"""Which items are cold: the definition and the limits of aws-hrnn-coldstart.

Source: Amazon Personalize developer guide, "HRNN-Coldstart recipe (legacy)"; for the time at which an item was created,
"Creation timestamp data".
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from personalize_engine.data.past import Past
from personalize_engine.errors import JobFailed

FEWEST, MOST = 100, 80_000
"""Cold items that a solution version must have."""
RelativeFrom = Literal["currentTime", "latestItem"]

_DAY = 86_400


def cold_items(
    past: Past, *, max_interactions: int, max_days: float, relative_from: RelativeFrom, now: float
) -> NDArray[np.bool_]:
    """(n_items,) which items have fewer than `max_interactions` **and** are younger than `max_days`.

    The age counts back from `now` (Unix seconds) or from the newest item. An item was created at its
    CREATION_TIMESTAMP, without one at its oldest interaction; one that has neither has the age 0.
    """
    created = _created(past)
    known = created >= 0
    until = now if relative_from == "currentTime" else created.max(initial=-1)
    young = np.where(known, (until - created) / _DAY, 0) < max_days
    return young & (past.item_counts < max_interactions)


def check_limits(n_cold: int, *, max_interactions: int, max_days: float, relative_from: RelativeFrom) -> None:
    """JobFailed if so many cold items are outside the limits."""
    if FEWEST <= n_cold <= MOST:
        return
    advice = "larger" if n_cold < FEWEST else "lower"
    raise JobFailed(
        f"The number of cold start items ({n_cold}) is outside of the limits: Minimum cold start items: {FEWEST},"
        f" Maximum cold start items: {MOST}. Specify a {advice} value for cold_start_max_interactions"
        f" ({max_interactions}) or cold_start_max_duration ({max_days:g} days, relative to {relative_from})."
    )


def _created(past: Past) -> NDArray[np.int64]:
    """(n_items,) Unix seconds; -1 where neither the Items dataset nor an interaction tells."""
    never = np.iinfo(np.int64).max
    oldest = np.full(len(past.items), never)
    np.minimum.at(oldest, past.item, past.at)
    oldest[oldest == never] = -1
    return oldest if past.created is None else np.where(past.created >= 0, past.created, oldest)
