"""Does a source with columns of its own have those that the experiment's schemas declare?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from contract.recipes import DatasetKind
from data_prep.errors import DataError
from experiments.config import Experiment


def wanted_columns(
    experiment: Experiment, kind: DatasetKind, offered: Iterable[str], *, source: str, file: Path
) -> list[str]:
    """The schema's columns in its order; DataError if the source lacks one."""
    known = list(offered)
    wanted = [column.name for column in experiment.schemas.columns(kind) or ()]
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise DataError.of(
                file,
                f"the schema declares {name}, which {source} does not have",
                field=f"{kind.value}.{name}",
                hint=f"{hint}There are: {', '.join(known) or 'none'}",
            )
    return wanted
