"""What a process and the one that it works for say to each other: one JSON object per line over pipes.

To a worker of the engine: {"job", "kind", "arn"}. From it: {"progress": {"done", "total", "message"}} any number of
times, then one of {"done": result}, {"failed": reason}, {"crashed": traceback}. `jobs.trial` answers in the same way,
but after each line of progress waits to be told to go on, so that it can be made to rest.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import IO, Any

READY = {"ready": True}
"""What a worker says first."""
GO_ON = {"go on": True}
"""The answer to a trial's progress."""

Waiting = queue.SimpleQueue[dict[str, Any]]


def serve() -> tuple[Waiting, IO[str]]:
    """For the process that works: the messages that come in, and where to answer.

    It never outlives the other side: when its input ends, because the other process ended or was killed, it ends at
    once, in the middle of its work if need be.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is not for the channel
    waiting: Waiting = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(waiting,), daemon=True).start()
    return waiting, answers


def send(stream: IO[str], message: dict[str, Any]) -> None:
    """OSError or ValueError if nobody listens."""
    stream.write(json.dumps(message) + "\n")
    stream.flush()


def receive(stream: IO[str]) -> dict[str, Any] | None:
    """The next message; None if the other side is gone."""
    line = stream.readline()
    if not line.endswith("\n"):
        return None
    message: dict[str, Any] = json.loads(line)
    return message


def _listen(waiting: Waiting) -> None:
    while (message := receive(sys.stdin)) is not None:
        waiting.put(message)
    os._exit(0)
