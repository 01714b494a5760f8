"""What the parts of an experiment's type have in common: frozen models, and errors that tell where and what else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    """Frozen, refuses unknown fields; the text behind a field is its description in the schema."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def unknown(what: str, given: str, *, known: Iterable[str], at: tuple[str | int, ...]) -> PydanticCustomError:
    """An error that tells `experiments.load` what would have been right and where below the model it is."""
    context: dict[str, Any] = {"what": what, "given": given, "known": list(known), "at": at}
    return PydanticCustomError("unknown_name", "unknown {what} '{given}'", context)


def wrong(message: str, *, at: tuple[str | int, ...]) -> PydanticCustomError:
    """An error about something below the model."""
    return PydanticCustomError("wrong", "{message}", {"message": message, "at": at})
