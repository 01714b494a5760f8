"""Makes a Lambda handler of a plain function: event to dataclass, result to JSON, log lines, named errors.

    def check_data(event: CheckData, aws: Clients) -> Plan: ...

    handler = task(CheckData, check_data)

Tests call the function with fake clients; only AWS calls the handler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection

from contract.as_json import from_json, to_json
from lambdas import aws, measures
from lambdas.errors import BadInput, NotAllowed, TaskError, Throttled, Unavailable

Event = TypeVar("Event")
Handler = Callable[[dict[str, Any], Any], Any]
_UNANSWERED = (NoConnection, HTTPClientError, IncompleteReadError)

logger = Logger(service="personalize-pipeline")


def task(
    event_type: type[Event],
    function: Callable[[Event, aws.Clients], Any],
    *,
    client: Callable[[str], Any] = aws.client,
) -> Handler:
    """The handler `(event, context) -> JSON` for a function of a dataclass of `contract.plan` and the clients.

    An event that does not fit the dataclass raises BadInput; a call of AWS that fails raises Throttled, Unavailable or
    NotAllowed, with whose call it was and what to do. What a function raises reaches the state machine under its class
    name (lambdas.errors).
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
        except (ClientError, *_UNANSWERED) as error:
            logger.exception("a call of AWS failed", extra={"task": function.__name__})
            named = told(error, _about(function.__name__, event))
            if named is None:
                raise
            raise named from error
        except (Throttled, Unavailable) as error:
            logger.warning("to be tried again", extra={"task": function.__name__, "error": str(error)})
            raise
        except TaskError as error:
            logger.error(str(error), extra={"task": function.__name__, "error": type(error).__name__})
            raise
        measures.publish(returned)
        logger.info("done", extra={"task": function.__name__, "result": result})
        return result

    handler.__doc__ = function.__doc__
    return handler


def told(error: Exception, who: str) -> TaskError | None:
    """A failed call in words that somebody can act on; None if only a change of the program helps."""
    later = "The machine tries again; if this goes on, start it again later"
    if not isinstance(error, ClientError):
        return Unavailable(f"{who}: AWS did not answer: {error}. {later}")
    call = f"{error.operation_name}: {aws.error_message(error)} ({aws.error_code(error)})"
    if aws.is_throttling(error):
        return Throttled(f"{who}: AWS asks for fewer requests in {call}. {later}, or have the quota raised")
    if aws.is_fault(error):
        return Unavailable(f"{who}: AWS failed in {call}. {later}: https://health.aws.amazon.com says what is known")
    if aws.is_denied(error):
        return NotAllowed(
            f"{who}: AWS denied {call}. Deploy the stack again, or lift what denies it from above the role (the"
            " account's service control policies, a permissions boundary); then start again with the same input"
        )
    return None


def _about(name: str, event: dict[str, Any]) -> str:
    """Which task it is, and which resource, recipe or bucket it works on."""
    if "kind" in event:
        return f"{name} {event['kind']} {event.get('name', '')}".rstrip()
    members = ("subject", "recipe", "campaign_arn", "solution_version_arn", "dataset_arn")
    of = next((str(event[member]) for member in members if event.get(member)), "")
    return f"{name} {of}".rstrip()


def _run_id(event: Any) -> str | None:
    """The run's id, wherever the event carries it."""
    if not isinstance(event, dict):
        return None
    run = event.get("run")
    return event.get("run_id") or (run.get("run_id") if isinstance(run, dict) else None)
