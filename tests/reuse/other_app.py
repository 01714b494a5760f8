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

    def run(self, work: Path, outdir: Path, *, app: str = "app.py") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, app]
        environment = self.environment(work, outdir)
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)

    def start_synth(self, command_line: cdk.LocalCdk) -> Child:
        """For `deployed_stack`."""
        environment = {**self.environment(command_line.work, command_line.assembly), "CDK_VALIDATION": "false"}
        log = command_line.work / "synth.log"
        command = [sys.executable, "app.py"]
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
