"""Another team's app in a local cloud: deployed, its data published, one run, destroyed with nothing left."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import other_app
import pytest
from deployed_stack import QUICK, deployed_stack

from local_cloud import cdk
from local_cloud.leftovers import leftovers


@pytest.mark.slow  # its short form: test_other_app.py
@pytest.mark.skipif(not cdk.installed(), reason="run python -m local_cloud.cdk install")
def test_the_shop_compares_recipes_and_leaves_nothing(tmp_path: Path) -> None:
    app = other_app.build(tmp_path / "app")
    work = tmp_path / "cloud"
    work.mkdir()
    with deployed_stack(work, stack=other_app.STACK, synthesize=app.start_synth) as deployed:
        deployed.experiment, deployed.other_stack = str(app.experiment), True
        # The machine is started as the shop's other jobs start it: by its parameter.
        (parameter,) = [
            row["PhysicalResourceId"]
            for row in deployed.cloud.client("cloudformation").describe_stack_resources(StackName=other_app.STACK)[
                "StackResources"
            ]
            if row["ResourceType"] == "AWS::SSM::Parameter"
        ]
        held = deployed.cloud.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
        deployed.outputs["StateMachineArn"] = held
        deployed.publish()
        ended = deployed.execute(QUICK)
        assert ended["status"] == "SUCCEEDED", ended.get("cause")
        report = deployed.report(ended["name"])
        assert report["recipes"]["aws-popularity-count"]["status"] == "succeeded"
        deployed.destroy()
        assert leftovers(deployed.cloud) == []


@pytest.mark.slow
@pytest.mark.skipif(not cdk.installed(), reason="run python -m local_cloud.cdk install")
def test_two_experiments_in_one_stack_run_and_leave_nothing(tmp_path: Path) -> None:
    app = other_app.build(tmp_path / "app")
    (app.folder / "two.py").write_text(other_app.TWO, encoding="utf-8")
    work = tmp_path / "cloud"
    work.mkdir()
    synthesize = partial(app.start_synth, app="two.py", OPTIONS=json.dumps({"operations": True}))
    with deployed_stack(work, stack=other_app.STACK, synthesize=synthesize) as deployed:
        deployed.other_stack = True
        told = deployed.outputs
        for name in ("Two", "One"):
            file = app.folder / f"{name.lower()}.yaml"
            file.write_text(f"name: {file.stem}\ndata: {{kind: generated}}\nrecipes: [aws-popularity-count]\n")
            deployed.experiment = str(file)
            deployed.outputs = {"DataBucketName": told[f"{name}Data"], "StateMachineArn": told[f"{name}Machine"]}
            deployed.publish()
            ended = deployed.execute(QUICK)
            assert ended["status"] == "SUCCEEDED", ended.get("cause")
        deployed.destroy()
        assert leftovers(deployed.cloud) == []
