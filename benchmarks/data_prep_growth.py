"""How the preparation of data grows with them: writes data_prep_growth.md.

    python -m benchmarks.data_prep_growth [--rows 100000 1000000 …] [--out FILE]

The logs of `benchmarks.data_prep` in several sizes, each prepared once in a fresh process. What starting the program
takes is measured with a log of 2,000 rows and subtracted before seconds are divided by rows. Memory must stay bounded:
what does not fit into the buffers spills to the disk.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.data_prep import ALLOWED_MEMORY, Measured, generate, prepare
from data_prep.database import MEMORY_LIMIT

ROWS = (100_000, 1_000_000, 10_000_000, 100_000_000)
SMALLEST = 2_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, writes the table, and returns 1 if the memory is not bounded."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_prep_growth")
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    asked = parser.parse_args(arguments)
    start, _ = _measured(SMALLEST)
    rows = [(count, *_measured(count)) for count in asked.rows]
    asked.out.write_text(_page(start, rows), encoding="utf-8")
    kept = all(measured.peak <= ALLOWED_MEMORY for _, measured, _ in rows)
    print(f"{'Kept' if kept else 'NOT KEPT'}: at most {ALLOWED_MEMORY / 1e9:g} GB; see {asked.out}")
    return 0 if kept else 1


def _measured(rows: int) -> tuple[Measured, int]:
    """The preparation, and the log's size in bytes."""
    with tempfile.TemporaryDirectory(prefix="data-prep-benchmark-") as name:
        generate(Path(name) / "log.csv", rows)
        print(f"{rows:,} rows", flush=True)
        return prepare(Path(name)), (Path(name) / "log.csv").stat().st_size


def _page(start: Measured, rows: Sequence[tuple[int, Measured, int]]) -> str:
    table = "\n".join(
        f"| {count:,} | {size / 1e6:,.0f} MB | {measured.seconds:.1f} | {measured.cpu:.1f} |"
        f" {1e6 * (measured.seconds - start.seconds) / count:.2f} | {1e6 * (measured.cpu - start.cpu) / count:.2f} |"
        f" {measured.peak / 1e6:,.0f} MB |"
        for count, measured, size in rows
    )
    return f"""\
# How data preparation grows

`python -m data_prep` on the logs of [data_prep.md](data_prep.md): read, check, remove duplicates, hold out the newest
tenth per user, write. Buffers are limited to {MEMORY_LIMIT}; what is more spills to the disk. Each size once, in a
fresh process, on {os.cpu_count()} cores ({platform.system()}, Python {platform.python_version()}). Seconds per million
rows are without the {start.seconds:.1f} s ({start.cpu:.1f} of CPU) that {SMALLEST:,} rows take.

| rows | log | seconds | of CPU | seconds per million rows | of CPU | peak memory |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{table}

Written by `python -m benchmarks.data_prep_growth`.
"""


if __name__ == "__main__":
    sys.exit(main())
