"""What stays of past runs: every report, and the engine's state of the newest ones only, because that is large."""

from __future__ import annotations

import shutil
from pathlib import Path

KEPT_STATES = 5
"""Runs of an experiment whose trained models stay for `make serve`."""


def forget_old_states(experiment: Path, *, keep: int = KEPT_STATES) -> list[Path]:
    """Remove the kept state of all but the newest runs below an experiment's folder; what was removed.

    Reports, timings and logs stay. A state that cannot be removed (another program looks at it) is left.
    """
    runs = sorted(path for path in experiment.glob("*/state") if path.is_dir() and not path.is_symlink())
    removed = []
    for path in runs[:-keep] if keep else runs:
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            removed.append(path)
    return removed
