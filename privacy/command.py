"""python -m privacy forget USER_ID --experiment NAME [--stack] [--out DIR] [--yes]: takes one user out of everything.

Without --yes it shows what it would do and changes nothing.

Exit codes: 0 done, or shown; 1 something still names the user; 2 nobody of that name, or it cannot be done (now);
130 interrupted: the same command goes on where this one ended.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from contract.naming import DEFAULT_ENVIRONMENT, stack_name
from data_prep import publish, terminal
from data_prep.errors import PrepareError
from experiments.load import ConfigError, find
from privacy import inventory
from privacy.errors import PrivacyError, UnknownUser
from privacy.inventory import Traces
from privacy.places import Bucket, Folder
from privacy.published import Moved
from privacy.service import Deployed

GROUP, ROLE, MACHINE = "DatasetGroupArn", "ServiceRoleArn", "StateMachineArn"
"""Outputs of an experiment's stack."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if not (asked.stack or asked.out):
        parser.error("say where: --stack, --out DIR, or both")
    try:
        return _forget(asked, Console(highlight=False, soft_wrap=True))
    except (ConfigError, PrepareError, PrivacyError, OSError, BotoCoreError, ClientError) as error:
        terminal.complain(error)
        return 2
    except KeyboardInterrupt:
        terminal.note("Interrupted: give the same command again to finish.")
        return 130


def _forget(asked: argparse.Namespace, console: Console) -> int:
    user, (experiment, _) = asked.user, find(asked.experiment)
    deployed = _deployed(stack_name(experiment.name, asked.environment)) if asked.stack else None
    folder = _folder(asked.out, experiment.name) if asked.out else None
    if deployed:
        deployed.refuse_while_running()
    in_bucket = inventory.look(deployed.bucket, user) if deployed else None
    in_folder = inventory.look(folder, user) if folder else None
    found = [traces for traces in (in_bucket, in_folder) if traces]
    if not (any(traces.known for traces in found) or asked.unknown):
        raise UnknownUser(_nobody(user, found, deployed))
    _show(user, found, deployed, console, planned=not asked.yes)
    if not asked.yes:
        console.print("\nNothing is changed yet: give the same command with --yes.")
        _say_what_stays(user, found, deployed, None, console)
        return 0
    moved = None
    for traces in found:
        job = _begin_deletion(deployed, traces) if deployed and traces is in_bucket else None
        moved = inventory.carry_out(traces, logs=asked.logs) or moved
        if deployed and job:
            console.print(
                f"Waiting for Amazon Personalize (it may take a day; after Ctrl-C give the command again): {job}"
            )
            console.print(f"  {deployed.wait_for_deletion(job)} rows deleted there")
        inventory.finish(traces)
    if deployed and asked.delete_solutions:
        console.print(f"  {deployed.delete_solutions()} solutions deleted, with their versions and campaigns")
    if deployed and asked.logs:
        streams = deployed.log_streams(user)
        deployed.delete_log_streams(streams)
        console.print(f"  {len(streams)} log streams deleted")
    found, left = _again(found)
    for name in left:
        console.print(f"[bold red]still there:[/] {escape(name)}")
    console.print("Something still names the user." if left else f"\n{escape(user)} is forgotten.")
    _say_what_stays(user, found, deployed, moved, console)
    return 1 if left else 0


def _begin_deletion(deployed: Deployed, traces: Traces) -> str:
    """ARN of the job. Its list is written before anything is taken out: it is what a repeated call finds."""
    for key in traces.lists:
        if going_on := deployed.deletion_of(key):
            return going_on
    users = traces.probes.union(*traces.lists.values()) - {traces.user}
    return deployed.start_deletion(deployed.write_list([traces.user, *sorted(users)]))


def _again(found: Sequence[Traces]) -> tuple[list[Traces], list[str]]:
    """What a second look finds, and a line for each trace of the user in it."""
    again = [inventory.look(traces.place, traces.user) for traces in found]
    return again, [f"{traces.place.name}: {line}" for traces in again for line in traces.summary()]


# --------------------------------------------------------------------------------------------------------- what is said
def _show(
    user: str,
    found: Sequence[Traces],
    deployed: Deployed | None,
    console: Console,
    *,
    planned: bool,
) -> None:
    console.print(f"{'To forget' if planned else 'Forgetting'} {escape(user)}:")
    for traces in found:
        console.print(f"{escape(traces.place.name)}")
        for line in traces.summary() or ["nothing names the user"]:
            console.print(f"  {escape(line)}")
    if deployed:
        console.print("Amazon Personalize")
        console.print(f"  a data deletion job in {deployed.group_arn}")
        probes = sum(len(traces.probes) for traces in found)
        if probes:
            console.print(f"  with {probes} made-up users that replay this one's events")


def _say_what_stays(
    user: str, found: Sequence[Traces], deployed: Deployed | None, moved: Moved | None, console: Console
) -> None:
    console.print("\nWhat this does not do:")
    console.print(
        "  The source of the data is yours: remove the user there, or the next `python -m data_prep` brings them back."
    )
    for traces in found:
        name = escape(traces.place.name)
        for key in traces.sources:
            console.print(f"  A source, too: {name}/{escape(key)}")
        for key in traces.others:
            console.print(f"  Not this project's, and it has the id as a word: {name}/{escape(key)}")
        for key, count in traces.logs.items():
            console.print(f"  {count} lines of {name}/{escape(key)} have the id as a word: look, or give --logs")
    for group, stream in deployed.log_streams(user) if deployed else ():
        console.print(f"  Lines of the log {group} {escape(stream)} have the id as a word: look, or give --logs")
    if moved and moved.too_few:
        console.print("  Too few interactions are left to be imported: publish more before the next run.")
    versions = deployed.versions() if deployed else []
    if versions:
        console.print(
            f"  {len(versions)} solution versions were trained with the user among others. Start the state machine: the"
            " data are new, so it trains anew. --delete-solutions deletes the old ones with their campaigns:"
        )
    for arn in versions:
        console.print(f"    {arn}")


def _nobody(user: str, found: Sequence[Traces], deployed: Deployed | None) -> str:
    where = " and ".join(
        f"{traces.place.name}" + ("" if traces.manifest or isinstance(traces.place, Folder) else " (no data there yet)")
        for traces in found
    )
    said = f"nothing names the user {user!r} in {where}: write the id as in the column USER_ID"
    if deployed:
        said += (
            ". If only events of your application know the user, --unknown starts the deletion in Amazon Personalize"
            " all the same"
        )
    return said


# ---------------------------------------------------------------------------------------------------------------- where
def _deployed(stack: str) -> Deployed:
    outputs = publish.outputs_of(stack, publish.BUCKET_OUTPUT, GROUP, ROLE, MACHINE)
    return Deployed(
        stack=stack,
        bucket=Bucket(outputs[publish.BUCKET_OUTPUT], _client("s3")),
        group_arn=outputs[GROUP],
        role_arn=outputs[ROLE],
        machine_arn=outputs[MACHINE],
        client=_client,
    )


def _client(service: str) -> Any:
    config = publish.addressing() if service == "s3" else Config()
    patient = Config(retries={"mode": "standard", "max_attempts": 8})
    return boto3.client(service, config=config.merge(patient))  # type: ignore[call-overload]


def _folder(root: Path, experiment: str) -> Folder:
    if not root.is_dir():
        raise PrivacyError(f"there is no folder {root}: give the one that `make run` or `data_prep --out` wrote into")
    return Folder(root, (f"{experiment}/", "data/"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m privacy", description="For who must answer a deletion request.")
    commands = parser.add_subparsers(dest="command", required=True)
    forget = commands.add_parser("forget", help="take one user out of all that an experiment keeps")
    forget.add_argument("user", help="the id as in the column USER_ID")
    forget.add_argument(
        "--experiment", required=True, help="name of a file in experiments/, or the path of a YAML file"
    )
    forget.add_argument("--stack", action="store_true", help="in the experiment's deployed stack and in Personalize")
    forget.add_argument("--out", type=Path, metavar="DIR", help="in what runs on this machine left (`out`)")
    forget.add_argument("--yes", action="store_true", help="do it; without this, only show what would be done")
    forget.add_argument("--unknown", action="store_true", help="start the deletion even if no file names the user")
    forget.add_argument(
        "--delete-solutions", action="store_true", help="also delete all solutions that were trained before"
    )
    forget.add_argument(
        "--logs",
        action="store_true",
        help="also delete lines of logs (in the stack: log streams) with the id as a word",
    )
    forget.add_argument(
        "-c",
        dest="environment",
        type=_environment,
        default=f"env={DEFAULT_ENVIRONMENT}",
        metavar="env=NAME",
        help=f"the environment that the stack was deployed for, as for cdk (env={DEFAULT_ENVIRONMENT})",
    )
    return parser


def _environment(text: str) -> str:
    name, _, value = text.partition("=")
    if name != "env" or not value:
        raise argparse.ArgumentTypeError(f"{text!r}: write env=NAME")
    return value
