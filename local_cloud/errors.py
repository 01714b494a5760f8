"""What goes wrong here and is nobody's bug in this code: each error says what, where, and what to do.

    LocalCloudError
    ├── StartError       a server did not come up: a port in use, a process that ended, a time limit
    ├── CommandError     a command beside us (npm, cdk, app.py, data_prep) failed; its own output says why
    ├── RunFailed        the state machine's execution failed
    └── Leftovers        the destroyed stack left something behind

`__main__` prints the message and turns the error into an exit code; no traceback reaches the user.
"""

from __future__ import annotations


class LocalCloudError(Exception):
    """Base of the errors whose message is meant for the user."""


class StartError(LocalCloudError):
    """A server did not come up."""


class CommandError(LocalCloudError):
    """A command that runs beside us failed."""


class RunFailed(LocalCloudError):
    """The execution ended without success."""


class Leftovers(LocalCloudError):
    """Something of the experiment outlived `cdk destroy`."""
