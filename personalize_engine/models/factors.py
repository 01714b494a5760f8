"""Low-rank factors of a large sparse matrix: what several models reduce people's histories to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def factors(matrix: Any, rank: int, random: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n, rank) and (m, rank): the best two whose product is the (n, m) matrix, scale shared by both.

    Randomised range finder with power iterations: Halko, Martinsson, Tropp: "Finding Structure with Randomness"
    (SIAM Review 2011), algorithms 4.4 and 5.1. Columns beyond the smaller side of the matrix are left out.
    """
    width = min(rank + 10, *matrix.shape)
    basis = np.linalg.qr(matrix @ random.standard_normal((matrix.shape[1], width), dtype=np.float32))[0]
    for _ in range(4):
        basis = np.linalg.qr(matrix @ np.linalg.qr(matrix.T @ basis)[0])[0]
    left, scale, right = np.linalg.svd((matrix.T @ basis).T, full_matrices=False)
    root = np.sqrt(scale[:rank])
    return ((basis @ left)[:, :rank] * root).astype(np.float32), (right[:rank].T * root).astype(np.float32)
