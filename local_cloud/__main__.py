"""`python -m local_cloud run EXPERIMENT [--data FOLDER]`: what `make run` calls."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from rich.console import Console

from local_cloud.errors import LocalCloudError
from local_cloud.run import OUT, Request, run

INTERRUPTED = 130
"""Exit code after Ctrl-C, as a shell has it."""


def main(arguments: list[str]) -> int:
    """Parse, run, and turn every expected failure into a message and an exit code."""
    parser = argparse.ArgumentParser(prog="python -m local_cloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="deploy, train, evaluate and report in a local cloud, then destroy")
    running.add_argument("experiment", help="the name of a file in experiments/, without .yaml")
    running.add_argument("--data", type=Path, help="the folder of the raw data, where the experiment needs one")
    running.add_argument("--out", type=Path, default=OUT, help="the folder for reports and kept state (out/)")
    running.add_argument("--port", type=int, default=0, help="of the local AWS, to look at it meanwhile (any free one)")
    running.add_argument("--engine-port", type=int, default=0, help="of the engine (any free one)")
    given = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = Console(highlight=False)
    request = Request(
        experiment=given.experiment,
        data=given.data and given.data.resolve(),
        out=given.out.resolve(),
        port=given.port,
        engine_port=given.engine_port,
    )
    try:
        return run(request, console)
    except LocalCloudError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: everything that was started is stopped.", file=sys.stderr)
        return INTERRUPTED


def _interrupt(number: int, frame: FrameType | None) -> None:
    """SIGTERM, and a terminal that is closed, end a run like Ctrl-C: nothing stays behind."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
