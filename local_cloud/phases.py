"""What the user sees while a run goes on: one line per phase with its time, details between them, a table at the end.

On a terminal the running phase has a spinner; elsewhere (a log file, CI) there are plain lines.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass
class Running:
    """The phase that goes on."""

    failed: bool = False
    """Set it where a failure does not end the run at once."""


@dataclass
class Phases:
    """Times of the phases, and the console that everything is printed on."""

    console: Console
    begin: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)
    meanwhile: dict[str, float] = field(default_factory=dict)
    """Steps that went on beside others of their phase: not in the table, whose rows add up."""

    @contextmanager
    def phase(self, name: str, *, spinner: bool = True) -> Iterator[Running]:
        """Time a phase; `spinner=False` where the phase prints for itself."""
        begin, running = time.monotonic(), Running()
        if not spinner:
            self.console.print(Text(f"{name} …"))
            yield running
        elif self.console.is_terminal:
            with self.console.status(Text(f"{name} …")):
                yield running
        else:
            yield running
        took = time.monotonic() - begin
        self.seconds[name] = self.seconds.get(name, 0.0) + took
        mark = ("✗ ", "red") if running.failed else ("✓ ", "green")
        self.console.print(Text.assemble(mark, f"{name}  ", (f"{took:.1f} s", "dim")))

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.begin

    def table(self) -> Table:
        """Where the time went."""
        table = Table(title="Where the time went", title_justify="left", box=None, pad_edge=False)
        table.add_column("phase")
        table.add_column("seconds", justify="right")
        for name, took in self.seconds.items():
            table.add_row(name, f"{took:.1f}")
        table.add_row("everything", f"{self.elapsed():.1f}", style="bold")
        return table

    def save(self, path: Path) -> None:
        """The same as JSON, {phase: seconds}: what the benchmarks read."""
        path.write_text(
            json.dumps(self.seconds | self.meanwhile | {"everything": self.elapsed()}, indent=1) + "\n",
            encoding="utf-8",
        )
