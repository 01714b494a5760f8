"""The way of a request, as one list: recognise, parse, validate, dispatch, serialize.

Each step gets the call with what the steps before found out and adds its own part; an error of any step becomes the
answer. The steps are in `CHAIN`, in their order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from personalize_engine import protocol, validation
from personalize_engine.errors import Paused, ServiceError
from personalize_engine.operations import all_operations  # noqa: F401
from personalize_engine.operations.registry import OPERATIONS, Context

LOG = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Call:
    """One request on its way."""

    context: Context
    request: protocol.Request
    operation: protocol.Operation | None = None
    members: dict[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    response: protocol.Response | None = None
    """Set by the step that answers; the steps behind it are left out."""

    @property
    def found(self) -> protocol.Operation:
        """The operation, once recognised."""
        assert self.operation is not None, "recognise comes first"
        return self.operation


def recognise(call: Call) -> None:
    """Which operation it is: 404 for none that a service model knows, 501 for one that the engine lacks."""
    call.operation = protocol.recognise(call.request)
    if call.operation is None:
        what = call.request.headers.get("x-amz-target") or f"{call.request.method} {call.request.path}"
        call.response = protocol.failure(
            "UnknownOperationException", f"{what} is no operation of Amazon Personalize", status=404
        )
    elif call.operation.name not in OPERATIONS:
        call.response = protocol.failure(
            "NotImplementedException", f"{call.operation.name} is not implemented by this engine", status=501
        )


def parse(call: Call) -> None:
    """The request's members as Python values."""
    call.members = call.found.parse(call.request)


def validate(call: Call) -> None:
    """Against the service model, before any code of an operation runs."""
    if (shape := call.found.input_shape) is not None and (problems := list(validation.problems(shape, call.members))):
        raise ServiceError(call.found.malformed, validation.message(problems))


def dispatch(call: Call) -> None:
    """The operation's own function."""
    call.result = OPERATIONS[call.found.name](call.context, call.members)


def serialize(call: Call) -> None:
    """The result in the service's protocol."""
    call.response = call.found.answer(call.result)


CHAIN: list[Callable[[Call], None]] = [recognise, parse, validate, dispatch, serialize]


def handle(context: Context, request: protocol.Request) -> protocol.Response:
    """Sends a request along the chain."""
    call = Call(context=context, request=request)
    try:
        for step in CHAIN:
            step(call)
            if call.response is not None:
                return call.response
    except ServiceError as error:
        return call.found.failure(error)
    except Paused as error:
        return protocol.failure("ServiceUnavailableException", str(error), status=503)
    except Exception:
        LOG.exception("%s failed", call.operation.name if call.operation else call.request.path)
    return protocol.failure("InternalServerError", "An internal error occurred; see the engine's log", status=500)
