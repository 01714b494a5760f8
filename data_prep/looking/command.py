"""python -m data_prep init FILE [--items FILE] [--users FILE]: drafts an experiment from files nobody has described.

Exit codes: 0 written, 2 the files cannot be understood (what to add is said), 130 interrupted.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from contract.recipes import DatasetKind
from data_prep.database import Database
from data_prep.errors import DataError
from data_prep.looking.draft import draft, name_of
from data_prep.looking.profile import look
from data_prep.looking.roles import Dataset, Told, assign
from experiments.load import FOLDER, load


def main(arguments: Sequence[str], console: Console) -> Path:
    """Writes the experiment and says what was seen; PrepareError or ConfigError if it cannot."""
    asked = _parser().parse_args(arguments)
    name = asked.name or name_of(asked.file)
    target: Path = asked.into / f"{name}.yaml"
    if target.exists() and not asked.force:
        raise DataError.of(target, "is there already", hint="Give another --name, or --force to write it anew")
    with tempfile.TemporaryDirectory(prefix="data-prep-init-") as work, Database(Path(work)) as database:
        log = look(database, asked.file, table="log")
        items = look(database, asked.items, table="items") if asked.items else None
        users = look(database, asked.users, table="users") if asked.users else None
        told = Told(user=asked.user, item=asked.item, time=asked.time)
        found = assign(database, log, items=items, users=users, told=told)
    _write(target, draft(name, found))
    _say(found, console)
    console.print(f"\nWritten: {target}\nNext: make run EXPERIMENT={name}", highlight=False, soft_wrap=True)
    return target


def _write(target: Path, text: str) -> None:
    """Whole, and only if it is a valid experiment."""
    try:
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=target.parent) as folder:
            aside = Path(folder) / target.name
            aside.write_text(text, encoding="utf-8")
            load(aside)
            aside.replace(target)
    except FileNotFoundError:
        raise DataError.of(target.parent, "no such folder") from None


def _say(found: dict[DatasetKind, Dataset], console: Console) -> None:
    for kind, dataset in found.items():
        console.print(f"{kind.value} from {dataset.looked.path.name}", style="bold", highlight=False)
        for choice in dataset.choices:
            console.print(f"  {choice.column:24} {choice.source}: {choice.reason}", highlight=False, markup=False)
        for column, why in dataset.left_out:
            console.print(f"  {'(left out)':24} {column}: {why}", highlight=False, markup=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data_prep init",
        description="Look at a file of interactions, and draft the experiment that compares recipes on it.",
    )
    parser.add_argument("file", type=Path, help="CSV with a header (also .gz), or .parquet: one row per interaction")
    parser.add_argument("--items", type=Path, metavar="FILE", help="what is known of the items, a row each")
    parser.add_argument("--users", type=Path, metavar="FILE", help="what is known of the users, a row each")
    for role in ("user", "item", "time"):
        parser.add_argument(f"--{role}", metavar="COLUMN", help=f"the column of the {role}, where it is not seen")
    parser.add_argument("--name", help="of the experiment; default: from the file's name")
    parser.add_argument("--into", type=Path, metavar="FOLDER", default=FOLDER, help="default: experiments/")
    parser.add_argument("--force", action="store_true", help="overwrite an experiment of that name")
    return parser
