"""python -m data_prep EXPERIMENT [--data DIR] [--out DIR | --stack | --bucket NAME]: prepares and publishes its data.
python -m data_prep init FILE …: drafts an experiment from files (`looking.command`).

Exit codes: 0 published (or checked), 2 the experiment, the data or the stack is not usable, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from contract.naming import DEFAULT_ENVIRONMENT, stack_name
from data_prep import publish, terminal
from data_prep.errors import NoStack, PrepareError, StackError
from data_prep.looking import command as looking
from data_prep.prepare import STEPS_BESIDE_READING, Prepared, prepare
from data_prep.summary import show
from experiments.load import ConfigError, find

INIT = "init"
_WIDTH = 160


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == [INIT]:
            looking.main(given[1:], terminal.console(width=_WIDTH))
        else:
            asked = _parser().parse_args(given)
            _run(asked, terminal.console(width=_WIDTH, stderr=asked.json))
    except (ConfigError, PrepareError, OSError) as error:
        terminal.complain(error)
        return 2
    except KeyboardInterrupt:
        terminal.note("Interrupted: nothing was published.")
        return 130
    return 0


def _run(asked: argparse.Namespace, console: Console) -> None:
    experiment, file = find(asked.experiment)
    bucket = _bucket_of(experiment.name, asked.environment) if asked.stack else asked.bucket
    steps = len(experiment.schemas.kinds) + STEPS_BESIDE_READING
    with _working_folder(asked.out) as work, _progress(console) as progress:
        prepared = prepare(experiment, work, file=file, data=asked.data, step=_stepper(progress, steps))
        where = _publish(prepared, asked.out, bucket, progress)
    if asked.json:
        sys.stdout.write(publish.manifest_text(prepared.manifest))
    else:
        show(prepared, console, where=where)


@contextmanager
def _working_folder(out: Path | None) -> Iterator[Path]:
    """A folder that is gone afterwards: within `out`, so that files are renamed there, or among the temporary ones."""
    fresh = [folder for folder in (out, *out.parents) if not folder.exists()] if out else []
    if out:
        out.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".prepare-", dir=out) as work:
            yield Path(work)
    except BaseException:
        for folder in fresh:
            folder.rmdir()
        raise


def _publish(prepared: Prepared, out: Path | None, bucket: str | None, progress: Progress) -> str | None:
    if out is None and bucket is None:
        return None
    size = sum(path.stat().st_size for path in prepared.files.values())
    task = progress.add_task("Publishing", total=size)

    def sent(count: int) -> None:
        progress.advance(task, count)

    if bucket is not None:
        return publish.to_bucket(prepared, bucket, sent=sent)
    return str(publish.to_folder(prepared, out or Path(), sent=sent))


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


def _stepper(progress: Progress, total: int) -> Callable[[str], None]:
    task = progress.add_task("Preparing", total=total)
    begun: list[str] = []

    def step(name: str) -> None:
        if begun:
            progress.advance(task)
        begun.append(name)
        progress.update(task, description=name)

    return step


def _bucket_of(experiment: str, environment: str) -> str:
    try:
        return publish.bucket_of(stack_name(experiment, environment))
    except NoStack as error:
        other = "Where a stack of another name has the experiment: --bucket NAME instead of --stack"
        raise StackError(f"{error}. {other}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data_prep",
        description="Prepare an experiment's data: read, check, split, publish. To draft an experiment from files:"
        " python -m data_prep init --help",
    )
    parser.add_argument("experiment", help="name of a file in experiments/ (quickstart), or the path of a YAML file")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the raw data, where the experiment needs one"
    )
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--out", type=Path, metavar="DIR", help="publish into this folder")
    target.add_argument(
        "--stack", action="store_true", help="publish into the bucket of the experiment's deployed stack"
    )
    target.add_argument("--bucket", metavar="NAME", help="publish into this bucket, where a stack of yours has it")
    parser.add_argument(
        "-c",
        dest="environment",
        type=_environment,
        default=f"env={DEFAULT_ENVIRONMENT}",
        metavar="env=NAME",
        help=f"the environment that the stack was deployed for, as for cdk (env={DEFAULT_ENVIRONMENT})",
    )
    parser.add_argument("--json", action="store_true", help="print the manifest instead of the summary")
    return parser


def _environment(text: str) -> str:
    name, _, value = text.partition("=")
    if name != "env" or not value:
        raise argparse.ArgumentTypeError(f"{text!r}: write env=NAME")
    return value
