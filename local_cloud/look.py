"""`make serve`: the campaigns of an earlier run on a page, from the engine's state that the run has kept.

The engine works on a copy of that state, so that events and campaigns made here change nothing of the run.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from local_cloud import services
from local_cloud.errors import CommandError
from local_cloud.processes import Processes
from local_cloud.report import TITLES
from look.campaigns import Service
from look.page import Known, create_app

THREADS = 4


@dataclass(frozen=True, kw_only=True)
class Looking:
    """What the user asked for."""

    experiment: str
    out: Path
    root: Path
    run: str | None = None
    """The run's id; None: the newest."""
    port: int = 0


def look(asked: Looking, console: Console) -> int:
    """Serves until it is interrupted; the exit code."""
    from waitress.server import create_server

    folder = newest(asked)
    work = Path(tempfile.mkdtemp(prefix="personalize-cdk-look-"))
    try:
        with Processes() as processes:
            shutil.copytree(folder / "state", work / "state")
            url = services.start_engine_alone(processes, work, asked.root, data=work / "state")
            service = service_of(url)
            service.make_campaigns()
            (port, *_) = services.choose_ports(asked.port)
            known = known_of(asked.experiment, folder)
            server = create_server(create_app(service, known), host=services.HOST, port=port, threads=THREADS)
            console.print(f"{asked.experiment}, run {folder.name}: http://{services.HOST}:{port}   (Ctrl-C ends it)")
            server.run()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0


def newest(asked: Looking) -> Path:
    """The folder of the run; CommandError if there is none that kept its state."""
    runs = sorted(path.parent for path in (asked.out / asked.experiment).glob("*/state") if path.is_dir())
    if asked.run is not None:
        runs = [path for path in runs if path.name == asked.run]
    if not runs:
        which = f"no run {asked.run}" if asked.run else "no run"
        raise CommandError(
            f"{asked.out / asked.experiment} holds {which} with its state."
            f" `make run EXPERIMENT={asked.experiment}` makes one."
        )
    return runs[-1]


def service_of(url: str) -> Service:
    """The one dataset group of a run's engine."""
    personalize = services.engine_client("personalize", url)
    groups = personalize.list_dataset_groups()["datasetGroups"]
    if len(groups) != 1:
        raise CommandError(f"The run's state holds {len(groups)} dataset groups; one was expected.")
    return Service(
        personalize=personalize,
        runtime=services.engine_client("personalize-runtime", url),
        events=services.engine_client("personalize-events", url),
        group_arn=groups[0]["datasetGroupArn"],
    )


def known_of(experiment: str, folder: Path) -> Known:
    """What the run's report tells: example users, their contexts, titles."""
    report: dict[str, Any] = {}
    path = folder / "report.json"
    if path.is_file():
        report = json.loads(path.read_text(encoding="utf-8"))
    examples: list[Mapping[str, Any]] = report.get("examples", [])
    contexts: dict[str, list[str]] = {}
    for example in examples:
        for answer in example["answers"]:
            for name, value in answer["context"].items():
                if value not in contexts.setdefault(name, []):
                    contexts[name].append(value)
    users = [str(example["user"]) for example in examples]
    return Known(experiment=experiment, users=users, titles=_titles(folder), contexts=contexts)


def _titles(folder: Path) -> dict[str, str]:
    path = folder / TITLES
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["ITEM_ID"]: row["TITLE"] for row in csv.DictReader(stream)}
