"""What travels around the decision whether a version is to be served: in which campaign it is judged, against what.

Mode `experiment` judges every version in a campaign of its own, which is deleted. Mode `serve` judges it in the
campaign that applications use if that serves nothing else; otherwise in a trial campaign, and then weighs it against
what is served (evaluation.promotion).
"""

from __future__ import annotations

from dataclasses import dataclass

from contract.plan import Ask, Ensure, Run
from contract.results import Promotion


@dataclass(frozen=True, kw_only=True)
class Choose:
    """Event of `choose_campaign`."""

    run: Run
    ask: Ask
    version_arn: str
    """Of this run's solution version."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Result of `choose_campaign`."""

    campaign: Ensure
    """In which the version is judged. Without its parent."""
    arn: str
    """The campaign's, whether or not it exists yet: whatever becomes of the call that makes it, it can be deleted."""
    temporary: bool
    """Whether it is deleted when the recipe was judged."""
    served_arn: str = ""
    """Of the campaign that serves another version, against which this one is weighed; empty: there is none."""
    served_subject: str = ""
    """Under which its answers are kept."""
    promotion: Promotion | None = None
    """In mode serve, until something was weighed."""


@dataclass(frozen=True, kw_only=True)
class Weigh:
    """Event of `weigh`."""

    run: Run
    subject: str
    """Of this run's version."""
    served_subject: str
    promotion: Promotion
