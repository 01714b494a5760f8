"""Weighs a new version against the one that is served: by the same users and the same held-out rows.

Calls: s3:GetObject runs/*/judged/*, s3:GetObject runs/*/plan.json.
"""

from __future__ import annotations

from contract import layout
from contract.manifest import Manifest
from contract.promotion import Weigh
from contract.results import Promotion
from evaluation import promotion
from lambdas.aws import Clients
from lambdas.outcomes import judgement_of
from lambdas.task import task


def weigh(event: Weigh, aws: Clients) -> Promotion:
    """The decision, with its figures."""
    run = event.run
    manifest = Manifest.from_json(aws.read_json(run.bucket, layout.plan(run.run_id))["manifest"])
    return promotion.weigh(
        judgement_of(run, event.subject, aws),
        judgement_of(run, event.served_subject, aws),
        served_version_arn=event.promotion.served_version_arn,
        repeats_share=manifest.repeats_share,
        resamples=run.evaluation.resamples,
        seed=run.evaluation.seed,
    )


handler = task(Weigh, weigh)
