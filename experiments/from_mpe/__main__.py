"""python -m experiments.from_mpe CONFIG.json: writes the experiment, and lists what could not be carried over.

Exit codes: 0 written, 2 the file is no such configuration (every mistake with its JSON path) or cannot be written.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from contract.naming import EXPERIMENT_PATTERN, MAX_EXPERIMENT
from experiments.from_mpe.document import Finding, MpeError, read
from experiments.from_mpe.draft import draft, listing
from experiments.from_mpe.translate import translate
from experiments.load import FOLDER, load


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        imported = translate(read(asked.config), asked.config, name=asked.name)
        target: Path = asked.into / f"{imported.name}.yaml"
        if target.exists() and not asked.force:
            hint = "Give another --name, or --force to write it anew"
            raise MpeError([Finding(file=target, problem="is there already", hint=hint)])
        _write(target, draft(imported, asked.config.name))
    except MpeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("Not carried over:" if imported.left else "All of it was carried over.")
    for line in listing(imported.left):
        print(line)
    print(f"\nWritten: {target}\nNext: make run EXPERIMENT={imported.name} DATA=folder")
    return 0


def _write(target: Path, text: str) -> None:
    """Whole, and only if it is a valid experiment."""
    if not target.parent.is_dir():
        raise MpeError([Finding(file=target.parent, problem="no such folder")])
    with tempfile.TemporaryDirectory(prefix=".import-", dir=target.parent) as folder:
        aside = Path(folder) / target.name
        aside.write_text(text, encoding="utf-8")
        load(aside)
        aside.replace(target)


def _name(given: str) -> str:
    if re.fullmatch(EXPERIMENT_PATTERN, given) and len(given) <= MAX_EXPERIMENT:
        return given
    raise argparse.ArgumentTypeError(
        f"{given!r}: at most {MAX_EXPERIMENT} lower-case letters, digits and hyphens, a letter first"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.from_mpe",
        description="Make an experiment of a configuration file of AWS's retired solution Maintaining Personalized"
        " Experiences with Machine Learning, and list what could not be carried over.",
    )
    parser.add_argument("config", type=Path, help="its JSON file, as it lies under train/")
    parser.add_argument("--name", type=_name, help="of the experiment; default: from the dataset group's name")
    parser.add_argument("--into", type=Path, metavar="FOLDER", default=FOLDER, help="default: experiments/")
    parser.add_argument("--force", action="store_true", help="overwrite an experiment of that name")
    return parser


if __name__ == "__main__":
    sys.exit(main())
