"""What the stack of an experiment may do: every grant of its template, what needs it, and the page that lists them.

A grant is one action on one resource. It is in the stack because a step of a run fails without it (tests/matrix takes
each one away in a deployed local cloud and looks for the action's name in what fails), or because AWS's documentation
demands what the local cloud does not check (`DOCUMENTED`). A third kind does not stay.
`make permissions` runs the whole matrix and writes docs/permissions.md, and docs/permissions-options.md of what the
options of a stack add.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, PAGE_OF_OPTIONS = DOCS / "permissions.md", DOCS / "permissions-options.md"
EXPERIMENT = "quickstart"

_HASH = r"[0-9A-F]{8}"
_FOLDERS = ("AddedColumns", "Tasks", "Teardown", "Pipeline", "RecipeBranch", "Storage", "Datasets", "Operations")


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
    """A role's policy by name, TRUST, BUCKET, or OTHER."""
    statement: int
    resource: int


TRUST, BUCKET, OTHER = "(trust)", "(bucket policy)", "(key or topic policy)"
_OWN_POLICIES = {
    "AWS::S3::BucketPolicy": ("PolicyDocument", BUCKET),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", OTHER),
    "AWS::KMS::Key": ("KeyPolicy", OTHER),
}
"""{type: (property with the policy, what it is called here)}"""


@dataclass(frozen=True)
class Documented:
    """Grants that stay because AWS demands them where the local cloud does not look."""

    holder: str
    """Regular expressions, as `action` and `principal`."""
    action: str
    why: str
    page: str
    principal: str = r".*"


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
        r"((Tasks|AddedColumns)/\w+|Operations/WatchCampaigns|Teardown/(?!Machine)\w+)/Role",
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
    Documented(
        r".*/Role",
        r"xray:.*",
        "tracing of a function: these actions have no resource; a trace that cannot be sent stops nothing",
        "https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html",
    ),
    Documented(
        r"Tasks/\w+/Role",
        r"events:PutEvents",
        "a task that made or changed something publishes an event; one that cannot be published is logged, and stops"
        " nothing",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html",
    ),
    Documented(
        r"(Schedule|Operations/Hourly/)Role",
        r".*",
        "Amazon EventBridge Scheduler calls its target as this role; the local cloud does not wait for a schedule",
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html",
    ),
    Documented(
        r"EncryptionKey",
        r"kms:\*",
        "the account keeps the right to administer its key: without it nobody could change or delete the key",
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
    ),
    Documented(
        r"EncryptionKey|Storage/Service/Role",
        r"kms:(CreateGrant|Decrypt|DescribeKey|GenerateDataKey|ListGrants)",
        "Amazon Personalize uses the key of the data; the local cloud encrypts nothing, and asks no key's policy",
        "https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-key-access.html",
        principal=r"|personalize\.amazonaws\.com|Storage/Service/Role",
    ),
    Documented(
        r"EncryptionKey",
        r"kms:.*\*",
        "CloudWatch Logs uses the key of the log groups; as above",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        principal=r"logs\..*",
    ),
    Documented(
        r"EncryptionKey",
        r"kms:(Decrypt|GenerateDataKey\*)",
        "alarms and budgets tell the topic, which is encrypted with the key; as above",
        "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
        principal=r"(cloudwatch|budgets)\.amazonaws\.com",
    ),
    Documented(
        r".*/Role",
        r"kms:(Decrypt|GenerateDataKey\*?)",
        "whoever reads or writes an object of an encrypted bucket, or publishes to an encrypted topic; as above",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
    ),
    Documented(
        r"Pipeline/Notifications",
        r"sns:Publish",
        "alarms and budgets tell the topic; the local cloud raises none",
        "https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html",
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
        pairs = ((row.holder, grant.holder), (row.action, grant.action), (row.principal, grant.principal))
        if all(re.fullmatch(pattern, text) for pattern, text in pairs):
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
        elif row["Type"] == "AWS::IAM::Policy":
            for role in properties["Roles"]:
                yield from _allowed(
                    named(role["Ref"]), role["Ref"], properties["PolicyName"], properties["PolicyDocument"]
                )
        elif row["Type"] == "AWS::IAM::ManagedPolicy" or properties.get("ManagedPolicyArns"):
            raise ValueError(f"{logical_id}: {row['Type']} is a form of policy that is not listed here yet")
        elif row["Type"] in _OWN_POLICIES:
            member, document = _OWN_POLICIES[row["Type"]]
            yield from _allowed(_holder(logical_id, properties), logical_id, document, properties[member])


def _holder(logical_id: str, properties: Mapping[str, Any]) -> str:
    """Whose own policy it is."""
    if "Topics" in properties:
        return named(properties["Topics"][0]["Ref"])
    return named(properties["Bucket"]["Ref"] if "Bucket" in properties else logical_id)


def _allowed(holder: str, logical_id: str, document: str, policy: Mapping[str, Any]) -> Iterator[tuple[Grant, Place]]:
    for number, statement in enumerate(policy["Statement"]):
        if statement["Effect"] != "Allow":
            continue
        for action in listed(statement["Action"]):
            for index, resource in enumerate(listed(statement.get("Resource", "this role"))):
                place = Place(logical_id, document, number, index)
                for principal in _principals(statement):
                    yield Grant(holder, action, short(resource), principal), place


def _principals(statement: Mapping[str, Any]) -> list[str]:
    """Whom a statement of a resource's policy lets in; of a role's own, [""]."""
    if "Principal" not in statement:
        return [""]
    texts = [_text(one) for several in statement["Principal"].values() for one in listed(several)]
    where = (("<AWS::Region>", "REGION"), ("<AWS::URLSuffix>", "amazonaws.com"))
    return [short(reduce(lambda text, pair: text.replace(*pair), where, text)) for text in texts]


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
def pages(every: Iterable[Grant], proofs: Mapping[Grant, Proof], *, plain: Collection[Grant]) -> dict[Path, str]:
    """{file: text}: of the grants that a stack without options has, and of the others."""
    ordered = sorted(every)
    return {
        PAGE: page([grant for grant in ordered if grant in plain], proofs, head=_HEAD),
        PAGE_OF_OPTIONS: page([grant for grant in ordered if grant not in plain], proofs, head=_HEAD_OF_OPTIONS),
    }


def page(every: Iterable[Grant], proofs: Mapping[Grant, Proof], *, head: Sequence[str] = ()) -> str:
    """One of them; ValueError if a grant is neither proven nor documented."""
    ordered = sorted(every)
    unfounded = [grant for grant in ordered if grant not in proofs and not documented(grant)]
    if unfounded:
        raise ValueError(f"neither proven nor documented: {unfounded}")
    proven = sum(grant in proofs for grant in ordered)
    lines = [*head, f"**{proven} of {len(ordered)} are proven by removal, {len(ordered) - proven} documented.**", ""]
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
    "leads to the page. What [options](options.md) of a stack add is on [a page of its own](permissions-options.md).",
    "`make permissions` does it all again and writes both; a test fails when a template grants anything that is not",
    "listed.",
    "",
)
_HEAD_OF_OPTIONS = (
    "# What options of the stack add to that",
    "",
    "The grants that a stack has beyond [those of every stack](permissions.md) with `operations`, `park_idle`,",
    "`schedule`, `budget` and `kms_key: new` ([options.md](options.md)), found and written in the same way. The local",
    "cloud encrypts nothing, raises no alarm and records no trace, so what those need is documented, not proven.",
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
            yield f"{number}. {row.why[0].upper()}{row.why[1:]} ({of} grant{'s' if of > 1 else ''}): <{row.page}>"


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
