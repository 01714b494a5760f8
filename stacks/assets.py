"""What the functions run: one code asset for all of them, and Powertools as a layer of our own.

The asset is rooted at the repository, so that a module has the same name in the cloud, in a test and here. The layer
is copied from the installed, pinned distributions: no Docker, no network, and the same content everywhere.
"""

from __future__ import annotations

import hashlib
import shutil
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("contract", "costs", "evaluation", "lambdas")
"""The packages in the code asset."""
DISTRIBUTIONS = ("aws-lambda-powertools", "jmespath", "typing-extensions")
"""The distributions in the layer: Powertools and what it needs; the runtime brings boto3."""


class Assets(Construct):
    """Code and layer, used by every function of the stack."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.code = lambda_.Code.from_asset(
            str(ROOT),
            exclude=["/*", *(f"!/{package}" for package in SHIPPED), "**/__pycache__"],
            ignore_mode=cdk.IgnoreMode.GIT,
        )
        self.powertools = lambda_.LayerVersion(
            self,
            "Powertools",
            description=f"aws-lambda-powertools {metadata.version('aws-lambda-powertools')}",
            code=lambda_.Code.from_asset(
                str(ROOT / "stacks"),
                asset_hash_type=cdk.AssetHashType.CUSTOM,
                asset_hash=hashlib.sha256("\n".join(_pins()).encode()).hexdigest(),
                bundling=cdk.BundlingOptions(
                    image=cdk.DockerImage.from_registry("not-used"), local=_InstalledDistributions()
                ),
            ),
        )


def _pins() -> list[str]:
    return [f"{name}=={metadata.version(name)}" for name in DISTRIBUTIONS]


@jsii.implements(cdk.ILocalBundling)
class _InstalledDistributions:
    """Copies the distributions' modules and licences; leaves out what an installer adds."""

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        """True: done here; CDK would turn to Docker otherwise."""
        for name in DISTRIBUTIONS:
            distribution = metadata.distribution(name)
            for entry in distribution.files or ():
                if _ships(entry):
                    target = Path(output_dir, "python", *entry.parts)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(str(distribution.locate_file(entry)), target)
        return True


def _ships(entry: PurePosixPath) -> bool:
    if entry.parts[0] == ".." or "__pycache__" in entry.parts:  # scripts; bytecode
        return False
    if entry.parts[0].endswith(".dist-info"):
        return entry.name == "METADATA" or "licenses" in entry.parts
    return True
