"""The process that makes the lists of one baseline: rankings from counting, which need no training worth the name.

Those of every report (`evaluation.baselines`), and for cold items two more that know the items' genres or nothing.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from benchmarks.recipes.exchange import Answer, Job, read_rows, run, timed
from benchmarks.recipes.lists import answer_in_batches
from contract.fields import ITEM_ID, TIMESTAMP, USER_ID
from evaluation.baselines import Baseline, at_random, history_first, popularity
from evaluation.interactions import Interactions
from evaluation.sequential_counts import SequentialCounts

RANDOM_COLD, GENRE_POPULARITY = "random cold items", "genre popularity"


def answer(job: Job, answer: Answer) -> None:
    """The work of the process. Settings: `baseline`."""
    name, folder = job.settings["baseline"], Path(job.past)
    rows = ((row[USER_ID], row[ITEM_ID], row[TIMESTAMP]) for row in read_rows(folder / "interactions.csv"))
    past = Interactions(rows)
    with timed(answer):
        recommend = _made(name, past, folder, job.seed)
    answer_in_batches(job, answer, lambda users: {user: recommend(user)[: job.length] for user in users})


def genres_of(path: Path) -> dict[str, list[str]]:
    """{item: genres} of a published items.csv; an empty cell is a genre like any other."""
    return {row[ITEM_ID]: row["GENRES"].split("|") for row in read_rows(path)}


def random_cold(cold: list[str], *, seed: int) -> Baseline:
    """A seeded draw per user of the items without interactions."""
    return lambda user: random.Random(f"{seed}:{user}").sample(cold, len(cold))


def genre_popularity(past: Interactions, genres: dict[str, list[str]]) -> list[str]:
    """Items without interactions by the mean, over their genres, of the interactions per warm item of the genre."""
    warm = set(past.item_ids)
    met = Counter(item for user in past.user_ids for item in set(past.history(user)))
    interactions: Counter[str] = Counter()
    items: Counter[str] = Counter()
    for item in warm & set(genres):
        for genre in genres[item]:
            interactions[genre] += met[item]
            items[genre] += 1
    rate = {genre: interactions[genre] / items[genre] for genre in items}

    def score(item: str) -> float:
        return sum(rate.get(genre, 0.0) for genre in genres[item]) / len(genres[item])

    return sorted(genres.keys() - warm, key=lambda item: (-score(item), item))


def _made(name: str, past: Interactions, folder: Path, seed: int) -> Baseline:
    popular = past.popular()
    match name:
        case "popularity":
            return popularity(popular)
        case "random":
            return at_random(popular, seed=seed)
        case "history_first":
            return history_first(past, popular)
        case "sequential_counts":
            return SequentialCounts(past, popular).recommend
    genres = genres_of(folder / "items.csv")
    if name == RANDOM_COLD:
        return random_cold(sorted(genres.keys() - set(past.item_ids)), seed=seed)
    by_genre = genre_popularity(past, genres)
    return lambda user: by_genre


if __name__ == "__main__":
    run(answer)
