"""Destroying an experiment leaves its neighbour alone, even one whose name begins with the destroyed one's name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contract import naming
from local_cloud import cdk, services
from local_cloud.leftovers import leftovers
from local_cloud.processes import Processes
from local_cloud.services import LocalCloud

ROOT = Path(__file__).resolve().parents[2]
OURS, NEIGHBOUR = "near", "near-by"
SYNTHESIZE = f"""
import json, sys
from pathlib import Path
import app as entry
entry.use_node_of_the_wheel()
import aws_cdk
from experiments.config import Experiment
from stacks.application import compose
data = {{"kind": "generated"}}
made = [Experiment(name=name, data=data, recipes=["aws-popularity-count"]) for name in {(OURS, NEIGHBOUR)!r}]
context = json.loads(Path("cdk.json").read_text())["context"]
compose(aws_cdk.App(context=context, outdir=sys.argv[1]), made).synth()
"""


def _as_a_run_leaves_it(cloud: LocalCloud, experiment: str, outputs: dict[str, str]) -> tuple[str, str]:
    """A solution, named as the pipeline names it, and an object in the bucket: the ARN, and the bucket's name."""
    prefix = naming.prefix(experiment)
    personalize, bucket = cloud.client("personalize"), outputs["DataBucketName"]
    group = outputs["DatasetGroupArn"]
    recipe = "arn:aws:personalize:::recipe/aws-popularity-count"
    solution = personalize.create_solution(
        name=naming.name(prefix, "popularity-count", {}),
        datasetGroupArn=group,
        recipeArn=recipe,
        performAutoTraining=False,
    )
    cloud.client("s3").put_object(Bucket=bucket, Key="runs/r/plan.json", Body=b"{}")
    return solution["solutionArn"], bucket


@pytest.mark.skipif(not cdk.installed(), reason="run python -m local_cloud.cdk install")
def test_a_neighbour_whose_name_extends_ours_is_untouched(tmp_path: Path) -> None:
    with Processes() as processes:
        ours, neighbour = (cdk.LocalCdk(processes, tmp_path, name) for name in (OURS, NEIGHBOUR))
        subprocess.run(
            [sys.executable, "-c", SYNTHESIZE, str(ours.assembly)],
            cwd=ROOT,
            check=True,
            env=services.base_environment(tmp_path),
        )
        cloud = services.start(processes, tmp_path, ROOT)
        processes.finish(ours.start_bootstrap(cloud))
        made: dict[str, Any] = {}
        for command_line in (ours, neighbour):
            outputs = command_line.deploy(cloud)
            made[command_line.experiment] = _as_a_run_leaves_it(cloud, command_line.experiment, outputs)
        both = set(leftovers(cloud))
        ours.destroy(cloud)
        kept = set(leftovers(cloud))
        gone = {entry for entry in both if OURS in entry and NEIGHBOUR not in entry}
        assert gone
        assert kept == both - gone
        solution, bucket = made[NEIGHBOUR]
        assert cloud.client("personalize").describe_solution(solutionArn=solution)["solution"]["status"] == "ACTIVE"
        assert cloud.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 1
        neighbour.destroy(cloud)
        assert leftovers(cloud) == []
