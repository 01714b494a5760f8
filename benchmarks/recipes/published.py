"""What the service measured on the same work: Amazon's sample notebooks for Amazon Personalize, 2019 to 2021."""

from __future__ import annotations

from dataclasses import dataclass

from contract.results import View


@dataclass(frozen=True, kw_only=True)
class Published:
    """One row; figures by metric name."""

    work: str
    subject: str
    view: View
    figures: dict[str, float]
    note: str = ""


def _figures(mrr: float, *precisions: float) -> dict[str, float]:
    names = ("precision_at_5", "precision_at_10", "precision_at_25")
    return {"mean_reciprocal_rank_at_25": mrr, **dict(zip(names, precisions, strict=True))}


PUBLISHED = (
    Published(
        work="ml-1m",
        subject="aws-hrnn",
        view="returned",
        figures=_figures(0.2776, 0.1223, 0.1091, 0.0893),
        note="a second run of the service: P@5 .1149, P@10 .1046",
    ),
    Published(work="ml-1m", subject="aws-hrnn", view="reranked", figures=_figures(0.3455, 0.1691, 0.1480, 0.0893)),
    Published(work="ml-1m", subject="popularity", view="returned", figures=_figures(0.0644, 0.0198, 0.0201, 0.0217)),
    Published(
        work="ml-1m",
        subject="popularity",
        view="unseen",
        figures=_figures(0.1476, 0.0632, 0.0560, 0.0446),
        note="published as without duplicates; only this reading reproduces it",
    ),
    Published(
        work="airlines",
        subject="aws-hrnn-metadata",
        view="returned",
        figures=_figures(0.2035, 0.0605, 0.0444, 0.0220),
        note="with HPO; on a tenth of the users, whose own past the model had not learned from",
    ),
)
COLD_LIFT = ("ml-1m", "aws-hrnn-coldstart", 0.1618 / 0.0392)
"""P@5 over that of random cold items (.0392), one draw."""
