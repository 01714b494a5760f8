"""docs/faults.md: the fault matrix as it was last tried."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.matrix.fault_rows import CELLS, FAULTS, ROWS, Outcome

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
_WORDS = {"recovers": "recovers", "fails": "tells", "not applicable": "–", "broken": "**does not hold**"}
_LONGEST = 700
_INTRODUCTION = """\
# Faults

For whoever runs the pipeline, or changes a task: what happens when a call fails, hangs, or happens twice. Written by
`make faults` (tests/matrix), which deploys `quickstart` to a local cloud and tries every cell there by an execution.

- **recovers**: the execution succeeds by itself, and its report says what one without the fault says.
- **tells**: the execution ends as failed; the message below names what failed, why, and what to do. After that an
  execution with the same input, without the fault, succeeded.
- **–**: cannot happen; the reasons are below.

In every cell the calls that are billed are counted: an import, a training or a campaign that is made again for the
same inputs counts as a duplicate, unless the one before failed (or, a campaign, was deleted).

| fault | what is done |
| --- | --- |
| throttled | each of the function's calls is refused for its rate, more often than the SDK tries it |
| internal error | each is answered by a failure of the service, more often than the SDK tries it; the first was done |
| time-out | what changes something is done, and Lambda's time-out comes before the answer |
| access denied | what changes something is denied, until the execution has ended |
| resource already exists | what makes something is done, and answered as if it had been there |
| resource in CREATE FAILED | what is made goes to CREATE FAILED; for what deletes: it is there in that status |
| slow | the answer comes later than the SDK waits, so that it asks again while the first call is done |
| event delivered twice | every event comes three times: twice at once, and once more afterwards |
| process killed | the function's process gets SIGKILL after its call was done and before the answer |
"""


def page(outcomes: Sequence[Outcome], minutes: float) -> str:
    """The whole page."""
    return "\n".join(
        [_INTRODUCTION, *_result(outcomes, minutes), "", *_table(outcomes), *_messages(outcomes), *_not(outcomes)]
    )


def functions_and_faults(text: str) -> tuple[list[str], list[str]]:
    """What the page's matrix is of."""
    header = re.search(r"^\| function \|(.*)\|$", text, flags=re.MULTILINE)
    assert header, "the page has no matrix"
    rows = re.findall(r"^\| `(\w+)` \|", text[header.end() :].split("\n\n", maxsplit=1)[0], flags=re.MULTILINE)
    return rows, [name.strip() for name in header[1].split("|")]


def _result(outcomes: Sequence[Outcome], minutes: float) -> Iterator[str]:
    tried = [row for row in outcomes if row.how != "not applicable"]
    held = [row for row in tried if row.how != "broken"]
    by_itself = sum(row.how == "recovers" for row in held)
    yield "## The matrix"
    yield ""
    never = len(outcomes) - len(tried)
    yield f"{len(ROWS)} functions, {len(FAULTS)} faults, {len(outcomes)} cells: {never} cannot happen."
    yield f"Of the other {len(tried)}, {len(held)} hold: {by_itself} recover, {len(held) - by_itself} tell."
    yield f"Billed calls made twice: {sum(row.duplicates for row in outcomes)}."
    yield f"It took {minutes:.0f} minutes on two cores."


def _table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    found = {(row.cell.function, row.cell.fault): row for row in outcomes}
    yield f"| function | {' | '.join(FAULTS.values())} |"
    yield f"| --- |{' --- |' * len(FAULTS)}"
    for function in sorted(ROWS):
        cells = (_WORDS[found[function, fault].how] for fault in FAULTS)
        yield f"| `{function}` | {' | '.join(cells)} |"


def _messages(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield from ("", "## What is told", "", "| function | fault | message |", "| --- | --- | --- |")
    for row in sorted(outcomes, key=lambda row: row.cell.function):
        if row.how in {"fails", "broken"}:
            yield f"| `{row.cell.function}` | {FAULTS[row.cell.fault]} | {_readable(row.told)} |"


def _readable(told: str) -> str:
    """Without what is different each time: run ids, digests and what CloudFormation appends to names."""
    told = re.sub(r"[0-9A-F]{8}-[0-9A-F]{8,}\b|(?<=-)[0-9a-f]{8,}\b|(?<=/)[0-9a-f]{8}\b", "…", told)
    told = re.sub(r"\brun-\d+", "run-…", told).replace("|", "/")
    return told if len(told) <= _LONGEST else f"{told[:_LONGEST]} …"


def _not(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield from ("", "## What cannot happen", "")
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in outcomes:
        if row.how == "not applicable":
            reasons.setdefault((row.cell.fault, row.told), []).append(row.cell.function)
    for (fault, reason), functions in sorted(reasons.items()):
        names = ", ".join(f"`{name}`" for name in sorted(functions))
        yield f"- {FAULTS[fault]}, {names} ({len(functions)}): {reason}."
    yield ""


assert len(CELLS) == len(ROWS) * len(FAULTS)
