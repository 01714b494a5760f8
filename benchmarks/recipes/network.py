"""aws-hrnn's network with sizes that differ from its rule: for studies, which the recipe has no parameter for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from personalize_engine.data.past import Past
from personalize_engine.models.hrnn import Hrnn, HrnnParameters
from personalize_engine.models.hrnn_sizing import Effort, sizing


def fit(
    past: Past,
    *,
    seed: int,
    different: Mapping[str, Any] | None = None,
    effort: Effort = "thorough",
    sized_for: int | None = None,
    parameters: BaseModel | None = None,
) -> Hrnn:
    """Trained with the sizes of `sized_for` interactions (default: those of `past`) but for `different` fields."""
    chosen = parameters or HrnnParameters()
    if not isinstance(chosen, HrnnParameters):
        raise TypeError("only the network has sizes")
    sizes = sizing(sized_for or len(past), effort=effort)
    return Hrnn.fit(past, chosen, seed=seed, sizes=replace(sizes, **(different or {})))
