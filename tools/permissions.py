"""What the stack of an experiment may do: every grant of its template, what needs it, and the page that lists them.

A grant is one action on one resource. It is in the stack because a step of a run fails without it (tests/matrix takes
each one away in a deployed local cloud and looks for the action's name in what fails), or because AWS's documentation
demands what the local cloud does not check (`DOCUMENTED`). A third kind does not stay.
`make permissions` runs the whole matrix and writes docs/permissions.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "permissions.md"
EXPERIMENT = "quickstart"

_HASH = r"[0-9A-F]{8}"
_FOLDERS = ("AddedColumns", "Tasks", "Teardown", "Pipeline", "RecipeBranch", "Storage", "Datasets")


@dataclass(frozen=True, order=True)
class Grant:
    """One action on one resource, as a reader of the page sees it."""

    holder: str
    """Who may: a role, or the resource whose own policy it is; as the constructs are called, e.g. Tasks/Ask/Role."""
    action: str
    resource: str
    principal: str = ""
    """Of a resource's policy and of a role's trust: whom it lets in."""


@dataclass(frozen=True)
class Place:
    """Where the template has it."""

    logical_id: str
    document: str
    """A role's policy by name, TRUST, or BUCKET."""
    statement: int
    resource: int


TRUST, BUCKET = "(trust)", "(bucket policy)"


@dataclass(frozen=True)
class Documented:
    """Grants that stay because AWS demands them where the local cloud does not look."""

    holder: str
    """Regular expressions, both."""
    action: str
    why: str
    page: str


DOCUMENTED = (
    Documented(
        r".*/(Main|Training|Machine)/Role",
        r"logs:.*",
        "log delivery of a state machine: these actions have no resource, and write the log group's own policy",
        "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html",
    ),
    Documented(
        r".*/(Main|Training|Machine)/Role",
        r"xray:.*",
        "tracing of a state machine: these actions have no resource",
        "https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html",
    ),
    Documented(
        r"Storage/Logs",
        r"s3:PutObject",
        "access logs are written by Amazon S3 itself, some hours later; the local cloud writes none",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html",
    ),
    Documented(
        r"((Tasks|AddedColumns)/\w+|Teardown/(?!Machine)\w+)/Role",
        r"sts:AssumeRole",
        "Lambda runs the function as this role; the local cloud does not look at the trust of a function's role",
        "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
    ),
    Documented(
        r"Tasks/CheckData/Role",
        r"personalize:DescribeRecipe",
        "asked on AWS alone, where a recipe may have been retired since",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonpersonalize.html",
    ),
)


@dataclass(frozen=True)
class Proof:
    """What failed when the grant was taken away."""

    scenario: str
    message: str


def documented(grant: Grant) -> Documented | None:
    """The exception that the grant falls under."""
    for row in DOCUMENTED:
        if re.fullmatch(row.holder, grant.holder) and re.fullmatch(row.action, grant.action):
            return row
    return None


def grants(template: Mapping[str, Any]) -> dict[Grant, Place]:
    """Everything that a synthesized template allows; a Deny allows nothing and is not listed."""
    return dict(_grants(template["Resources"]))


def _grants(resources: Mapping[str, Any]) -> Iterator[tuple[Grant, Place]]:
    for logical_id, row in resources.items():
        properties = row["Properties"]
        if row["Type"] == "AWS::IAM::Role":
            holder = named(logical_id)
            for policy in properties.get("Policies", []):
                yield from _allowed(holder, logical_id, policy["PolicyName"], policy["PolicyDocument"])
            yield from _allowed(holder, logical_id, TRUST, properties["AssumeRolePolicyDocument"])
        elif row["Type"] in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"} or properties.get("ManagedPolicyArns"):
            raise ValueError(f"{logical_id}: {row['Type']} is a form of policy that is not listed here yet")
        elif row["Type"] == "AWS::S3::BucketPolicy":
            holder = named(properties["Bucket"]["Ref"])
            yield from _allowed(holder, logical_id, BUCKET, properties["PolicyDocument"])


def _allowed(holder: str, logical_id: str, document: str, policy: Mapping[str, Any]) -> Iterator[tuple[Grant, Place]]:
    for number, statement in enumerate(policy["Statement"]):
        if statement["Effect"] != "Allow":
            continue
        principal = "" if "Principal" not in statement else str(next(iter(statement["Principal"].values())))
        for action in listed(statement["Action"]):
            for index, resource in enumerate(listed(statement.get("Resource", "this role"))):
                place = Place(logical_id, document, number, index)
                yield Grant(holder, action, short(resource), principal), place


def listed(value: Any) -> list[Any]:
    """A policy's member that may be one value or several."""
    return value if isinstance(value, list) else [value]


def named(logical_id: str) -> str:
    """The construct's path, out of the logical id that CDK makes of it: TasksAskRole1A2B3C4D is Tasks/Ask/Role."""
    words = re.sub(rf"{_HASH}$", "", logical_id)
    for folder in _FOLDERS:
        if words.startswith(folder) and words != folder:
            rest = words.removeprefix(folder)
            inner = re.fullmatch(r"(.+)(Role|Logs|Function|Policy)", rest)
            return "/".join([folder, *(inner.groups() if inner else [rest])])
    return words


def short(resource: Any) -> str:
    """A resource without what every ARN repeats: `solution/quickstart-…-*`, `Storage/Data/data/*`."""
    text = re.sub(r"<AWS::\w+>", "", _text(resource))
    text = re.sub(r"^arn:[^:<]*:[a-z0-9-]+:[^:<]*:[^:<]*:", "", text)
    return re.sub(rf"<(\w+{_HASH})(\.\w+)?>", lambda found: named(found[1]), text)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return f"<{value['Ref']}>"
    if "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(_text(part) for part in parts)
    raise ValueError(f"a resource of a policy is made in a way that is not read here: {value}")


# ------------------------------------------------------------------------------------------------------------ the page
def page(every: Iterable[Grant], proofs: Mapping[Grant, Proof]) -> str:
    """The page; ValueError if a grant is neither proven nor documented."""
    ordered = sorted(every)
    unfounded = [grant for grant in ordered if grant not in proofs and not documented(grant)]
    if unfounded:
        raise ValueError(f"neither proven nor documented: {unfounded}")
    proven = sum(grant in proofs for grant in ordered)
    lines = [*_HEAD, f"**{proven} of {len(ordered)} are proven by removal, {len(ordered) - proven} documented.**", ""]
    for holder, rows in groupby(ordered, key=lambda grant: grant.holder):
        lines += _section(holder, list(rows), proofs)
    return "\n".join([*lines, *_exceptions(ordered, proofs)]) + "\n"


_HEAD = (
    "# What the stack may do, and why",
    "",
    "For whoever has to allow the deployment: every grant of the stack of `quickstart` (one action on one resource),",
    "role by role, with those that a stack needs whose datasets get new columns (`added: true`; in others the roles",
    "`AddedColumns/…` and `Tasks/AddColumns/Role` do not exist). Most grants were *proven by removal*: with that one",
    "grant taken away in a deployed local cloud, the step named here fails and its message names the action. The",
    "others stay because AWS's documentation demands them where the local cloud does not look; they have a number that",
    "leads to the page. `make permissions` does it all again and writes this page; a test fails when the template",
    "grants anything that is not listed here.",
    "",
)


def _section(holder: str, rows: Sequence[Grant], proofs: Mapping[Grant, Proof]) -> Iterator[str]:
    done = sum(grant in proofs for grant in rows)
    yield f"## {holder}"
    yield ""
    yield f"{done} of {len(rows)} proven."
    yield ""
    yield "| action | on | what fails without it | it says |"
    yield "| --- | --- | --- | --- |"
    for grant in rows:
        whom = f" (lets in {grant.principal})" if grant.principal else ""
        proof, exception = proofs.get(grant), documented(grant)
        if proof:
            why = f"{proof.scenario} | {_cell(proof.message)}"
        else:
            assert exception
            why = f"documented ({DOCUMENTED.index(exception) + 1}) | "
        yield f"| `{grant.action}` | `{_cell(grant.resource)}`{whom} | {why} |"
    yield ""


def _exceptions(rows: Sequence[Grant], proofs: Mapping[Grant, Proof]) -> Iterator[str]:
    yield "## Kept by the documentation"
    yield ""
    for number, row in enumerate(DOCUMENTED, start=1):
        of = sum(grant not in proofs and documented(grant) is row for grant in rows)
        if of:
            yield f"{number}. {row.why[0].upper()}{row.why[1:]} ({of} grants): <{row.page}>"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


_ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)`(?: \(lets in ([^)]+)\))? \| ([^|]+) \| (.*) ?\|$")


def read(text: str) -> dict[Grant, Proof | None]:
    """What a page lists; None: kept by the documentation."""
    found: dict[Grant, Proof | None] = {}
    holder = ""
    for line in text.splitlines():
        if line.startswith("## "):
            holder = line.removeprefix("## ")
        if row := _ROW.match(line):
            action, resource, principal, scenario, message = row.groups()
            grant = Grant(holder, action, resource, principal or "")
            found[grant] = None if scenario.startswith("documented") else Proof(scenario, message.strip())
    return found
