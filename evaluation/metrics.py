"""Ranking metrics for one user: one function each, with its formula, its source and a worked example.

Every function takes `ranked`, the recommended item ids with the best first, and `relevant`, the *set* of the user's
held-out item ids (an item held out twice counts once). Gains are binary. A list shorter than K is read as if it were
filled up with wrong items, and a second mention of an item counts as wrong, so no value can be raised by either.

Names and definitions are those of Amazon Personalize where it has the metric (developer guide, "Evaluating a solution
version with metrics"); NDCG there is normalised by the ideal order, which here is taken over *all* of a user's
held-out items, capped at K. `relevant` must not be empty: such a user has nothing to be judged by (ValueError).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from math import fsum, log2

from contract.results import CUTOFFS

DEPTH = max(CUTOFFS)
"""Places of a list that are looked at."""

_DISCOUNTS = tuple(1 / log2(place + 1) for place in range(1, DEPTH + 1))
_IDEAL = tuple(fsum(_DISCOUNTS[:n]) for n in range(DEPTH + 1))
"""DCG of n relevant items on the first n places."""


def hits(ranked: Sequence[str], relevant: Set[str], *, depth: int = DEPTH) -> list[bool]:
    """For each of the first `depth` places whether it holds a relevant item that no earlier place holds.

    >>> hits(["b", "x", "a", "b"], {"a", "b"})
    [True, False, True, False]
    """
    if not relevant:
        raise ValueError("a user without relevant items cannot be judged")
    found: list[bool] = []
    taken: set[str] = set()
    for item in ranked[:depth]:
        right = item in relevant and item not in taken
        if right:
            taken.add(item)
        found.append(right)
    return found


def mean_reciprocal_rank(ranked: Sequence[str], relevant: Set[str], *, k: int = DEPTH) -> float:
    """1 / place of the first relevant item among the first k, else 0; its mean over users is MRR@k.

    Source: Voorhees, "The TREC-8 question answering track report", 1999.

    >>> mean_reciprocal_rank(["x", "a", "b"], {"a", "b"})
    0.5
    """
    return _reciprocal_rank(hits(ranked, relevant, depth=k))


def normalized_discounted_cumulative_gain(ranked: Sequence[str], relevant: Set[str], *, k: int) -> float:
    """DCG@k / ideal DCG@k, DCG@k = Σ over relevant places p ≤ k of 1/log2(p + 1).

    The ideal puts min(k, number of relevant items) relevant items first.
    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4), 2002.

    Places 1 and 3 of three are right and there are two relevant items: (1 + 1/2) / (1 + 1/log2(3)).

    >>> round(normalized_discounted_cumulative_gain(["a", "x", "b"], {"a", "b"}, k=5), 4)
    0.9197
    """
    return _ndcg(hits(ranked, relevant, depth=k), len(relevant), k)


def precision(ranked: Sequence[str], relevant: Set[str], *, k: int) -> float:
    """Relevant items among the first k, divided by k: missing places count as wrong.

    >>> precision(["a", "x"], {"a", "b"}, k=5)
    0.2
    """
    return sum(hits(ranked, relevant, depth=k)) / k


def recall(ranked: Sequence[str], relevant: Set[str], *, k: int) -> float:
    """Relevant items among the first k, divided by the number of the user's relevant items (not capped at k).

    >>> recall(["a", "x"], {"a", "b"}, k=5)
    0.5
    """
    return sum(hits(ranked, relevant, depth=k)) / len(relevant)


def hit_rate(ranked: Sequence[str], relevant: Set[str], *, k: int) -> float:
    """1 if any of the first k is relevant, else 0.

    >>> hit_rate(["x", "a"], {"a", "b"}, k=5), hit_rate(["x"], {"a", "b"}, k=5)
    (1.0, 0.0)
    """
    return float(any(hits(ranked, relevant, depth=k)))


def rank_metrics(ranked: Sequence[str], relevant: Set[str]) -> dict[str, float]:
    """Every metric of `contract.results.RANK_METRICS`, in its order, from one pass over the list.

    >>> values = rank_metrics(["x", "a", "b"], {"a", "b", "c", "d"})
    >>> values["mean_reciprocal_rank_at_25"], values["precision_at_5"], values["recall_at_10"]
    (0.5, 0.4, 0.5)
    """
    found = hits(ranked, relevant)
    counts = {k: sum(found[:k]) for k in CUTOFFS}
    values = {f"mean_reciprocal_rank_at_{DEPTH}": _reciprocal_rank(found)}
    values |= {f"normalized_discounted_cumulative_gain_at_{k}": _ndcg(found, len(relevant), k) for k in CUTOFFS}
    values |= {f"precision_at_{k}": counts[k] / k for k in CUTOFFS}
    values |= {f"recall_at_{k}": counts[k] / len(relevant) for k in CUTOFFS}
    values |= {f"hit_rate_at_{k}": float(counts[k] > 0) for k in CUTOFFS}
    return values


def coverage(lists: Iterable[Sequence[str]], catalogue: Set[str]) -> float:
    """Distinct catalogue items on the first 25 places of all lists, divided by the size of the catalogue.

    The catalogue is every item of the data that was trained on: of the interactions and of the Items dataset.
    Source: Amazon Personalize developer guide, "Evaluating a solution version with metrics".

    >>> coverage([["a", "b"], ["a"]], {"a", "b", "c", "d"})
    0.5
    """
    if not catalogue:
        raise ValueError("coverage of an empty catalogue")
    recommended: set[str] = set()
    for ranked in lists:
        recommended.update(ranked[:DEPTH])
    return len(recommended & catalogue) / len(catalogue)


def trend_prediction_accuracy(ranked: Sequence[str], increases: Mapping[str, float]) -> float:
    """What the first 25 recommended items gained in popularity, divided by what the 25 that gained most did; in [0, 1].

    `increases`: interactions of an item in the last interval of the held-out data minus those in the one before; items
    that did not gain count as 0, and so does the whole if nothing did. It is the metric of aws-trending-now.
    Source: Amazon Personalize developer guide, "Evaluating a solution version with metrics".

    >>> trend_prediction_accuracy(["a", "x"], {"a": 3, "b": 1, "x": -2})
    0.75
    """
    gained = {item: max(0.0, increase) for item, increase in increases.items()}
    most = fsum(sorted(gained.values(), reverse=True)[:DEPTH])
    return fsum(gained.get(item, 0.0) for item in dict.fromkeys(ranked[:DEPTH])) / most if most else 0.0


def _reciprocal_rank(found: Sequence[bool]) -> float:
    return 1 / (found.index(True) + 1) if True in found else 0.0


def _ndcg(found: Sequence[bool], relevant: int, k: int) -> float:
    gain = fsum(discount for right, discount in zip(found[:k], _DISCOUNTS, strict=False) if right)
    return gain / _IDEAL[min(k, relevant)]
