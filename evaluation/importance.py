"""What each metadata field brings a recipe, as paired differences over users.

Two ways to find out, see `contract.results.Importance`: a field of the context is shuffled among the requests (Breiman:
"Random Forests", 2001), or the recipe is trained without the field. Chance has its part in every training, so trainings
may be repeated: a user's value is then the mean over them, and the interval says how far the difference holds for other
users; what is left of chance in the mean of a few trainings is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from contract.results import Importance, View
from evaluation.bootstrap import difference, interval, resample
from evaluation.compare import COMPARED, rounded
from evaluation.judge import Judgement


def importance(
    row: Importance,
    *,
    told: Sequence[Judgement],
    untold: Sequence[Judgement],
    view: View,
    resamples: int,
    seed: int,
) -> Iterator[Importance]:
    """`row` for each metric of `compare.COMPARED`, with its figures: trainings that know the field, and that do not.

    ValueError if the judgements are not all over the same users.
    """
    users = told[0].users
    if any(judged.users != users for judged in (*told, *untold)):
        raise ValueError(f"{row.recipe}: with and without {row.field} not the same users were asked")
    sides = [[_mean(judgements, view, metric) for metric in COMPARED] for judgements in (told, untold)]
    drawn = resample([*sides[0], *sides[1]], resamples=resamples, seed=seed)
    for k, metric in enumerate(COMPARED):
        low, high = interval(difference(drawn[k], drawn[len(COMPARED) + k]))
        mean = sum(sides[0][k]) / len(users) - sum(sides[1][k]) / len(users)
        yield replace(row, metric=metric, difference=rounded(mean), low=rounded(low), high=rounded(high))


def _mean(judgements: Sequence[Judgement], view: View, metric: str) -> list[float]:
    """Each user's mean over the judgements."""
    columns = [judged.values[view][metric] for judged in judgements]
    return [sum(values) / len(values) for values in zip(*columns, strict=True)]
