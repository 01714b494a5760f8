"""What the engine and a worker process say to each other: one JSON object per line over pipes.

To the worker: {"job", "kind", "arn"}. From it: {"progress": {"done", "total", "message"}} any number of times, then
one of {"done": result}, {"failed": reason}, {"crashed": traceback}.
"""

from __future__ import annotations

import json
from typing import IO, Any

READY = {"ready": True}
"""What a worker says first."""


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
