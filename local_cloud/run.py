"""`make run`: one experiment from an empty local cloud to a report, and back to an empty local cloud.

Start both servers, synthesize and bootstrap side by side; deploy; publish the data; run the state machine and follow
it; fetch the report; keep a copy of the engine's state; destroy; prove that nothing is left. Every step is a command
that one would run on AWS, with the variables that point it here.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.text import Text

from local_cloud import cdk, report, runs, services
from local_cloud.errors import CommandError, Leftovers, LocalCloudError, RunFailed
from local_cloud.follow import Ended, Follower
from local_cloud.leftovers import leftovers
from local_cloud.phases import Phases
from local_cloud.processes import Processes
from local_cloud.services import LocalCloud

ROOT = cdk.ROOT
OUT = ROOT / "out"
MACHINE_OUTPUT, BUCKET_OUTPUT = "StateMachineArn", "DataBucketName"
"""Outputs of an experiment's stack."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for."""

    experiment: str
    data: Path | None = None
    out: Path = OUT
    port: int = 0
    """Of the local cloud; 0: any free one."""
    engine_port: int = 0


@dataclass
class Run:
    """One run and all that it knows. `execute` is the whole of it."""

    request: Request
    phases: Phases
    processes: Processes
    work: Path
    run_id: str
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        """Where this experiment's reports go."""
        return self.request.out / self.request.experiment

    def execute(self) -> None:
        """Everything, in order. RunFailed or Leftovers only after the stack was destroyed."""
        phase = self.phases.phase
        command_line = cdk.LocalCdk(self.processes, self.work, self.request.experiment)
        if not cdk.installed():
            with phase("Install the CDK command line"):
                cdk.install()
        with phase("Check the data, synthesize, start the local cloud, bootstrap"):
            cloud = self._start(command_line)
        with phase("Deploy"):
            self.outputs = command_line.deploy(cloud)
        with phase("Publish the data", spinner=False):
            self._publish(cloud)
        with phase("Run the state machine", spinner=False) as running:
            ended = self._run_machine(cloud)
            running.failed = not ended.succeeded
        with phase("Fetch the report, keep the engine's state"):
            fetched = report.fetch(cloud, bucket=self.outputs[BUCKET_OUTPUT], run_id=self.run_id, out=self.out)
            report.fetch_titles(cloud, bucket=self.outputs[BUCKET_OUTPUT], folder=self.out / self.run_id)
            self._keep_state(cloud)
            runs.forget_old_states(self.out)
            if not ended.succeeded:
                self._keep_function_logs(cloud)
        self._show(ended, fetched)
        with phase("Destroy"):
            command_line.destroy(cloud)
        with phase("Look for leftovers"):
            left = leftovers(cloud)
        self.phases.console.print()
        self.phases.console.print(self.phases.table())
        self.phases.save(self.out / self.run_id / "timings.json")
        if left:
            raise Leftovers("The destroyed stack left behind:\n  " + "\n  ".join(left))
        if not ended.succeeded:
            raise RunFailed(_failure(ended))

    def _start(self, command_line: cdk.LocalCdk) -> LocalCloud:
        """All that does not need each other, side by side. Mistakes in experiment and data end the run here."""
        check = self.processes.start(
            "Checking the data",
            self._data_prep(),
            env=services.base_environment(self.work),
            log=self.work / "data.log",
            cwd=ROOT,
        )
        synth = command_line.start_synth()
        cloud = services.start(
            self.processes, self.work, ROOT, port=self.request.port, engine_port=self.request.engine_port
        )
        begin = time.monotonic()
        bootstrap = command_line.start_bootstrap(cloud)
        self.processes.finish(check)
        self.processes.finish(bootstrap)
        self.phases.meanwhile["bootstrap"] = time.monotonic() - begin
        self.processes.finish(synth)
        return cloud

    def _publish(self, cloud: LocalCloud) -> None:
        command = self._data_prep("--stack")
        self.processes.run("Publishing the data", command, env=cloud.environment(), log=None, cwd=ROOT)

    def _data_prep(self, *options: str) -> list[str]:
        data = [] if self.request.data is None else ["--data", str(self.request.data)]
        return [sys.executable, "-m", "data_prep", self.request.experiment, *data, *options]

    def _run_machine(self, cloud: LocalCloud) -> Ended:
        resources = cloud.client("cloudformation").get_paginator("list_stack_resources")
        machines = [
            row["PhysicalResourceId"]
            for page in resources.paginate(StackName=self.request.experiment)
            for row in page["StackResourceSummaries"]
            if row["ResourceType"] == "AWS::StepFunctions::StateMachine"
        ]
        started = cloud.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs[MACHINE_OUTPUT], name=self.run_id, input="{}"
        )
        return Follower(cloud, self.phases, machines).follow(started["executionArn"])

    def _keep_state(self, cloud: LocalCloud) -> None:
        """A copy of the engine's folder, taken while it writes nothing."""
        cloud.engine("/pause", method="POST")
        try:
            unfinished = shutil.ignore_patterns("aside")  # a training that goes on still writes there
            shutil.copytree(cloud.engine_data, self.out / self.run_id / "state", dirs_exist_ok=True, ignore=unfinished)
        finally:
            cloud.engine("/resume", method="POST")

    def _keep_function_logs(self, cloud: LocalCloud) -> None:
        """What the functions printed goes with the stack, so it is saved where a failure will be looked into."""
        logs = cloud.client("logs")
        with (self._logs() / "functions.log").open("w", encoding="utf-8") as file:
            for page in logs.get_paginator("describe_log_groups").paginate():
                for group in page["logGroups"]:
                    name = group["logGroupName"]
                    file.write(f"==== {name}\n")
                    for lines in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                        file.writelines(f"{event['message'].rstrip()}\n" for event in lines["events"])

    def _show(self, ended: Ended, fetched: list[Path]) -> None:
        found = [path for path in fetched if path.suffix == ".json"]
        if found:
            paths = [self.out / path.name for path in fetched]
            report.show(self.phases.console, report.read(found[0]), verdict=ended.output.get("verdict"), paths=paths)

    def _logs(self) -> Path:
        folder = self.out / self.run_id / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def keep_logs(self) -> Path:
        """Copy the servers' and commands' logs out of the run's folder, which goes away; where they are now."""
        folder = self._logs()
        for log in self.work.glob("*.log"):
            shutil.copyfile(log, folder / log.name)
        return folder


def run(request: Request, console: Console) -> int:
    """The whole run; the exit code. Errors of the expected kind are printed, the logs are kept."""
    _check(request)
    now = dt.datetime.now(dt.UTC)
    with _folder() as work, Processes() as processes:
        current = Run(request, Phases(console), processes, work, now.strftime("%Y%m%d-%H%M%S"))
        try:
            current.execute()
        except (LocalCloudError, BotoCoreError, ClientError, OSError) as error:
            said = str(error) if isinstance(error, LocalCloudError) else _unexpected(error, processes)
            console.print(Text(f"\n{said}", style="red"), soft_wrap=True)  # paths stay whole, to be clicked or copied
            console.print(Text(f"The logs are in {current.keep_logs()}"), soft_wrap=True)
            return 1
    return 0


def _unexpected(error: Exception, processes: Processes) -> str:
    """A call that failed: mostly because a server has ended, whose log says why."""
    said = f"The run cannot go on: {type(error).__name__}: {error}"
    for child in processes.children:
        if (code := child.process.poll()) is not None:
            said += f"\n{child.name} has ended (exit code {code}):\n{child.tail()}"
    return said


def _check(request: Request) -> None:
    """What can be known before anything starts."""
    folder = ROOT / "experiments"
    if not (folder / f"{request.experiment}.yaml").is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
        raise CommandError(f"There is no experiment {request.experiment!r} in {folder}. There are: {known}.")
    services.choose_ports(request.port, request.engine_port)
    if request.data is not None and not request.data.is_dir():
        raise CommandError(
            f"The data folder {request.data} does not exist. Give a folder: make run EXPERIMENT=… DATA=path/to/folder"
        )


@contextmanager
def _folder() -> Iterator[Path]:
    """The run's folder, gone at the end."""
    work = Path(tempfile.mkdtemp(prefix="personalize-cdk-"))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _failure(ended: Ended) -> str:
    where = f" in the state “{ended.state}”" if ended.state else ""
    reason = ": ".join(part for part in (ended.error, _message(ended.cause)) if part)
    return f"The state machine ended as {ended.status}{where}: {reason}"


def _message(cause: str | None) -> str | None:
    """A function's error comes as JSON; its message is what one wants to read."""
    try:
        return str(json.loads(cause or "")["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause
