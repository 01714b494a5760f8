"""What the watch over idle campaigns is told, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class WatchCampaigns:
    """Event of `watch_campaigns`."""

    prefix: str
    """contract.naming.prefix"""
    park_in: str | None = None
    """The data bucket, if idle campaigns are to be parked (lambdas.parking); None: they are only counted."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Result of `watch_campaigns`."""

    campaigns: int
    """Active ones, of the experiment."""
    idle: list[str]
    """ARNs of those that nobody asked."""
    parked: list[str] = field(default_factory=list)
    """ARNs of those that were parked for it."""
