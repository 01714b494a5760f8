"""What another team's CDK app imports: an experiment goes in, resources and their names come out (docs/reuse.md).

    from personalize_cdk import PersonalizeExperiment

The packages below are ours although their names are plain words, and the folder of the program that runs comes first
on Python's path: a folder of the same name there would be taken for ours, so that is told before anything is imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMPORTED = ("contract", "experiments", "stacks")
"""Packages that are needed to synthesize."""


def _refuse_others() -> None:
    for name in IMPORTED:
        found = find_spec(name)
        places = [Path(place).resolve() for place in found.submodule_search_locations or ()] if found else []
        if ROOT / name not in places:
            where = (found.origin or ", ".join(map(str, places))) if found else "nowhere"
            raise ImportError(
                f"personalize_cdk needs its own package {name!r} ({ROOT / name}), but Python finds another one first:"
                f" {where}. Rename that one"
            )


_refuse_others()

from experiments.config import Experiment  # noqa: E402
from experiments.load import ConfigError  # noqa: E402
from stacks.personalize_experiment import PersonalizeExperiment  # noqa: E402

__all__ = ["ConfigError", "Experiment", "PersonalizeExperiment"]
