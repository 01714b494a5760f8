"""What the watch over idle campaigns is told, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WatchCampaigns:
    """Event of `watch_campaigns`."""

    prefix: str
    """contract.naming.prefix"""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Result of `watch_campaigns`."""

    campaigns: int
    """Active ones, of the experiment."""
    idle: list[str]
    """ARNs of those that nobody asked."""
