"""The same preparation in plain pandas: what the tests compare the hold-outs with, and the benchmark the speed.

Written for clarity: everything in memory, one statement after the other.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from contract.fields import ITEM_ID, TIMESTAMP, USER_ID
from contract.holdout import future_count
from experiments.config import AfterTime, ColdItems, HoldOut, LastShare


def future_mask(frame: pd.DataFrame, holdout: HoldOut) -> pd.Series:
    """Which rows of the interactions (in the order of their file) belong to the future."""
    match holdout:
        case LastShare():
            return _newest(frame, holdout)
        case AfterTime():
            return frame[TIMESTAMP] >= holdout.timestamp
        case ColdItems():
            return frame[ITEM_ID].isin(_cold(frame, holdout))


def _newest(frame: pd.DataFrame, holdout: LastShare) -> pd.Series:
    in_time = frame.sort_values([USER_ID, TIMESTAMP], kind="stable")
    users = in_time.groupby(USER_ID, sort=False)[USER_ID]
    n = users.transform("size")
    share = holdout.share
    held_out = np.minimum(-(-share.numerator * n // share.denominator), n - 1)
    return (users.cumcount() >= n - held_out).reindex(frame.index)


def _cold(frame: pd.DataFrame, holdout: ColdItems) -> list[str]:
    items = list(dict.fromkeys(frame[ITEM_ID]))
    if holdout.items == "random":
        order = sorted(items, key=lambda item: (hashlib.md5(f"{holdout.seed}/{item}".encode()).hexdigest(), item))
    else:
        first = frame.groupby(ITEM_ID)[TIMESTAMP].min()
        read = {item: position for position, item in enumerate(items)}
        order = sorted(items, key=lambda item: (-first[item], -read[item]))
    return order[: future_count(len(items), holdout.share)]


def prepare(source: Path, out: Path, holdout: HoldOut) -> None:
    """A CSV of interactions to past.csv and future.csv in the folder `out`: read, check, split, write."""
    frame = pd.read_csv(source, dtype={USER_ID: str, ITEM_ID: str})
    if frame.isna().any(axis=None) or (frame[TIMESTAMP] < 0).any():
        raise ValueError("empty or negative cells")
    if max(frame[USER_ID].str.len().max(), frame[ITEM_ID].str.len().max()) > 256:
        raise ValueError("an id is too long")
    frame = frame.drop_duplicates(ignore_index=True)
    future = future_mask(frame, holdout)
    frame[~future].to_csv(out / "past.csv", index=False)
    frame[future].to_csv(out / "future.csv", index=False)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]), LastShare())
