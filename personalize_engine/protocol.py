"""The wire protocols of the three services, from botocore's service models.

The only module that imports moto.core or botocore's models: the rest of the engine sees operations by name, requests
and answers as plain mappings, and shapes through the small `Shape` protocol of `validation`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any
from uuid import uuid4

from botocore.loaders import Loader
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS

from personalize_engine import validation
from personalize_engine.errors import INVALID_INPUT, ServiceError

SERVICES = ("personalize", "personalize-runtime", "personalize-events")
JSON = "application/x-amz-json-1.1"
VALIDATION = "ValidationException"
"""What AWS answers to a malformed request where the operation declares no InvalidInputException."""


@dataclass(frozen=True)
class Request:
    """An HTTP request as the server received it."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Response:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Operation:
    """One operation of a service model."""

    def __init__(self, model: OperationModel) -> None:
        self._model = model
        self.name: str = model.name
        self._parser = PROTOCOL_PARSERS[model.service_model.protocol](model)
        self._write = _writer(model.output_shape) if model.output_shape is not None else None

    @cached_property
    def errors(self) -> Mapping[str, int]:
        """The error codes that the operation declares, with their HTTP status (400 where the model gives none)."""
        return {
            shape.name: int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
            for shape in self._model.error_shapes
        }

    @property
    def malformed(self) -> str:
        """The code for a request that does not fit the model."""
        return INVALID_INPUT if INVALID_INPUT in self.errors else VALIDATION

    @property
    def input_shape(self) -> Any:
        """For `validation.check`; None if the operation takes nothing."""
        return self._model.input_shape

    def parse(self, request: Request) -> dict[str, Any]:
        """The request's members; ServiceError if the body is not what the protocol wants."""
        try:
            document = json.loads(request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise ServiceError(self.malformed, f"the request's body is not JSON: {error}") from None
        if not isinstance(document, dict):
            raise ServiceError(self.malformed, "the request's body must be a JSON object")
        raw = {"body": request.body or b"{}", "headers": request.headers, "method": request.method}
        raw |= {"url_params": {}, "url_path": request.path, "values": {}}
        try:
            return dict(self._parser.parse(raw))
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RuntimeError) as error:
            found = list(validation.problems(self.input_shape, document))
            said = validation.message(found) if found else f"a member of the request has the wrong type: {error}"
            raise ServiceError(self.malformed, said) from None

    def answer(self, result: Mapping[str, Any]) -> Response:
        """The result as the protocol writes it."""
        body = json.dumps(self._write(result)) if self._write else ""
        return _response(int(self._model.http.get("responseCode", 200)), {"Content-Type": JSON}, body)

    def failure(self, error: ServiceError) -> Response:
        """The error as the protocol writes it; its status comes from the model."""
        return failure(error.code, error.message, status=self.errors.get(error.code, 400))


def failure(code: str, message: str, *, status: int) -> Response:
    """An error in the form that both JSON protocols share."""
    headers = {"Content-Type": JSON, "x-amzn-ErrorType": code}
    return _response(status, headers, json.dumps({"__type": code, "message": message}))


@cache
def operations() -> dict[str, Operation]:
    """Every operation of the three services, by name (names are distinct across the services)."""
    found: dict[str, Operation] = {}
    for service in SERVICES:
        model = _model(service)
        for name in model.operation_names:
            found[name] = Operation(model.operation_model(name))
    return found


@cache
def _routes() -> dict[tuple[str, str], str]:
    """Method and path to operation, for the two REST services."""
    routes = {}
    for service in SERVICES[1:]:
        for name in _model(service).operation_names:
            http = _model(service).operation_model(name).http
            routes[http["method"], http["requestUri"]] = name
    return routes


def recognise(request: Request) -> Operation | None:
    """The operation that a request asks for: by its X-Amz-Target header, else by method and path."""
    target = request.headers.get("x-amz-target")
    if target is None:
        name = _routes().get((request.method, request.path.rstrip("/")))
        return operations()[name] if name else None
    prefix, _, name = target.partition(".")
    model = _model(SERVICES[0])
    if prefix != model.metadata["targetPrefix"] or name not in model.operation_names:
        return None
    return operations()[name]


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _writer(shape: Any) -> Callable[[Any], Any]:
    """A function from a result to JSON values, made once per shape: members that the model lacks, and None, fall away.

    All answers of the three services are whole JSON bodies, so this small writer does; moto's general serializer looks
    every member up anew and takes 8 ms for 500 recommendations, ten times as long.
    """
    kind = shape.type_name
    if kind == "structure":
        members = {name: _writer(member) for name, member in shape.members.items()}
        return lambda value: {
            name: members[name](content) for name, content in value.items() if content is not None and name in members
        }
    if kind == "list":
        write = _writer(shape.member)
        return lambda value: [write(entry) for entry in value]
    if kind == "map":
        write = _writer(shape.value)
        return lambda value: {key: write(entry) for key, entry in value.items()}
    if kind == "timestamp":
        return lambda value: round(value, 3)  # Unix seconds
    return lambda value: value


def _response(status: int, headers: dict[str, str], body: str | bytes) -> Response:
    raw = body.encode() if isinstance(body, str) else body
    return Response(status, headers | {"x-amzn-RequestId": str(uuid4())}, raw)
