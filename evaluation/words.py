"""Names, explanations and number formats for people: what the page and the verdict call things."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from contract.recipes import Question

MISSING = "–"
MINUS = "\N{MINUS SIGN}"

_SHORT = {
    "mean_reciprocal_rank": "MRR",
    "normalized_discounted_cumulative_gain": "NDCG",
    "precision": "P",
    "recall": "R",
    "hit_rate": "Hit rate",
}

READINGS: dict[str, str] = {
    "returned": "The first 25 items as the campaign returned them. Items that the user has already had count like any"
    " other: right if the user comes back to them, wrong if not.",
    "reranked": "The same 25 items, with those of the user's past moved behind the others. Which items are in the list"
    " does not change, only their order; so at 25 it equals “returned” for precision, recall and hit rate.",
    "unseen": "Up to 500 items were asked for; those of the user's past are taken out, and the first 25 of the rest"
    " are judged. A place that stays empty counts as wrong.",
}
"""{view: what it is}"""

_IN_SHORT: dict[str, str] = {
    "returned": "the lists are judged as they came, items that the user already knew included",
    "reranked": "items that the user already knew are moved behind the others",
    "unseen": "only items that are new to the user count",
}

METRIC_MEANINGS: tuple[tuple[str, str], ...] = (
    (
        "P@k (precision)",
        "Of the first k recommendations, the share that the user really went on to choose. Divided by k even if the"
        " user has fewer held-out items, so it often cannot reach 1.",
    ),
    (
        "NDCG@k",
        "Like precision, but a hit counts more the higher it stands: 1 / log2(place + 1), divided by the best possible"
        " sum over the user's held-out items, at most k of them. 1 is a perfect order.",
    ),
    (
        "MRR@25",
        "1 divided by the place of the first hit among the first 25; 0 without a hit. 0.5: the first hit is second.",
    ),
    ("R@k (recall)", "Of all the user's held-out items, the share found among the first k recommendations."),
    ("Hit rate@k", "The share of users with at least one hit among the first k recommendations."),
    (
        "Coverage",
        "The share of all items that stood among the first 25 of at least one user: low means that everybody is"
        " shown the same few. It has one value per recipe, so no interval over users.",
    ),
)

BASELINES: dict[str, str] = {
    "popularity": "the items that most users had in the past, the same for everybody",
    "random": "items drawn at random",
    "history_first": "the user's own items, newest first, then popular ones",
    "sequential_counts": "which items followed the user's recent items in other users' pasts; counting, no training",
}
"""{baseline: what it recommends}"""

QUESTIONS: dict[str, str] = {
    Question.USER: "Given a user, what will they choose next?",
    Question.COLD_ITEMS: "Given a user, which of the new items (without any interaction in the past) will they choose?",
    Question.LAST_ITEM: "Given the last item of a user's past, what will they choose next?",
    Question.RANK_POPULAR: "Given a user and the 100 most popular items, in what order will they want them?",
}
"""{question: in words}"""


def in_short(metric: str, view: str) -> str:
    """What a verdict's metric and reading mean, for who meets them for the first time."""
    return (
        f"{metric_name(metric)} lies between 0 and 1: how much of what people did next stood among their first ten"
        f" recommendations, more if it stood higher. “{view}”: {_IN_SHORT.get(view, view)}."
    )


def metric_name(metric: str) -> str:
    """`precision_at_10` → `P@10`; an unknown name is only freed of underscores."""
    base, at, cutoff = metric.rpartition("_at_")
    if at and base in _SHORT:
        return f"{_SHORT[base]}@{cutoff}"
    return sentence_case(metric)


def baseline_name(name: str) -> str:
    """`history_first` → `history first`."""
    return name.replace("_", " ")


def sentence_case(name: str) -> str:
    """`best_reachable` → `Best reachable`; capitals inside (names, USER_ID) stay."""
    text = name if re.fullmatch(r"[A-Z0-9_]+", name) else name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def decimals(value: float) -> int:
    """Three; four for values that three would round away."""
    return 3 if not math.isfinite(value) or value == 0 or abs(value) >= 0.00095 else 4


def number(value: float | None, places: int | None = None, *, signed: bool = False) -> str:
    """A metric's value; a dash for what is missing or not finite, a true minus sign."""
    if value is None or not math.isfinite(value):
        return MISSING
    if abs(value) >= 1e6:
        return f"{value:.3g}".replace("-", MINUS)
    text = f"{value:{'+' if signed else ''}.{decimals(value) if places is None else places}f}"
    return text.replace("-", MINUS)


def signed_with_ends(difference: float, low: float, high: float, *, note: str = "") -> str:
    """A difference with its interval, all with as many decimals: `+0.012 (−0.001 to +0.025)`, `note` before −0.001."""
    places = decimals(difference)
    value, below, above = (number(one, places, signed=True) for one in (difference, low, high))
    return f"{value} ({note}{below} to {above})"


def count(value: float) -> str:
    """A whole number with thousands separators; other numbers with three significant digits."""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.3g}".replace("-", MINUS) if math.isfinite(value) else MISSING
    return f"{int(value):,}".replace("-", MINUS)


def seconds(value: float | None) -> str:
    """A duration: `0.04 s`, `38.2 s`, `4 min 12 s`, `2 h 05 min`."""
    if value is None or not math.isfinite(value) or value < 0:
        return MISSING
    if value < 59.95:
        return f"{value:.{2 if value < 0.995 else 1}f} s"
    if value < 3599.5:
        minutes, rest = divmod(round(value), 60)
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(round(value / 60), 60)
    return f"{hours:,} h {minutes:02d} min"


def time_ticks(axis: Sequence[float]) -> list[str]:
    """Ticks of an axis in seconds: short durations without decimals that say nothing."""
    return ["0" if not value else f"{value:g} s" if abs(value) < 60 else seconds(value) for value in axis]


def moment(text: str) -> str:
    """An ISO 8601 moment as `24 November 2026, 22:47:05 UTC`; anything else unchanged."""
    at = parse_moment(text)
    if at is None:
        return text
    return f"{at.day} {at:%B %Y, %H:%M:%S} UTC"


def parse_moment(text: str) -> datetime | None:
    """The moment in UTC (a text without a zone is taken as UTC); None if it is not ISO 8601."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def plural(n: int, one: str, many: str | None = None) -> str:
    """`1 user`, `1,204 users`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
