"""A history read alone ends in the same state as in a batch."""

from __future__ import annotations

import numpy as np
import pytest

from personalize_engine.models import hrnn_network as net
from personalize_engine.models.hrnn_reading import read_batch, read_one


@pytest.mark.parametrize("hidden", [32, 43, 149])
@pytest.mark.parametrize("lengths", [[1], [60], [60, 60, 7, 1, 0]])
def test_one_is_as_in_a_batch(hidden: int, lengths: list[int]) -> None:
    draw = np.random.default_rng(hidden)
    sizes = net.shapes(n_items=1, hidden=hidden, channels=4)
    w = {name: draw.normal(0, hidden**-0.5, sizes[name]).astype(np.float32) for name in ("recurrent", "session")}
    steps = lengths[0]
    gates = draw.normal(0, 1, (len(lengths), steps, 3 * hidden)).astype(np.float32)
    new_session = draw.random((len(lengths), steps)) < 0.2
    begun = np.array([sum(steps - length <= t for length in lengths) for t in range(steps)])
    together = read_batch(w, gates, new_session, begun)
    for row, length in enumerate(lengths):
        alone = read_one(w, gates[row, steps - length :], new_session[row, steps - length :])
        assert alone == pytest.approx(together[row], abs=1e-5)
    assert np.abs(together[0]).max() > 0.1
