"""Past and future: the hold-outs as Ibis expressions, for any engine that Ibis speaks to (DuckDB here, Spark beyond).

Each function takes the interactions with a column `ROW`, the rows' numbers in the source, and returns them with a
boolean column FUTURE. Order is by TIMESTAMP; ties keep the order of the source. All arithmetic is on integers.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import ibis

from contract.fields import ITEM_ID, TIMESTAMP, USER_ID
from data_prep.database import ROW
from experiments.config import AfterTime, ColdItems, HoldOut, LastShare

FUTURE = "_future"


def future_rows(table: ibis.Table, holdout: HoldOut) -> ibis.Table:
    """One column: the `ROW` of every interaction that belongs to the future."""
    match holdout:
        case LastShare():
            marked = _last(table, holdout.share)
        case AfterTime():
            marked = table.mutate(**{FUTURE: table[TIMESTAMP] >= holdout.timestamp})
        case ColdItems():
            marked = table.semi_join(cold_items(table, holdout), ITEM_ID).mutate(**{FUTURE: ibis.literal(True)})
    return marked.filter(marked[FUTURE]).select(ROW)


def cold_items(table: ibis.Table, holdout: ColdItems) -> ibis.Table:
    """One column: the ITEM_ID of every cold item.

    random: the first ones in the order of MD5(seed/ITEM_ID), which is the same on every engine. newest: those whose
    first interaction is the latest (then: read last).
    """
    items = table.group_by(ITEM_ID).agg(_first=table[TIMESTAMP].min(), _row=table[ROW].min())
    if holdout.items == "random":
        draw = (ibis.literal(f"{holdout.seed}/") + items[ITEM_ID]).hexdigest("md5")
        order = [draw, items[ITEM_ID]]
    else:
        order = [items["_first"].desc(), items["_row"].desc()]
    window = ibis.window(order_by=order)
    ranked = items.mutate(_rank=ibis.row_number().over(window), _n=items.count().over(ibis.window()))
    return ranked.filter(ranked["_rank"] < future_count(ranked["_n"], holdout.share)).select(ITEM_ID)


def place(table: ibis.Table, rows: ibis.Table) -> ibis.Table:
    """The interactions in the order of the source, with FUTURE: whether the row is one of `rows`."""
    return table.mutate(**{FUTURE: table[ROW].isin(rows[ROW])}).order_by(ROW)


def repeats(placed: ibis.Table) -> Any:
    """Ibis scalar: how many of the future's rows have an item that the same user has in the past."""
    pair = [USER_ID, ITEM_ID]
    future, past = placed.filter(placed[FUTURE]), placed.filter(~placed[FUTURE])
    # The future is the small side: only the pairs that it asks about are looked up.
    met = past.semi_join(future.select(*pair).distinct(), pair).select(*pair).distinct()
    return future.semi_join(met, pair).count()


def future_count(n: Any, share: Fraction) -> Any:
    """`contract.holdout.future_count` of an integer column: ceil(share * n), at most n - 1."""
    return ibis.least((n * share.numerator + (share.denominator - 1)) // share.denominator, n - 1)


def _last(table: ibis.Table, share: Fraction) -> ibis.Table:
    user = ibis.window(group_by=USER_ID)
    in_time = ibis.window(group_by=USER_ID, order_by=[TIMESTAMP, ROW])
    # Only what the rule needs goes through the sort.
    narrow = table.select(USER_ID, TIMESTAMP, ROW)
    placed = narrow.mutate(_n=narrow.count().over(user), _position=ibis.row_number().over(in_time))
    return placed.mutate(**{FUTURE: placed["_position"] >= placed["_n"] - future_count(placed["_n"], share)})
