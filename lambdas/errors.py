"""The names by which the state machines catch what goes wrong.

Step Functions sees the class name of what a function raises, so these names are part of the machines' definitions.

    TaskError
    ├── BadInput         the execution's input (or a task's event) is wrong: the person who started it must change it
    ├── DataMissing      no data was published yet, or what the manifest names is not there
    ├── DataMismatch     the published data disagree with the experiment's schemas
    ├── ResourceFailed   a Personalize resource failed, or the service refused to make it; the message holds its reason
    ├── NotAllowed       AWS denied a call: the function's role, or a rule above it, does not allow what it needs
    ├── NoPrice          nobody knows what the run costs in its region: somebody must add the prices
    ├── TooExpensive     the run may cost more than was allowed; nothing has been billed
    ├── Throttled        AWS asks for fewer requests: the machines try again
    └── Unavailable      AWS failed, or did not answer: the machines try again
"""

from __future__ import annotations


class TaskError(Exception):
    """Says what happened, where, and what to do."""


class BadInput(TaskError):
    """The execution's input or a task's event is not what it should be."""


class DataMissing(TaskError):
    """The data that a run needs are not in the bucket."""


class DataMismatch(TaskError):
    """The data in the bucket do not fit the experiment."""


class ResourceFailed(TaskError):
    """A resource of Amazon Personalize went to a failed state, or its creation was refused."""


class NotAllowed(TaskError):
    """AWS denied a call that the function needs."""


class NoPrice(TaskError):
    """There is no price table for the region of the run."""


class TooExpensive(TaskError):
    """The estimate may exceed `max_cost`, or nobody allowed what multiplies the trainings."""


class Throttled(TaskError):
    """AWS refused the call for the rate of calls; the same call will succeed later."""


class Unavailable(TaskError):
    """AWS failed by itself or could not be reached; the same call may succeed later."""
