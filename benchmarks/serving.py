"""What a request costs beside the arithmetic that it cannot do without: `python -m benchmarks.serving`.

One client on one connection asks GetRecommendations of an engine in a process of its own. The network's weights are
random: its speed does not depend on what it has learned. In turn, in the same run, are timed

- the request, for a user after another;
- an empty handler of the same server (`GET /health`), which is subtracted: what HTTP itself costs;
- the bare product: one query's dot products with all items' vectors, then the best 25, in this process.

The ratio (request - empty handler) / bare product must be at most ALLOWED where the network has the size that training
chooses for so many items. Filters over the same items are timed as well, and how long it takes from an event that is
sent to the answer that knows of it, for users with few and with very many events. Writes serving.md.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contract.recipes import RECIPES
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.filters.columns import ItemColumns
from personalize_engine.filters.evaluate import Asked, allowed
from personalize_engine.filters.parse import parse
from personalize_engine.jobs.registry import ACTIVE
from personalize_engine.models.followers import Followers
from personalize_engine.models.hrnn import Hrnn, HrnnParameters
from personalize_engine.models.hrnn_network import shapes
from personalize_engine.serving.trained import save
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.database import Store

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = 2.0
ITEMS, USERS, RESULTS = 100_000, 200, 25
BLOCK, BLAS_SPINS = 20, 0.2
"""Rounds of one kind on end; seconds after the products, as long as NumPy's threads spin before they leave a core."""
HISTORIES = (20, 1_000, 100_000)
"""Events of the users whose events are timed."""
ARN = "arn:aws:personalize:us-east-1:000000000000"
TRACKING = "b0a1c2d3-0000-4000-8000-000000000000"
FILTERS = (
    'INCLUDE ItemID WHERE Items.GENRE IN ("g1", "g7")',
    'EXCLUDE ItemID WHERE Items.GENRE IN ("g1") OR Items.PRICE < 30 AND Items.PRICE != 7',
    'INCLUDE ItemID WHERE Items.PRICE <= 50 | EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")',
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Medians, in milliseconds, of one size of network and length of history."""

    channels: int
    history: int
    request: float
    empty: float
    product: float

    @property
    def ratio(self) -> float:
        """What is limited."""
        return (self.request - self.empty) / self.product


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, writes the table, and returns 1 if the limit is not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description="what a request costs")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    asked = parser.parse_args(arguments)
    rows = [
        _measure(channels=channels, history=history, rounds=asked.rounds)
        for channels, history in ((128, 20), (128, 100), (64, 20), (64, 100))
    ]
    asked.out.write_text(
        _page(rows, _filters(asked.rounds), _events(asked.rounds), rounds=asked.rounds), encoding="utf-8"
    )
    kept = all(row.ratio <= ALLOWED for row in rows if row.channels == 128)
    print(f"{'Kept' if kept else 'NOT KEPT'}: a ratio of at most {ALLOWED:g}; see {asked.out}")
    return 0 if kept else 1


def _measure(*, channels: int, history: int, rounds: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="serving-benchmark-") as name:
        vectors = _fill(Path(name), channels=channels, history=history)
        with _Engine(Path(name)) as engine:
            query = np.random.default_rng(1).normal(size=channels).astype(np.float32)

            def product() -> None:
                scores = vectors @ query
                best = np.argpartition(scores, -RESULTS)[-RESULTS:]
                best[np.argsort(-scores[best])]

            times: dict[str, list[float]] = {"request": [], "empty": [], "product": []}
            asked = {
                "request": lambda turn: engine.recommend(f"u{turn % USERS}"),
                "empty": lambda turn: engine.nothing(),
                "product": lambda turn: product(),
            }
            for begin in range(-BLOCK, rounds, BLOCK):  # the first block only warms up
                for what, ask in asked.items():
                    took = [1000 * _time(lambda turn=turn, ask=ask: ask(turn)) for turn in range(begin, begin + BLOCK)]  # type: ignore[misc]
                    times[what] += took if begin >= 0 else []
                time.sleep(BLAS_SPINS)
    medians = {what: statistics.median(values) for what, values in times.items()}
    measured = Measured(channels=channels, history=history, **medians)
    print(f"{channels} channels, {history} events: ratio {measured.ratio:.2f}", flush=True)
    return measured


class _Engine:
    """An engine on a data folder, and one connection to it."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "personalize_engine", "serve", "--port", "0", "--data-dir", str(folder)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], 60)[0]:
            raise SystemExit("the engine did not start within a minute")
        address = self._process.stdout.readline().rpartition("/")[2].strip()
        self._connection = http.client.HTTPConnection(address)

    def __enter__(self) -> _Engine:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.communicate()

    def recommend(self, user: str) -> None:
        """Asks for a user."""
        body = json.dumps({"campaignArn": f"{ARN}:campaign/c", "userId": user, "numResults": RESULTS})
        answer = self._ask("POST", "/recommendations", body)
        assert len(answer["itemList"]) == RESULTS

    def event(self, user: str, item: str) -> None:
        """Sends an event; it is on the disk when this returns."""
        event = {"eventType": "click", "itemId": item, "sentAt": 1_800_000_000}
        body = {"trackingId": TRACKING, "sessionId": user, "userId": user, "eventList": [event]}
        self._ask("POST", "/events", json.dumps(body))

    def nothing(self) -> None:
        """Asks the empty handler."""
        self._ask("GET", "/health", None)

    def _ask(self, method: str, path: str, body: str | None) -> Any:
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        read = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {read.decode()}")
        return json.loads(read or b"null")


def _fill(folder: Path, *, channels: int, history: int, users: int = USERS) -> Any:
    """A data folder with a campaign that serves a network of random weights; the items' vectors."""
    draw = np.random.default_rng(0)
    visitors = np.repeat([f"u{k}" for k in range(users)], history)
    met = draw.integers(0, ITEMS, len(visitors))
    past = Past.build(
        [*visitors.tolist(), *["other"] * ITEMS],
        [f"i{k}" for k in (*met.tolist(), *range(ITEMS))],
        1_700_000_000 + 60 * np.arange(len(visitors) + ITEMS),
    )
    sizes = shapes(n_items=len(past.items), hidden=HrnnParameters().hidden_dimension, channels=channels)
    weights = {name: draw.normal(0, 0.1, shape).astype(np.float32) for name, shape in sizes.items()}
    model = Hrnn(HrnnParameters(), past.items, weights=weights, followers=Followers.count(past))
    group, solution, version = f"{ARN}:dataset-group/g", f"{ARN}:solution/s", f"{ARN}:solution/s/1"
    store, artifacts = Store.open(folder), Artifacts(folder)
    artifacts.clear_aside()
    save(artifacts.aside(1), model, past, recipe=RECIPES["aws-hrnn"], dataset_group=group, events_until=0)
    artifacts.keep(1, version)
    with store.write() as transaction:
        transaction.add(group, "dataset-group", name="g", body={}, status=ACTIVE)
        transaction.add(solution, "solution", name="s", body={}, status=ACTIVE, parent=group)
        transaction.add(version, "solution-version", name=None, body={}, status=ACTIVE, parent=solution)
        body: dict[str, Any] = {"datasetGroupArn": group, "trackingId": TRACKING, "accountId": "000000000000"}
        transaction.add(f"{ARN}:event-tracker/t", "event-tracker", name="t", body=body, status=ACTIVE, parent=group)
        body = {"solutionVersionArn": version, "campaignConfig": {}}
        transaction.add(f"{ARN}:campaign/c", "campaign", name="c", body=body, status=ACTIVE, parent=solution)
    store.close()
    return weights["embedding"]


def _events(rounds: int) -> list[tuple[int, float, float]]:
    """For each of HISTORIES median and slowest in 100 of an event that is sent and a recommendation that knows it.

    In milliseconds.
    """
    found = []
    for history in HISTORIES:
        with tempfile.TemporaryDirectory(prefix="serving-benchmark-") as name:
            _fill(Path(name), channels=128, history=history, users=2)
            with _Engine(Path(name)) as engine:

                def react(turn: int) -> None:
                    engine.event("u1", f"i{turn % ITEMS}")
                    engine.recommend("u1")

                for turn in range(5):
                    react(turn)
                times = [1000 * _time(lambda turn=turn: react(turn)) for turn in range(rounds)]  # type: ignore[misc]
        found.append((history, statistics.median(times), float(np.quantile(times, 0.99))))
        print(f"event and recommendation, {history:,} events: {found[-1][1]:.1f} ms", flush=True)
    return found


def _filters(rounds: int) -> list[tuple[str, float]]:
    """Each of FILTERS with its median in milliseconds, columns prepared."""
    draw = np.random.default_rng(0)
    ids = [f"i{k}" for k in range(ITEMS)]
    genres = [f"g{a}|g{b}" for a, b in draw.integers(0, 20, (ITEMS, 2)).tolist()]
    table = pa.table({"ITEM_ID": ids, "GENRE": genres, "PRICE": draw.integers(0, 100, ITEMS).astype(np.float32)})
    columns = ItemColumns(table, Vocabulary(ids))
    asked = Asked(interactions=[(f"i{k}", "click") for k in range(100)])
    found = []
    for text in FILTERS:
        parsed = parse(text)
        times = [_time(lambda parsed=parsed: allowed(parsed, columns, asked)) for _ in range(rounds)]  # type: ignore[misc]
        found.append((text, 1000 * statistics.median(times)))
    return found


def _time(what: Callable[[], object]) -> float:
    begin = time.perf_counter()
    what()
    return time.perf_counter() - begin


def _page(
    rows: Sequence[Measured],
    filters: Sequence[tuple[str, float]],
    events: Sequence[tuple[int, float, float]],
    *,
    rounds: int,
) -> str:
    measured = "\n".join(
        f"| {row.channels} | {row.history} | {row.request:.2f} | {row.empty:.2f} | {row.product:.2f} |"
        f" {row.ratio:.2f} |"
        for row in rows
    )
    filtered = "\n".join(f"| `{text.replace('|', chr(92) + '|')}` | {median:.2f} |" for text, median in filters)
    reacted = "\n".join(f"| {history:,} | {median:.1f} | {slow:.1f} |" for history, median, slow in events)
    return f"""\
# What a request costs

GetRecommendations of aws-hrnn with {ITEMS:,} items, one client on one connection, a user after another; medians of
{rounds} rounds in milliseconds, on {os.cpu_count()} cores ({platform.system()}, Python {platform.python_version()},
NumPy {np.__version__}). The empty handler and the bare product (all items' vectors times one query's, then the best
{RESULTS}) are timed in turn with the requests, {BLOCK} of each: NumPy's threads, which the product has and the
server has not, spin for a while. Ratio: (request − empty handler) / bare product; at 128 channels, which training
chooses for so many items, at most {ALLOWED:g}.

| channels | events of the user | request | empty handler | bare product | ratio |
| --- | --- | --- | --- | --- | --- |
{measured}

Filters over the same number of items, their columns prepared (once per change of the Items dataset):

| filter | median |
| --- | --- |
{filtered}

From an event that is sent (and on the disk) to the answer that knows of it, both over HTTP, 128 channels:

| events of the user | median | slowest in 100 |
| --- | --- | --- |
{reacted}

Written by `python -m benchmarks.serving`.
"""


if __name__ == "__main__":
    sys.exit(main())
