"""How large the network is and how long it is trained: one rule, from the number of interactions and the effort.

Chosen on validation parts cut from the past of MovieLens 100k and 1M, and of the quickstart's data. More data get wider
embeddings, less dropout, a longer look ahead with several targets per step, and fewer epochs, since each has more
updates. On one core a million interactions take about six minutes (thorough) or 80 seconds (quick), and 100,000 about
25 or 15; ten million three or four times as long as a million.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log10
from typing import Literal

Effort = Literal["thorough", "quick"]
WINDOW = 32
"""Steps of a stream per update of the weights."""
LARGE = 300_000
"""Interactions from which on data are large."""
_EPOCHS: dict[Effort, tuple[int, int]] = {"thorough": (16, 20), "quick": (4, 10)}
"""At a million interactions, and at most."""
_FEWEST_UPDATES = 300


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """All that the recipe's own hyperparameters leave open."""

    channels: int
    """Width of the item embeddings, and of the slow state."""
    epochs: int
    streams: int
    """Users read side by side."""
    ahead: int
    """A target is one of the next `ahead` items (and of at most a tenth of the history so far)."""
    dropout: float
    targets: int
    """Drawn per step."""
    repeats: bool = True
    """Whether the repeat term is learned; off for studies of what the rest does without it."""
    negatives: int = 512
    learning_rate: float = 5e-3
    weight_decay: float = 1e-3


def sizing(n_interactions: int, *, effort: Effort = "thorough") -> Sizing:
    """Sizes for so many interactions."""
    large = n_interactions >= LARGE
    decades = log10(max(n_interactions, 1) / 1e5)
    streams = max(1, min(64 if large else 32, n_interactions // (8 * WINDOW)))
    at_a_million, most = _EPOCHS[effort]
    epochs = max(1, min(most, round(at_a_million * 10 ** (-0.6 * (decades - 1)))))
    updates = max(1, n_interactions // (streams * WINDOW))
    return Sizing(
        channels=128 if large else 64,
        epochs=max(epochs, ceil(_FEWEST_UPDATES / updates)),
        streams=streams,
        ahead=10 if large else 6,
        dropout=max(0.1, min(0.4, 0.4 - 0.2 * decades)),
        targets=4 if large else 1,
    )
