"""`make faults`: tries the whole fault matrix and writes docs/faults.md."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.matrix.fault_cells import prepared
from tests.matrix.fault_rows import CELLS
from tests.matrix.faults_page import PAGE, page


def main() -> int:
    """0 if every cell holds."""
    begin = time.monotonic()
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="faults-") as work, prepared(Path(work)) as matrix:
        for cell in CELLS:
            outcomes.append(outcome := matrix.tried(cell))
            told = f": {outcome.told}" if outcome.how == "broken" else ""
            print(f"{cell}: {outcome.how}{told} ({outcome.seconds:.1f} s)", flush=True)
        PAGE.write_text(page(outcomes, (time.monotonic() - begin) / 60), encoding="utf-8")
    broken = sum(outcome.how == "broken" for outcome in outcomes)
    print(f"{PAGE.name} is written; {broken} cells do not hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
