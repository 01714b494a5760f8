"""Whether a version may replace the one that is served: it may unless it is clearly worse.

Both were asked about the same users and are judged by the same held-out rows, which neither of them learned from: what
is served was trained on an earlier past. The difference is paired over users; a version is clearly worse when the whole
95 % interval of the difference lies below zero. A tie replaces, because the newer version knows the newer data.
"""

from __future__ import annotations

from contract.results import JUDGE_METRIC, Promotion
from evaluation.bootstrap import difference, interval, resample
from evaluation.compare import decisive_view, mean, rounded
from evaluation.judge import Judgement


def weigh(
    version: Judgement,
    served: Judgement,
    *,
    served_version_arn: str | None,
    repeats_share: float,
    resamples: int,
    seed: int,
) -> Promotion:
    """The decision, with the figures behind it. ValueError if not the same users were asked."""
    if version.users != served.users:
        raise ValueError(f"{version.subject} and {served.subject} were not asked about the same users")
    view = decisive_view(repeats_share)
    columns = [judged.values[view][JUDGE_METRIC] for judged in (version, served)]
    low, high = interval(difference(*resample(columns, resamples=resamples, seed=seed)))
    return Promotion(
        decision="kept" if high < 0 else "replaced",
        view=view,
        difference=rounded(mean(columns[0]) - mean(columns[1])),
        low=rounded(low),
        high=rounded(high),
        served=mean(columns[1]),
        served_version_arn=served_version_arn,
    )
