"""The engine's command: `python -m personalize_engine serve --port N --data-dir D`.

`work` is what `serve` starts for itself: a process that does long jobs. `forget` takes users out of a folder that no
engine has open.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from personalize_engine.errors import CannotStart

CANNOT_START = 2
BLAS_THREADS = "OPENBLAS_NUM_THREADS"


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 after SIGINT or SIGTERM, 2 if the engine cannot start (one line says why)."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if options.command == "work":
        from personalize_engine.jobs.worker import main as work

        work(options.data_dir, region=options.region, cores=options.cores, effort=options.effort)
        return 0
    try:
        if options.command == "forget":
            from personalize_engine.jobs.forgetting import forget_in_folder

            print(forget_in_folder(options.data_dir, json.load(sys.stdin), look=options.look))
            return 0
        return _serve(options)
    except CannotStart as error:
        print(f"personalize_engine: {error}", file=sys.stderr)
        return CANNOT_START


def _serve(options: argparse.Namespace) -> int:
    _one_thread_per_request()
    from personalize_engine.server import Engine, Options, check_port, serve

    check_port(options.host, options.port)
    settings = {name: getattr(options, name) for name in ("data_dir", "account", "region", "effort")}
    if options.cores is not None:
        settings["cores"] = options.cores
    engine = Engine(Options(**settings))
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        serve(engine, host=options.host, port=options.port)
    except SystemExit:
        pass
    finally:
        engine.close()
    return 0


def _one_thread_per_request() -> None:
    """Requests run side by side already: threads inside a small matrix product would only wait for each other.

    NumPy reads the setting when it is loaded; the worker processes are not to inherit it.
    """
    before = os.environ.get(BLAS_THREADS)
    os.environ[BLAS_THREADS] = "1"
    import numpy  # noqa: F401

    if before is None:
        del os.environ[BLAS_THREADS]
    else:
        os.environ[BLAS_THREADS] = before


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="personalize_engine", description="Amazon Personalize, emulated.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="listen for requests")
    serve.add_argument("--port", type=int, required=True, help="0: any free one; the line printed says which")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--account", default="000000000000", help="account id in ARNs")
    serve.add_argument("--cores", type=int, default=None, help="long jobs at once (default: all cores)")
    work = commands.add_parser("work", help="used by serve: a process that does long jobs")
    work.add_argument("--cores", type=int, default=1, help="of all such processes together")
    forget = commands.add_parser(
        "forget", help="take users (a JSON list of ids on standard input) out of a data folder"
    )
    forget.add_argument("--data-dir", type=Path, required=True, help="state of an engine that is not running")
    forget.add_argument(
        "--look", action="store_true", help="change nothing, only say how many rows and files are theirs"
    )
    for command in (serve, work):
        command.add_argument("--data-dir", type=Path, required=True, help="state of the engine; made if absent")
        command.add_argument("--region", default="us-east-1", help="region in ARNs and for S3")
        command.add_argument(
            "--effort",
            choices=("thorough", "quick"),
            default="thorough",
            help="training of the recurrent networks: quick takes about a fifth of the time and is a little worse",
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
