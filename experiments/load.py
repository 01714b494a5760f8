"""From a YAML file to an `Experiment`, and from every mistake in it to file, line, field, problem and hint.

The file is read as YAML *nodes*, because these know their lines; pydantic then checks the values, and each of its
findings is led back to the node it is about. Numbers with a decimal point stay text on the way, so that a share of
0.07 is exactly 7/100.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from experiments.config import Experiment

FOLDER = Path(__file__).resolve().parent

Location = tuple[int | str, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One mistake in an experiment's file."""

    file: Path
    line: int | None
    """1-based; None if it is about the file as a whole."""
    field: str
    """Path to the field, e.g. `recipes.0.hyperparameters`; empty for the file as a whole."""
    problem: str
    hint: str = ""
    """What to do about it."""

    def __str__(self) -> str:
        where = f"{self.file}" if self.line is None else f"{self.file}:{self.line}"
        said = [where, *([self.field] if self.field else []), self.problem]
        return ": ".join(said) + (f". {self.hint}" if self.hint else "")


class ConfigError(Exception):
    """An experiment that cannot be used, with every finding."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


def names() -> list[str]:
    """The experiments in this folder."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_named(name: str) -> Experiment:
    """The experiment of that name in this folder; ConfigError if there is none or it is wrong."""
    if name not in names():
        hint = _nearest(name, names()) or f"There are: {', '.join(names())}"
        raise ConfigError(
            [Finding(file=FOLDER / f"{name}.yaml", line=None, field="", problem="no such file", hint=hint)]
        )
    return load(FOLDER / f"{name}.yaml")


def find(given: str) -> tuple[Experiment, Path]:
    """An experiment by its name in this folder, or by the path of its YAML file; and that path."""
    path = Path(given) if given.endswith((".yaml", ".yml")) else FOLDER / f"{given}.yaml"
    return (load(path) if path == Path(given) else load_named(given)), path


def load(path: Path) -> Experiment:
    """The experiment in that file; ConfigError with all findings if it is wrong."""
    root = _compose(path)
    reader = _Reader(path)
    value = reader.value(root, ())
    if reader.findings:
        raise ConfigError(reader.findings)
    try:
        experiment = Experiment.model_validate(value)
    except ValidationError as error:
        raise ConfigError([_finding(path, root, found) for found in _telling(error)]) from None
    if experiment.name != path.stem:
        raise ConfigError(
            [
                Finding(
                    file=path,
                    line=_line(root, ("name",)),
                    field="name",
                    problem=f"{experiment.name!r} differs from the file's name {path.stem!r}",
                    hint=f"Rename the file to {experiment.name}.yaml or write `name: {path.stem}`",
                )
            ]
        )
    return experiment


def _compose(path: Path) -> yaml.MappingNode:
    """The file's top mapping as a node."""

    def refuse(problem: str, line: int | None = None, hint: str = "") -> ConfigError:
        return ConfigError([Finding(file=path, line=line, field="", problem=problem, hint=hint)])

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise refuse("is not UTF-8 text", line, "Save the file with the encoding UTF-8") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or "is not valid YAML"
        hint = "Indent with spaces: YAML does not allow tabs" if "'\\t'" in problem else ""
        raise refuse(problem, mark.line + 1 if mark else None, hint) from None
    except yaml.YAMLError as error:
        raise refuse(f"is not valid YAML: {' '.join(str(error).split())}") from None
    if root is None:
        raise refuse("is empty", None, f"Start from {FOLDER / 'quickstart.yaml'}")
    if not isinstance(root, yaml.MappingNode):
        raise refuse("must be a mapping of fields", root.start_mark.line + 1, "Begin with `name: …`")
    return root


class _Reader:
    """Nodes to plain values; collects what YAML allows and we do not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.findings: list[Finding] = []
        self._constructor = yaml.SafeLoader("")
        self._inside: list[yaml.Node] = []

    def value(self, node: yaml.Node, at: Location) -> Any:
        if any(node is outer for outer in self._inside):
            self._refuse(node, at, "an alias contains itself")
            return None
        self._inside.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, at)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*at, number)) for number, item in enumerate(node.value)]
            return self._scalar(node, at)
        finally:
            self._inside.pop()

    def _mapping(self, node: yaml.MappingNode, at: Location) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key, at, "a field's name must be a plain word")
            elif name in made:
                self._refuse(key, (*at, name), "is given twice", "Keep one of the two")
            made[name] = self.value(value, (*at, name))
        return made

    def _scalar(self, node: yaml.Node, at: Location) -> Any:
        kind = node.tag.rpartition(":")[2]
        if kind not in {"int", "bool", "null"}:
            return str(node.value)  # also floats and dates: their text says exactly what was meant
        try:
            return self._constructor.construct_object(node)
        except (ValueError, yaml.YAMLError):
            self._refuse(node, at, f"{node.value!r} is not a valid {kind}")
            return None

    def _refuse(self, node: yaml.Node, at: Location, problem: str, hint: str = "") -> None:
        line = node.start_mark.line + 1
        self.findings.append(Finding(file=self.path, line=line, field=_dotted(at), problem=problem, hint=hint))


def _telling(error: ValidationError) -> list[Any]:
    """The errors, without "too short" where the list is only short of the elements that are wrong themselves."""
    found = error.errors(include_url=False)

    def has_inner(outer: Any) -> bool:
        return any(len(e["loc"]) > len(outer["loc"]) and e["loc"][: len(outer["loc"])] == outer["loc"] for e in found)

    return [one for one in found if one["type"] != "too_short" or not has_inner(one)]


_PLAIN = {
    "int_parsing": "{given!r} is no whole number",
    "int_type": "{given!r} is no whole number",
    "int_from_float": "{given!r} is no whole number",
    "float_parsing": "{given!r} is no number",
    "float_type": "{given!r} is no number",
    "bool_parsing": "{given!r} is neither true nor false",
    "bool_type": "{given!r} is neither true nor false",
    "string_type": "{given!r} is not text",
    "dict_type": "must be a mapping of fields, not {given!r}",
    "model_attributes_type": "must be a mapping of fields, not {given!r}",
    "model_type": "must be a mapping of fields, not {given!r}",
    "tuple_type": "must be a list, not {given!r}",
}
"""Kinds of pydantic's errors whose own words speak of Python."""


_OF_KEY = "[key]"
"""What pydantic's location ends with where a mapping's key is wrong and not its value."""


def _finding(path: Path, root: yaml.Node, error: Any) -> Finding:
    """One of pydantic's errors, led back to the file."""
    kind, context = error["type"], error.get("ctx", {})
    at = _in_file(root, (*(part for part in error["loc"] if part != _OF_KEY), *context.get("at", ())))
    problem, hint = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be"), ""
    if kind == "extra_forbidden":
        known = _fields_at(error["loc"][:-1])
        problem, hint = "unknown field", _among(str(at[-1]), known)
    elif kind == "missing":
        problem, hint = "is missing", f"Add `{at[-1]}: …`"
    elif kind == "unknown_name":
        hint = _among(context["given"], context["known"])
    elif kind == "union_tag_invalid":
        at = (*at, "kind")
        problem = f"unknown kind {context['tag']!r}"
        hint = _among(context["tag"], _quoted(context["expected_tags"]))
    elif kind == "union_tag_not_found":
        problem, hint = "`kind` is missing", "Add `kind: …` (see experiments/config.py for the kinds)"
    elif kind == "too_short":
        problem = "is empty"
    elif kind == "too_long":
        problem = f"has {context['actual_length']} entries; at most {context['max_length']} are allowed"
    elif kind in _PLAIN:
        problem = _PLAIN[kind].format(given=error["input"])
    elif kind == "string_pattern_mismatch":
        problem, hint = f"{error['input']!r} is not allowed", f"It must match {context['pattern']}"
    elif kind == "literal_error":
        problem = f"{error['input']!r} is not allowed"
        hint = _among(str(error["input"]), _quoted(context["expected"]))
    return Finding(file=path, line=_line(root, at), field=_dotted(at), problem=problem, hint=hint)


def _quoted(expected: str) -> list[str]:
    """The names in pydantic's "'a', 'b' or 'c'"."""
    return expected.split("'")[1::2]


def _nearest(given: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f"Did you mean {found[0]!r}?" if found else ""


def _among(given: str, known: Sequence[str]) -> str:
    allowed = f"Allowed: {', '.join(known)}" if known else "None is allowed here"
    return f"{_nearest(given, known)} {allowed}".strip()


def _dotted(at: Location) -> str:
    return ".".join(map(str, at))


def _child(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    """(node that names it, node of its value), if it is in the file."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _in_file(root: yaml.Node, at: Location) -> Location:
    """Pydantic's location without what is not in the file: the tags of its unions."""
    node: yaml.Node | None = root
    kept: list[int | str] = []
    for position, part in enumerate(at):
        found = _child(node, part)
        if found is None and position < len(at) - 1:
            continue
        kept.append(part)
        node = found[1] if found else None
    return tuple(kept)


def _line(root: yaml.Node, at: Location) -> int:
    """The line of what is at that place, or of the nearest thing around it."""
    node, line = root, root.start_mark.line
    for part in at:
        found = _child(node, part)
        if found is None:
            break
        line, node = found[0].start_mark.line, found[1]
    return line + 1


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The pydantic models in an annotation, whatever it is wrapped in."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models(part)]


def _fields_at(at: Location) -> list[str]:
    """The fields that are allowed at one of pydantic's locations."""
    models: list[type[BaseModel]] = [Experiment]
    for part in at:
        tagged = [
            m for m in models if "kind" in m.model_fields and part in typing.get_args(m.model_fields["kind"].annotation)
        ]
        if tagged:
            models = tagged
        elif isinstance(part, str):
            fields = [m.model_fields[part] for m in models if part in m.model_fields]
            if fields:  # else it is a key that the user chose, such as an environment's name
                models = [inner for field in fields for inner in _models(field.annotation)]
    return [name for model in models for name in model.model_fields]
