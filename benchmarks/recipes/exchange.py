"""What passes between the command and the process that trains one subject: a job and its answer, as files.

Standard library only: peers run in an environment that has none of the project's packages.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from contract.fields import ITEM_ID, TIMESTAMP, USER_ID
from contract.holdout import future_count
from evaluation.metrics import normalized_discounted_cumulative_gain

VALIDATION_USERS = 2000
"""Asked after each epoch, the first ones in the order of ids."""
Histories = dict[str, list[str]]
"""{user: item ids, oldest first}"""
Lists = dict[str, list[str]]
"""{user: item ids, best first}"""
Point = tuple[float, float, float]
"""After an epoch: seconds of training so far (evaluations left out), of CPU, NDCG@10 on validation."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One user of the evaluation, as far as a recommender may know."""

    user: str
    last_item: str
    contexts: list[dict[str, str]] = field(default_factory=list)
    """Those of the held-out interactions, {metadata column: value}: the user is asked without one, then in each."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Train a subject on a past and answer, or (`curve`) tell after each epoch how well it does on validation."""

    past: str
    """Folder with interactions.csv, and items.csv and users.csv where the data set has them."""
    columns: dict[str, dict[str, str]]
    """{dataset: {metadata column: categorical or numerical}}"""
    settings: dict[str, Any]
    seed: int
    asked: list[Asked] = field(default_factory=list)
    length: int = 500
    curve: bool = False
    patience: int = 5
    """Epochs without a better validation after which a curve ends."""
    budget: float = 7200.0
    """Seconds of CPU after which a curve ends all the same."""


@dataclass(kw_only=True)
class Answer:
    """What a process reports."""

    lists: Lists = field(default_factory=dict)
    in_context: list[tuple[str, list[tuple[str, str]], list[str]]] = field(default_factory=list)
    """User, (column, value) pairs of the context, items."""
    training_seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of the training, all threads: what a busy machine leaves alone."""
    peak_mb: float = 0.0
    per_second: float = 0.0
    """Users answered per second, in batches."""
    curve: list[Point] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)


def run(worker: Callable[[Job, Answer], None]) -> None:
    """The main of a process: argv is the job's and the answer's file."""
    source, target = map(Path, sys.argv[1:3])
    value = json.loads(source.read_text(encoding="utf-8"))
    job = Job(**{**value, "asked": [Asked(**row) for row in value["asked"]]})
    answer = Answer()
    worker(job, answer)
    answer.peak_mb = answer.peak_mb or peak_mb()
    save(answer, target)


def save(answer: Answer, path: Path) -> None:
    """Written aside, then renamed: a file that is there is whole."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with gzip.open(aside, "wt", encoding="utf-8", compresslevel=3) as stream:
        json.dump(asdict(answer), stream)
    aside.replace(path)


def load(path: Path) -> Answer:
    """The inverse of `save`."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return Answer(**json.load(stream))


def peak_mb() -> float:
    """Largest resident memory of this process so far. Linux's rusage counts what it was before exec as well."""
    status = Path("/proc/self/status")
    if status.is_file():
        kilobytes = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(kilobytes) / 2**10
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2**20 if sys.platform == "darwin" else used / 2**10


@contextmanager
def timed(answer: Answer) -> Iterator[None]:
    """Adds to the training's seconds."""
    began, cpu = time.monotonic(), time.process_time()
    yield
    answer.training_seconds += time.monotonic() - began
    answer.cpu_seconds += time.process_time() - cpu


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a published file by column."""
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def read_histories(past: str | Path) -> Histories:
    """By user, in the order of time; ties keep the order of the file."""
    rows: dict[str, list[tuple[int, str]]] = {}
    for row in read_rows(Path(past) / "interactions.csv"):
        rows.setdefault(row[USER_ID], []).append((int(row[TIMESTAMP]), row[ITEM_ID]))
    return {user: [item for _, item in sorted(own, key=lambda row: row[0])] for user, own in rows.items()}


def validation(histories: Histories) -> tuple[Histories, Histories]:
    """The newest tenth of each user's past apart: what is trained on, and the truth of the users asked."""
    train, truth = {}, {}
    for user in sorted(histories):
        own = histories[user]
        cut = len(own) - future_count(len(own))
        train[user] = own[:cut]
        if own[cut:]:
            truth[user] = own[cut:]
    return train, dict(list(truth.items())[:VALIDATION_USERS])


def validation_ndcg(lists: Lists, train: Histories, truth: Histories) -> float:
    """Mean NDCG@10 of the unseen items of the lists; who has nothing new to find is left out."""
    values = []
    for user, items in truth.items():
        seen = set(train[user])
        if wanted := set(items) - seen:
            unseen = [item for item in lists[user] if item not in seen][:10]
            values.append(normalized_discounted_cumulative_gain(unseen, wanted, k=10))
    return fmean(values)


class Curve:
    """Collects an `Answer.curve` of a training that tells when an epoch ends."""

    def __init__(self, job: Job, answer: Answer, ask: Callable[[Sequence[str]], Lists], histories: Histories) -> None:
        """`ask`: lists for these users from the model as it is now; `histories`: the whole past."""
        self._job, self._answer, self._ask = job, answer, ask
        self.train, self._truth = validation(histories)
        self.start()

    def start(self) -> None:
        """The clock runs from here on."""
        self._since = time.monotonic(), time.process_time()

    def epoch(self) -> bool:
        """To be called behind each epoch; True: it is enough."""
        answer, (wall, cpu) = self._answer, self._since
        answer.training_seconds += time.monotonic() - wall
        answer.cpu_seconds += time.process_time() - cpu
        answer.peak_mb = peak_mb()
        found = validation_ndcg(self._ask(list(self._truth)), self.train, self._truth)
        answer.curve.append((answer.training_seconds, answer.cpu_seconds, found))
        print(f"epoch {len(answer.curve)}: {answer.training_seconds:.1f} s, NDCG@10 {found:.4f}", flush=True)
        self.start()
        late = len(answer.curve) - best_epoch(answer.curve) >= self._job.patience
        return late or answer.cpu_seconds >= self._job.budget


def best_epoch(curve: Sequence[Point]) -> int:
    """Number (from 1) of the first epoch with the best validation."""
    values = [value for *_, value in curve]
    return values.index(max(values)) + 1
