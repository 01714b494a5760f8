"""Everything that can go wrong, and at which edge it is told.

EngineError
├── ServiceError     answered to an operation's caller: code, message (the HTTP status comes from the model)
├── JobFailed        ends a job: the resource becomes CREATE FAILED with this failureReason
│   └── WorkerDied   the process that did it was killed, or could not go on: tried once more
├── JobStopped       ends a job without a result: it was cancelled
├── Paused           a write was asked for while the engine is paused: HTTP 503, which every SDK tries again
└── CannotStart      printed on one line by the command, exit code 2
"""

from __future__ import annotations

INVALID_INPUT = "InvalidInputException"
NOT_FOUND = "ResourceNotFoundException"
ALREADY_EXISTS = "ResourceAlreadyExistsException"
IN_USE = "ResourceInUseException"
LIMIT_EXCEEDED = "LimitExceededException"
INVALID_NEXT_TOKEN = "InvalidNextTokenException"
TOO_MANY_TAGS = "TooManyTagsException"


class EngineError(Exception):
    """Base of all errors of this package."""


class ServiceError(EngineError):
    """An error of the service. `code` must be declared by the operation in the service model (a test proves it)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class JobFailed(EngineError):
    """The work cannot be done; the message is the resource's failureReason."""


class WorkerDied(JobFailed):
    """The process that did the work is gone."""


class JobStopped(EngineError):
    """The work is no longer wanted."""


class Paused(EngineError):
    """The engine takes no writes for the moment."""


class CannotStart(EngineError):
    """The engine cannot be started: the message says why and what to do."""


def invalid_input(message: str) -> ServiceError:
    """The commonest one."""
    return ServiceError(INVALID_INPUT, message)
