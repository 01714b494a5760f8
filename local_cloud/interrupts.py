"""Ctrl-C, SIGTERM and a closed terminal end a run in one way: KeyboardInterrupt, once, and surely.

Python may lose an exception that a signal handler raises: inside a destructor it is only printed as "ignored". So the
first signal also sets an alarm, which raises again unless the stopping has begun (`begun`); further signals from an
impatient user are ignored meanwhile, so that they cannot cut the stopping short.
"""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 5.0
"""Seconds in which further signals are ignored: so long the stopping may take."""
AGAIN = 1.0
"""Seconds until a lost interrupt is raised again."""

_last = -PATIENCE
_pending = False
"""An interrupt was raised, and the stopping has not begun."""


def install() -> None:
    """From now on the signals raise KeyboardInterrupt in the main thread."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    signal.signal(signal.SIGALRM, _raise)


def begun() -> None:
    """The interrupt, if there was one, was not lost: the stopping has begun."""
    global _pending  # noqa: PLW0603 - signals are the process's, and so is this
    if _pending:
        _pending = False
        signal.setitimer(signal.ITIMER_REAL, 0)


def ignore() -> None:
    """Everything is stopped and the process ends: nothing may change its exit code."""
    begun()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _last, _pending
    if time.monotonic() - _last < PATIENCE:
        return
    _last, _pending = time.monotonic(), True
    sys.unraisablehook = lambda ignored: None  # an interrupt that is lost is raised again: no need to show it
    signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
    raise KeyboardInterrupt


def _raise(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
