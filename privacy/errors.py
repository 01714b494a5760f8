"""What can go wrong while a user is forgotten: the command prints it and exits with code 2."""

from __future__ import annotations


class PrivacyError(Exception):
    """It cannot go on; the message says why, what was done so far, and what to do."""


class UnknownUser(PrivacyError):
    """Nothing names the user."""


class NotNow(PrivacyError):
    """Something is going on that would bring the user back."""
