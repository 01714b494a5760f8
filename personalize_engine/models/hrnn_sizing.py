"""How large the network is and how long it is trained: one rule, from the number of interactions alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10


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
    negatives: int = 512
    learning_rate: float = 5e-3
    weight_decay: float = 1e-3


WINDOW = 32
"""Steps of a stream per update of the weights."""


def sizing(n_interactions: int) -> Sizing:
    """Sizes for so many interactions."""
    n = max(n_interactions, 100)
    decades = log10(n / 1e5)
    return Sizing(
        channels=64 if n < 300_000 else 128,
        epochs=max(1, min(40, round(20 * (n / 1e5) ** -0.7))),
        streams=max(1, min(64, 32 if n < 300_000 else 64, n // (8 * WINDOW))),
        ahead=max(1, min(10, round(3 * 10 ** (decades / 2)))),
        dropout=max(0.1, min(0.4, 0.4 - 0.2 * decades)),
    )
