"""python -m campaigns list|park|unpark EXPERIMENT [--environment NAME]: the campaigns of a deployed stack.

`park` deletes them and notes in the data bucket what each served; `unpark` makes them again under the same ARNs, which
takes minutes and trains nothing. Who asks a parked campaign gets ResourceNotFoundException.

Exit codes: 0 done; 1 AWS refused something; 2 there is no such stack, or a run of it is going on, whose campaigns would
be parked with the others; 130 interrupted: the note is kept, and the same command goes on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from contract import naming
from contract.recipes import RECIPES
from costs import prices
from costs.meters import RECOMMENDATIONS, RECOMMENDATIONS_V2
from data_prep import terminal
from data_prep.errors import StackError
from data_prep.publish import BUCKET_OUTPUT, outputs_of
from lambdas import parking
from lambdas.aws import Clients

MACHINE_OUTPUT = "StateMachineArn"
DAY = 86_400
LOOK = 2.0
"""Seconds between two looks at what is being made."""
_WIDTH = 130


class RunGoingOn(Exception):
    """Which one, and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        outputs = outputs_of(naming.stack_name(asked.experiment, asked.environment), BUCKET_OUTPUT, MACHINE_OUTPUT)
        if asked.command == "park":
            _check_no_run(outputs[MACHINE_OUTPUT])
        bucket, prefix = outputs[BUCKET_OUTPUT], naming.prefix(asked.experiment, asked.environment)
        aws = Clients(boto3.client)  # type: ignore[arg-type]
        _COMMANDS[asked.command](prefix, bucket, aws)
    except (StackError, RunGoingOn) as error:
        terminal.complain(error)
        return 2
    except (ClientError, BotoCoreError, ValueError) as error:
        again = "What is parked stays noted: the same command goes on where this one ended"
        terminal.complain(f"{error}. {again}")
        return 1
    except KeyboardInterrupt:
        terminal.note("Interrupted. The same command goes on where this one ended.")
        return 130
    return 0


def _check_no_run(machine: str) -> None:
    states = boto3.client("stepfunctions")
    if running := states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        name = running[0]["name"]
        raise RunGoingOn(f"a run is going on ({name}), and its campaigns would be parked too: wait until it is over")


def _list(prefix: str, bucket: str, aws: Clients) -> None:
    table = Table(title=f"Campaigns of {prefix}", title_justify="left")
    for name in ("campaign", "status", "recipe", "solution version", "provisioned TPS", "US dollars a day"):
        table.add_column(name, overflow="fold", justify="right" if name in {"provisioned TPS"} else "left")
    price_of = _prices(aws.personalize.meta.region_name)
    for listed in parking.ours(prefix, aws):
        campaign = aws.personalize.describe_campaign(campaignArn=listed["campaignArn"])["campaign"]
        recipe, version, tps = _served(parking.as_updated(campaign), aws)
        table.add_row(campaign["name"], campaign["status"], recipe, version, str(tps), price_of(recipe, tps))
    for arn, request in parking.parked(bucket, aws).items():
        recipe, version, tps = _served(request, aws)
        table.add_row(arn.rpartition("/")[2], "parked", recipe, version, str(tps), "0")
    none = "There is no campaign, nor is one parked."
    terminal.console(width=_WIDTH).print(table if table.row_count else none, highlight=False)


def _served(campaign: dict[str, Any], aws: Clients) -> tuple[str, str, int]:
    """Recipe, version, throughput."""
    version = campaign["solutionVersionArn"]
    found = aws.personalize.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
    tps = int(campaign.get("minProvisionedTPS") or 1)
    return found["recipeArn"].rpartition("/")[2], version.partition(":solution/")[2], tps


def _prices(region: str) -> Callable[[str, int], str]:
    """What a campaign of a recipe with a throughput costs a day, asked or not."""
    try:
        table = prices.load(region)
    except prices.NoPrice:
        return lambda recipe, tps: "no price for the region"

    def price_of(recipe: str, tps: int) -> str:
        by_interactions = recipe in RECIPES and RECIPES[recipe].billed_by == "interactions"
        price = table.of[RECOMMENDATIONS_V2 if by_interactions else RECOMMENDATIONS]
        return f"{price.of(tps * DAY):,.2f}"

    return price_of


def _park(prefix: str, bucket: str, aws: Clients) -> None:
    done = parking.park([row["campaignArn"] for row in parking.ours(prefix, aws)], bucket=bucket, aws=aws)
    for arn in done:
        terminal.console(width=_WIDTH).print(f"parked {arn}", highlight=False, soft_wrap=True)
    if not done:
        terminal.console(width=_WIDTH).print("There is no active campaign to park.")


def _unpark(prefix: str, bucket: str, aws: Clients) -> None:
    out, any_of_them = terminal.console(width=_WIDTH), False
    while True:
        active, awaited = parking.unpark(bucket=bucket, aws=aws)
        for arn in active:
            out.print(f"active {arn}", highlight=False, soft_wrap=True)
        any_of_them = any_of_them or bool(active)
        if not awaited:
            break
        time.sleep(LOOK)
    if not any_of_them:
        out.print("Nothing is parked.")


_COMMANDS = {"list": _list, "park": _park, "unpark": _unpark}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m campaigns", description="What the campaigns of a deployed experiment serve; park and unpark."
    )
    parser.add_argument("command", choices=list(_COMMANDS))
    parser.add_argument("experiment", help="its name, as in its YAML file")
    parser.add_argument("--environment", default=naming.DEFAULT_ENVIRONMENT, help="default: %(default)s")
    return parser
