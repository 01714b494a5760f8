"""What MiniStack lacks to run the stacks: each module is one seam, with its symptom, place and test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What the plug-in has to be told."""

    engine_url: str
    """Where the engine listens."""
    roles_url: str
    """Where to answer the engine's questions about service roles: loopback, with a path that only the engine knows."""
    record: Path | None = None
    """Where to note what the policies are asked (questions.py); None: nowhere."""


def install(settings: Settings) -> None:
    """Put every seam in place. Call it once, before MiniStack serves; `seams.SeamMoved` if MiniStack has changed."""
    from local_cloud.plugin import (
        buckets,
        budgets,
        error_types,
        event_conditions,
        function_logs,
        history,
        machine_role,
        missing_objects,
        personalize_calls,
        questions,
        resource_types,
        service_role,
        unpacking,
    )

    buckets.install()
    budgets.install()
    error_types.install()
    event_conditions.install()
    function_logs.install()
    history.install()
    machine_role.install()
    missing_objects.install()
    personalize_calls.install(settings.engine_url)
    resource_types.install(settings.engine_url)
    service_role.serve(settings.roles_url)
    unpacking.install()
    if settings.record:
        questions.install(settings.record)
