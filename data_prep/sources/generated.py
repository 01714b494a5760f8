"""The generated data of the quickstart, and how well the best possible recommendations would do on it.

The visitors' rules are in `visits`. **The best reachable precision** is that of lists made by somebody who knows
these rules, and each visitor's mind at the end of their past: current tastes, the session they are in, their place on
every path, all they have seen. They rank the items by how often the visitor is expected to meet them in the held-out
events, whose number (not whose content) is known, and are judged on what the visitor then really met. A recipe sees
only the past; it has to guess the rules and the minds, so it stays below, but for luck.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contract.fields import CREATION_TIMESTAMP, ITEM_ID, TIMESTAMP, USER_ID
from contract.holdout import future_count
from contract.recipes import DatasetKind
from contract.results import CUTOFFS
from data_prep.sources.offered import wanted_columns
from data_prep.sources.tables import FrameTable, Source
from data_prep.sources.visits import Ints, Visitors, World, expected_events
from experiments.config import Experiment, Generated, LastShare

POSSIBLE_FUTURES = 24
"""Drawn per visitor for the expectation."""
SPREAD = 0.3
"""Of the logarithm of the number of events per visitor."""
FEWEST_EVENTS = 5
OTHER_GENRE = 0.25
"""Share of items that belong to a second genre as well."""

OCCASIONS = ("morning", "noon", "evening", "weekend")
OCCASION = "OCCASION"

_GENRES = (
    "Amber", "Birch", "Cobalt", "Dune", "Ember", "Fjord", "Glade", "Harbour", "Indigo", "Juniper", "Kelp", "Lagoon",
    "Meadow", "Nectar", "Opal", "Prairie", "Quarry", "Reed", "Saffron", "Tundra",
)  # fmt: skip


def read_generated(experiment: Experiment, settings: Generated, *, file: Path) -> Source:
    """The generated tables; `file` is the experiment's, for messages."""
    rng = np.random.default_rng(settings.seed)
    world = World.draw(settings.items, rng, occasions=len(OCCASIONS) if settings.occasions else 1)
    names = np.array([f"item-{number:0{len(str(world.n_items))}}" for number in 1 + rng.permutation(world.n_items)])
    items = _items(world, names, rng)
    logs = np.log(settings.events_per_user) - SPREAD**2 / 2 + SPREAD * rng.standard_normal(settings.users)
    events = np.exp(logs).round().astype(np.int64).clip(FEWEST_EVENTS)
    holdout = experiment.holdout
    held_out = np.array([future_count(int(n), holdout.share) if isinstance(holdout, LastShare) else 0 for n in events])
    visitors = Visitors.draw(world, events, rng)
    log, at_cut = _visit(world, visitors, events, past=events - held_out, rng=rng)

    def best_reachable() -> dict[str, float]:
        own = np.random.default_rng([settings.seed, 1])
        expected = expected_events(world, at_cut, held_out, draws=POSSIBLE_FUTURES, rng=own)
        future = log[log["number"].to_numpy() >= (events - held_out)[log["user"].to_numpy()]]
        return _precision(expected, future["user"].to_numpy(), future["item"].to_numpy())

    offered = {
        DatasetKind.INTERACTIONS: _interactions(log, names, occasions=settings.occasions),
        DatasetKind.ITEMS: items,
        DatasetKind.USERS: _no_rows(),
    }
    tables = {}
    for kind in experiment.schemas.kinds:
        columns = wanted_columns(experiment, kind, offered[kind].columns, source="the generated data", file=file)
        tables[kind] = FrameTable(path=file, frame=offered[kind][columns])
    knowable = isinstance(holdout, LastShare) and not settings.occasions  # the occasions of the future are not drawn
    return Source(tables=tables, best_reachable=best_reachable if knowable else None)


def _visit(
    world: World, visitors: Visitors, events: Ints, *, past: Ints, rng: np.random.Generator
) -> tuple[pd.DataFrame, Visitors]:
    """All events (user, item, at, number, occasion), and the visitors as after the first `past` (N,) of them."""
    at_cut = visitors.take(np.arange(len(events)))
    parts = []
    for number in range(int(events.max())):
        if (cut := past == number).any():
            at_cut.put(cut, visitors.take(cut))
        drawn, _, _ = visitors.step(world, rng)
        who = np.flatnonzero(events > number)
        parts.append(
            pd.DataFrame(
                {
                    "user": who,
                    "item": drawn[who],
                    "at": visitors.at[who].astype(np.int64),
                    "number": number,
                    "occasion": visitors.occasion[who],
                }
            )
        )
    return pd.concat(parts, ignore_index=True), at_cut


def _interactions(log: pd.DataFrame, names: NDArray[np.str_], *, occasions: bool) -> pd.DataFrame:
    """As a shop's log has them: in the order of time."""
    log = log.sort_values(["at", "user"], kind="stable")
    width = len(str(int(log["user"].max()) + 1))
    columns = {OCCASION: np.array(OCCASIONS)[log["occasion"].to_numpy()]} if occasions else {}
    return pd.DataFrame(
        {
            USER_ID: [f"visitor-{user + 1:0{width}}" for user in log["user"]],
            ITEM_ID: names[log["item"].to_numpy()],
            TIMESTAMP: log["at"].astype(str).to_numpy(),
            **columns,
        }
    )


def _items(world: World, names: NDArray[np.str_], rng: np.random.Generator) -> pd.DataFrame:
    """A genre per taste; some items have a second one, which says nothing about who likes them."""
    genres = np.array(
        [
            _GENRES[k % len(_GENRES)] + (f" {k // len(_GENRES) + 1}" if k >= len(_GENRES) else "")
            for k in range(len(world.path))
        ]
    )
    own = np.repeat(np.arange(len(genres)), world.path.shape[1])
    other = rng.integers(0, len(genres), world.n_items)
    two = (rng.random(world.n_items) < OTHER_GENRE) & (other != own)
    made = [f"{genres[a]}|{genres[b]}" if both else str(genres[a]) for a, b, both in zip(own, other, two, strict=True)]
    frame = pd.DataFrame({ITEM_ID: names, "GENRES": made, CREATION_TIMESTAMP: world.created.astype(str)})
    return frame.sort_values(ITEM_ID, ignore_index=True)


def _no_rows() -> pd.DataFrame:
    return pd.DataFrame({USER_ID: []})


def _precision(expected: NDArray[np.float64], user: Ints, item: Ints) -> dict[str, float]:
    """Precision at each cut-off of the lists by `expected` (N, n_items), over visitors with a future."""
    wanted = np.zeros(expected.shape, np.bool_)
    wanted[user, item] = True
    best = np.argsort(-expected, axis=1, kind="stable")[:, : max(CUTOFFS)]
    hits = np.take_along_axis(wanted, best, axis=1)[wanted.any(1)]
    return {f"precision_at_{k}": float(hits[:, :k].sum(1).mean() / k) for k in CUTOFFS}
