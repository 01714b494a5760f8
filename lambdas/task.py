"""Makes a Lambda handler of a plain function: event to dataclass, result to JSON, log lines, named errors.

    def check_data(event: CheckData, aws: Clients) -> Plan: ...

    handler = task(CheckData, check_data)

Tests call the function with fake clients; only AWS calls the handler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from contract.as_json import from_json, to_json
from lambdas import aws, measures
from lambdas.errors import BadInput, TaskError, Throttled

Event = TypeVar("Event")
Handler = Callable[[dict[str, Any], Any], Any]

logger = Logger(service="personalize-pipeline")


def task(
    event_type: type[Event],
    function: Callable[[Event, aws.Clients], Any],
    *,
    client: Callable[[str], Any] = aws.client,
) -> Handler:
    """The handler `(event, context) -> JSON` for a function of a dataclass of `contract.plan` and the clients.

    An event that does not fit the dataclass raises BadInput; a throttled call of AWS raises Throttled. What a function
    raises reaches the state machine under its class name (lambdas.errors).
    """

    def handler(event: dict[str, Any], context: Any) -> Any:
        logger.set_correlation_id(_run_id(event))
        try:
            wanted = from_json(event_type, event)
        except ValueError as error:
            raise BadInput(f"{function.__name__}: {error}") from None
        clients = aws.Clients(client, seconds_left=lambda: float(context.get_remaining_time_in_millis()) / 1000)
        logger.info("started", extra={"task": function.__name__, "event": event})
        try:
            returned = function(wanted, clients)
            result = to_json(returned)
        except ClientError as error:
            if aws.is_throttling(error):
                logger.warning("throttled", extra={"task": function.__name__, "error": str(error)})
                raise Throttled(str(error)) from error
            logger.exception("a call of AWS failed", extra={"task": function.__name__})
            raise
        except Throttled as error:
            logger.warning("throttled", extra={"task": function.__name__, "error": str(error)})
            raise
        except TaskError as error:
            logger.error(str(error), extra={"task": function.__name__, "error": type(error).__name__})
            raise
        measures.publish(returned)
        logger.info("done", extra={"task": function.__name__, "result": result})
        return result

    handler.__doc__ = function.__doc__
    return handler


def _run_id(event: Any) -> str | None:
    """The run's id, wherever the event carries it."""
    if not isinstance(event, dict):
        return None
    run = event.get("run")
    return event.get("run_id") or (run.get("run_id") if isinstance(run, dict) else None)
