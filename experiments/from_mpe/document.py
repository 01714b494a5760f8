"""The JSON text as values, each with its path; and the errors, which name that path.

MpeError    the file cannot be made an experiment: every finding with file, JSON path, problem and hint
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Place = tuple[str | int, ...]
"""Keys and indexes from the top of the document."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One mistake in the file."""

    file: Path
    place: Place = ()
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        said = f"{self.file}: {json_path(self.place)}: {self.problem}"
        return f"{said}. {self.hint}" if self.hint else said


class MpeError(Exception):
    """The file cannot be made an experiment."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


def json_path(place: Place) -> str:
    """The place as JSONPath writes it.

    >>> json_path(("solutions", 0, "serviceConfig", "a b"))
    "$.solutions[0].serviceConfig['a b']"
    """
    parts = (
        f"[{part}]" if isinstance(part, int) else f".{part}" if re.fullmatch(r"[A-Za-z_]\w*", part) else f"[{part!r}]"
        for part in place
    )
    return "$" + "".join(parts)


def read(file: Path) -> dict[str, Any]:
    """The document; MpeError if it is no JSON object, or says something twice."""

    def refuse(problem: str, hint: str = "", place: Place = ()) -> MpeError:
        return MpeError([Finding(file=file, place=place, problem=problem, hint=hint)])

    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise refuse("is not UTF-8 text", "Save the file with the encoding UTF-8") from None
    try:
        made = json.loads(text, object_pairs_hook=_Object.of, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise refuse(f"is no JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValueError as error:
        raise refuse(f"is no JSON: {error}") from None
    except RecursionError:
        raise refuse("is nested too deeply") from None
    if not isinstance(made, dict):
        raise refuse("must be an object", 'Begin with {"datasetGroup": …}')
    if wrong := list(_wrong(made, ())):
        raise MpeError([Finding(file=file, place=place, problem=problem, hint=hint) for place, problem, hint in wrong])
    return made


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value of the document that is not empty and holds no other, with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*place, number))
    elif value is not None:
        yield place, value


class _Object(dict[str, Any]):
    """An object that knows which of its keys the text gives more than once: JSON's readers keep the last."""

    twice: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> _Object:
        made = cls(pairs)
        keys = [key for key, _ in pairs]
        made.twice = tuple(key for key in made if keys.count(key) > 1)
        return made


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _wrong(value: Any, place: Place) -> Iterator[tuple[Place, str, str]]:
    if isinstance(value, dict):
        for key in getattr(value, "twice", ()):
            yield (*place, key), "is given twice", "Keep one of the two"
        for key, inner in value.items():
            yield from _wrong(key, place)
            yield from _wrong(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _wrong(inner, (*place, number))
    elif isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        yield place, "holds half of a character (a lone surrogate)", "Write the character itself"
