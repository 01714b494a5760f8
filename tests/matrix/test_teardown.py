"""Whatever the pipeline is doing, a destroyed stack leaves nothing and touches nothing of its neighbour.

The neighbour's name extends ours, and it serves a campaign all the time. Sixty seeded moments; four in `make test`.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from deployed_stack import Deployed, start_synth_of
from moments import PHASES, RECIPE, Form, Ours, alive, everything

from local_cloud import cdk, services
from local_cloud.leftovers import leftovers
from local_cloud.processes import Processes

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "teardown.md"
OURS, NEIGHBOUR = "near", "near-by"
SEED = 2026
MOMENTS = 60
SHORT = ("killed", "updating", "outgrown")
"""Phases that `make test` tries."""


@dataclass
class Street:
    """A local cloud with the neighbour in it, and what is needed to deploy and destroy ours."""

    cloud: services.LocalCloud
    plain: Form
    edited: Form
    grown: Form
    neighbours: dict[str, str] = field(default_factory=dict)
    """`everything` there is without ours."""
    runs: int = 0
    """So far: an execution's name is not given twice."""

    def moment(self, phase: str, seed: str) -> Counter[str]:
        """Deploy, come to that phase, destroy; how many resources of ours were alive when it was destroyed."""
        deployed = Deployed(self.cloud, self.plain.line, experiment=str(self.plain.file), runs=self.runs)
        deployed.deploy()
        deployed.publish()
        PHASES[phase](Ours(deployed, self.edited, self.grown, random.Random(seed)))
        self.runs = deployed.runs
        found = alive(self.cloud, set(self.neighbours))
        deployed.destroy()
        now = everything(self.cloud)
        assert sorted(set(now) - set(self.neighbours)) == [], "left behind"
        assert now == self.neighbours, "a neighbour's resource changed"
        return found


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    work = tmp_path_factory.mktemp("street")
    with Processes() as processes:
        created = {"name": "CREATION_TIMESTAMP", "type": "long", "nullable": True}
        plain, edited, grown = (
            Form(cdk.LocalCdk(processes, path.parent, OURS), path)
            for path in (
                _experiment(work / "plain", OURS),
                _experiment(work / "edited", OURS, created),
                _experiment(work / "grown", OURS, {**created, "added": True}),
            )
        )
        neighbour = _experiment(work / "plain", NEIGHBOUR)
        neighbour_line = cdk.LocalCdk(processes, neighbour.parent, NEIGHBOUR)
        processes.finish(start_synth_of(plain.line, [plain.file, neighbour]))
        for form in (edited, grown):
            processes.finish(start_synth_of(form.line, [form.file]))
        cloud = services.start(processes, work, ROOT)
        processes.finish(plain.line.start_bootstrap(cloud))
        served = Deployed(cloud, neighbour_line, experiment=str(neighbour))
        served.deploy()
        served.publish()
        assert served.execute({"mode": "serve"})["status"] == "SUCCEEDED"
        assert len(served.made()["campaigns"]) == 1
        made = Street(cloud, plain, edited, grown)
        made.neighbours = everything(cloud)
        assert made.neighbours
        yield made
        served.destroy()
        assert leftovers(cloud) == []


@pytest.mark.skipif(not cdk.installed(), reason="run python -m local_cloud.cdk install")
@pytest.mark.parametrize("phase", SHORT)
def test_a_stack_destroyed_in_the_middle_leaves_nothing(street: Street, phase: str) -> None:
    assert street.moment(phase, f"{SEED}-{phase}")["Personalize"] > 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not cdk.installed(), reason="run python -m local_cloud.cdk install")
def test_sixty_moments_leave_nothing(street: Street) -> None:
    found: dict[str, list[Counter[str]]] = {phase: [] for phase in PHASES}
    for k in range(MOMENTS):
        phase = list(PHASES)[k % len(PHASES)]
        found[phase].append(street.moment(phase, f"{SEED}-{k}"))
    assert all(len(moments) >= 5 and all(one["Personalize"] > 0 for one in moments) for moments in found.values())
    if os.environ.get("UPDATE_SNAPSHOTS"):
        PAGE.write_text(_page(found), encoding="utf-8")


def test_the_page_tells_of_every_phase() -> None:
    told = PAGE.read_text(encoding="utf-8")
    assert f"{MOMENTS} of {MOMENTS}" in told
    for phase, how in PHASES.items():
        assert f"| {phase} | {_what(how)} | " in told


def _page(found: dict[str, list[Counter[str]]]) -> str:
    rows = "\n".join(
        f"| {phase} | {_what(PHASES[phase])} | {len(moments)} | {_range(moments, 'Personalize')}"
        f" | {_range(moments, 'others')} |"
        for phase, moments in found.items()
    )
    return f"""\
# Teardown

`cdk destroy` at {MOMENTS} of {MOMENTS} seeded random moments left nothing of the experiment, in the local cloud and in
the engine, and changed nothing of a neighbour whose experiment's name extends ours and whose campaign was being served.
Written by `UPDATE_SNAPSHOTS=1 .venv/bin/python -m pytest tests/matrix/test_teardown.py`; part of `make verify`.

| phase | the run at that moment | moments | Personalize resources alive | others alive |
| --- | --- | ---: | ---: | ---: |
{rows}
"""


def _what(how: object) -> str:
    said = (getattr(how, "__doc__", "") or ".").split("\n")[0]
    return said.rstrip(".")


def _range(moments: list[Counter[str]], kind: str) -> str:
    counts = sorted({one[kind] for one in moments})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _experiment(folder: Path, name: str, *more: dict[str, object]) -> Path:
    """Its file; `more`: columns of the items."""
    columns = [{"name": "GENRES", "type": "string", "categorical": True}, *more]
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    said = {
        "name": name,
        "data": {"kind": "generated", "users": 120, "items": 60, "events_per_user": 20},
        "schemas": {"interactions": [], "items": columns},
        "recipes": [RECIPE],
        "events": {},
        "filters": [{"name": "unseen", "expression": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")'}],
    }
    path.write_text(yaml.safe_dump(said), encoding="utf-8")
    return path
