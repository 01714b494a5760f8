"""The example in examples/shop as its team has it: a folder somewhere else, and our wheel instead of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from local_cloud import cdk, services
from local_cloud.processes import Child

ROOT = Path(__file__).resolve().parents[2]
STACK = "Shop"
TWO = """
import json
import os
import aws_cdk as cdk
from aws_cdk import aws_iam as iam, aws_logs as logs
from cdk_nag import AwsSolutionsChecks
from personalize_cdk import Experiment, PersonalizeExperiment

app = cdk.App(outdir=os.environ["CDK_OUTDIR"])
stack = cdk.Stack(app, "Shop")
cdk.Tags.of(app).add("company", "shop")
iam.Role(stack, "TheirRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
logs.LogGroup(stack, "TheirLogs", removal_policy=cdk.RemovalPolicy.DESTROY)
given = {"data": {"kind": "generated"}, "recipes": ["aws-popularity-count"]}
options = json.loads(os.environ["OPTIONS"])
first, second = {**given, "name": "one", "stack": options}, {**given, "name": "two"}
one = PersonalizeExperiment(stack, "One", experiment=Experiment.model_validate(first))
two = PersonalizeExperiment(stack, "Two", experiment=Experiment.model_validate(second), environment="prod")
for made in (one, two):
    for name, value in {
        "Data": made.data_bucket.bucket_name,
        "Logs": made.log_bucket.bucket_name,
        "Role": made.service_role.role_arn,
        "Machine": made.state_machine.state_machine_arn,
        "CleanUp": made.clean_up_machine.state_machine_arn,
        "Topic": made.topic.topic_arn,
        "Group": made.dataset_group_arn,
        "Interactions": made.dataset_arns["Interactions"],
        "Campaigns": made.campaign_arns,
    }.items():
        cdk.CfnOutput(stack, f"{made.node.id}{name}", value=value)
assert one.tracking_id is one.prepare_job_name is None and not one.filter_arns
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
app.synth()
"""
"""Two experiments in one stack, one with options, beside resources of the team's own."""


@dataclass(frozen=True)
class OtherApp:
    """The team's folder, and where the wheel is unpacked. Other dependencies come from the tests' environment."""

    folder: Path
    packages: Path

    @property
    def experiment(self) -> Path:
        return self.folder / "shop.yaml"

    def environment(self, work: Path, outdir: Path) -> dict[str, str]:
        return {
            **services.base_environment(work),
            "PYTHONPATH": str(self.packages),
            "CDK_OUTDIR": str(outdir),
            "JSII_NODE": str(cdk.node()),
        }

    def run(
        self, work: Path, outdir: Path, *, app: str = "app.py", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, app]
        environment = self.environment(work, outdir) | variables
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)

    def start_synth(self, command_line: cdk.LocalCdk, *, app: str = "app.py", **variables: str) -> Child:
        """For `deployed_stack`."""
        environment = {**self.environment(command_line.work, command_line.assembly), "CDK_VALIDATION": "false"}
        environment |= variables
        log = command_line.work / "synth.log"
        command = [sys.executable, app]
        return command_line.processes.start("Synthesizing", command, env=environment, log=log, cwd=self.folder)


def build(work: Path) -> OtherApp:
    """The wheel built without an index, unpacked as an installer does."""
    folder, packages, wheels = work / "shop", work / "site-packages", work / "wheels"
    shutil.copytree(ROOT / "examples" / "shop", folder, ignore=shutil.ignore_patterns("cdk.out", "__pycache__"))
    command = [str(Path(sys.executable).parent / "uv"), "build", "--wheel", "--offline", "--quiet"]
    cache = {"UV_CACHE_DIR": str(work / "uv-cache")}
    subprocess.run([*command, "--out-dir", str(wheels), str(ROOT)], check=True, env={**os.environ, **cache})
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(packages)
    return OtherApp(folder, packages)
