"""`python -m local_cloud run EXPERIMENT [--data FOLDER]` (`make run`) and `… look EXPERIMENT` (`make serve`)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from local_cloud import interrupts
from local_cloud.errors import LocalCloudError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as a shell has it."""


def main(arguments: list[str]) -> int:
    """Parse, run, and turn every expected failure into a message and an exit code."""
    parser = argparse.ArgumentParser(prog="python -m local_cloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="deploy, train, evaluate and report in a local cloud, then destroy")
    running.add_argument("experiment", help="the name of a file in experiments/, without .yaml")
    running.add_argument("--data", type=Path, help="the folder of the raw data, where the experiment needs one")
    running.add_argument("--out", type=Path, help="the folder for reports and kept state (out/)")
    running.add_argument("--port", type=int, default=0, help="of the local AWS, to look at it meanwhile (any free one)")
    running.add_argument("--engine-port", type=int, default=0, help="of the engine (any free one)")
    looking = commands.add_parser("look", help="show the campaigns of an earlier run side by side, on a page")
    looking.add_argument("experiment", help="the name of a file in experiments/, without .yaml")
    looking.add_argument("--run", help="the run's id (the newest that kept its state)")
    looking.add_argument("--out", type=Path, help="the folder for reports and kept state (out/)")
    looking.add_argument("--port", type=int, default=0, help="of the page (any free one)")
    given = parser.parse_args(arguments)
    try:
        return _run(given) if given.command == "run" else _look(given)
    except LocalCloudError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        interrupts.ignore()
        print("\nInterrupted: everything that was started is stopped.", file=sys.stderr)
        return INTERRUPTED


def _run(given: argparse.Namespace) -> int:
    """The imports take most of a second: an interrupt meanwhile is caught like any other."""
    from rich.console import Console

    from local_cloud.run import OUT, Request, run

    request = Request(
        experiment=given.experiment,
        data=given.data and given.data.resolve(),
        out=given.out.resolve() if given.out else OUT,
        port=given.port,
        engine_port=given.engine_port,
    )
    return run(request, Console(highlight=False))


def _look(given: argparse.Namespace) -> int:
    from rich.console import Console

    from local_cloud.look import Looking, look
    from local_cloud.run import OUT, ROOT

    asked = Looking(
        experiment=given.experiment,
        out=given.out.resolve() if given.out else OUT,
        root=ROOT,
        run=given.run,
        port=given.port,
    )
    return look(asked, Console(highlight=False, soft_wrap=True))


if __name__ == "__main__":
    interrupts.install()
    sys.exit(main(sys.argv[1:]))
