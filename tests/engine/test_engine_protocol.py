"""The wire: which requests are understood, and what is said of those that are not."""

from __future__ import annotations

import ast
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from engine_server import Bench, EngineProcess

import personalize_engine.operations as package
from personalize_engine import errors, protocol
from personalize_engine.operations import all_operations, registry

assert all_operations
CODES = {name: value for name, value in vars(errors).items() if isinstance(value, str) and name.isupper()}


def post(
    engine: EngineProcess, body: bytes, *, target: str | None = None, path: str = "/"
) -> tuple[int, dict[str, str]]:
    headers = {"Content-Type": "application/x-amz-json-1.1"} | ({"X-Amz-Target": target} if target else {})
    request = urllib.request.Request(engine.url + path, data=body, headers=headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    with caught.value as answer:
        return answer.code, json.load(answer)


def test_health_and_progress(engine: EngineProcess) -> None:
    assert engine.http("GET", "/health") == {"status": "ok"}
    assert engine.http("GET", "/progress") == []


def test_a_missing_operation_names_itself(engine: EngineProcess) -> None:
    status, answer = post(engine, b"{}", target="AmazonPersonalize.CreateRecommender")
    assert (status, answer["__type"]) == (501, "NotImplementedException")
    assert "CreateRecommender" in answer["message"]
    status, answer = post(engine, b"{}", path="/action-recommendations")
    assert (status, answer["message"].split()[0]) == (501, "GetActionRecommendations")


@pytest.mark.parametrize("target", ["AmazonPersonalize.Nonsense", "DynamoDB_20120810.ListTables", None])
def test_what_no_service_model_knows(engine: EngineProcess, target: str | None) -> None:
    assert post(engine, b"{}", target=target, path="/nothing")[0] == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "JSON object"),
        (b'{"name": 3}', "'name' failed to satisfy constraint: Member must be of type string"),
        (b'{"name": "a", "tags": {"a": 1}}', "tags"),
        (b"{}", "Value null at 'name' failed to satisfy constraint: Member must not be null"),
        (b'{"name": "-x"}', "Value '-x' at 'name' failed to satisfy constraint: Member must satisfy regular"),
        (b'{"name": "' + b"x" * 64 + b'"}', "at 'name' failed to satisfy constraint: Member must have length less"),
        (b'{"name": "a", "domain": "SHOES"}', "at 'domain' failed to satisfy constraint: Member must satisfy enum"),
        (b'{"name": "a", "tags": [{"tagKey": ""}]}', "tags.1.member.tagValue"),
    ],
)
def test_malformed_requests_name_the_field(engine: EngineProcess, body: bytes, said: str) -> None:
    status, answer = post(engine, body, target="AmazonPersonalize.CreateDatasetGroup")
    assert (status, answer["__type"]) == (400, "InvalidInputException")
    assert said in answer["message"]


def test_ranges(bench: Bench) -> None:
    with pytest.raises(ClientError, match=r"'maxResults' failed to satisfy constraint: .* less than or equal to 100"):
        bench.personalize.list_solutions(maxResults=101)
    with pytest.raises(ClientError, match=r"ValidationException.*maxResults"):
        bench.personalize.list_schemas(maxResults=101)  # declares no InvalidInputException


def test_every_operation_belongs_to_a_service() -> None:
    assert set(registry.OPERATIONS) <= set(protocol.operations())


def test_operations_raise_only_errors_that_the_service_model_declares() -> None:
    """Follows every operation through the functions it calls in this package to the codes they raise."""
    calls, raises, entry = _read_sources()
    for name, function in entry.items():
        reached, waiting = set(), [function]
        while waiting:
            if (here := waiting.pop()) not in reached:
                reached.add(here)
                waiting += calls[here]
        raised = set().union(*(raises[here] for here in reached))
        assert raised <= set(protocol.operations()[name].errors), name
    assert set(entry) == set(registry.OPERATIONS)


def _read_sources() -> tuple[dict[str, set[str]], dict[str, set[str]], dict[str, str]]:
    """Calls and codes by `module.function`, and the function of each operation."""
    calls: dict[str, set[str]] = {}
    raises: dict[str, set[str]] = {}
    entry: dict[str, str] = {}
    modules = {path.stem: ast.parse(path.read_text()) for path in Path(package.__path__[0]).glob("*.py")}
    defined = {f"{m}.{f.name}" for m, tree in modules.items() for f in tree.body if isinstance(f, ast.FunctionDef)}
    for module, tree in modules.items():
        imported = {
            alias.asname or alias.name: f"{node.module.rpartition('.')[2]}.{alias.name}"
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.startswith("personalize_engine.operations")
            for alias in node.names
        }
        for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            here = f"{module}.{function.name}"
            names = [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]
            calls[here] = {imported.get(name, f"{module}.{name}") for name in names} & defined
            raises[here] = {CODES[name] for name in names if name in CODES}
            raises[here] |= {errors.INVALID_INPUT} if "invalid_input" in names else set()
            for decorator in function.decorator_list:
                if isinstance(decorator, ast.Call) and isinstance(decorator.args[0], ast.Constant):
                    entry[str(decorator.args[0].value)] = here
    return calls, raises, entry
