"""What is told of the pins: advisories, and those that nobody could look up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools import audit
from tools.audit import Audit, main, of_npm, of_pip

CLEAN = {"name": "jinja2", "version": "3.1.6", "vulns": []}
UNREAD = {"name": "torch", "skip_reason": "Dependency not found on PyPI and could not be audited: torch (2.13.0)"}
FOUND = {
    "name": "urllib3",
    "version": "1.0",
    "vulns": [{"id": "GHSA-xxxx", "fix_versions": ["2.5.0"]}, {"id": "PYSEC-1", "fix_versions": []}],
}
THROUGH = {
    "semver": {"via": [{"title": "ReDoS", "severity": "high", "range": "<7.5.2", "url": "https://example.org/1"}]},
    "aws-cdk": {"via": ["semver"]},
}


def test_a_pin_that_could_not_be_looked_up_is_not_a_clean_one() -> None:
    found = of_pip({"dependencies": [CLEAN, UNREAD]})
    assert (found.pins, found.unread, found.advisories) == (2, 1, ())
    assert found.told() == ["SKIPPED 1 of 2 pins: no advisories could be read for them"]


def test_every_advisory_of_a_pin_is_told_with_its_remedy() -> None:
    told = of_pip({"dependencies": [CLEAN, FOUND]}).told()
    assert told == [
        "VULNERABLE: urllib3 1.0: GHSA-xxxx, fixed in 2.5.0",
        "VULNERABLE: urllib3 1.0: PYSEC-1, no fixed version",
    ]


def test_a_package_concerned_through_another_is_not_told_twice() -> None:
    found = of_npm({"vulnerabilities": THROUGH}, pins=40)
    assert found.advisories == ("semver <7.5.2: ReDoS, high (https://example.org/1)",)


def test_an_endpoint_that_refuses_leaves_all_packages_unread() -> None:
    assert of_npm({"message": "405 Method Not Allowed"}, pins=40) == Audit(pins=40, unread=40)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"dependencies": [CLEAN], "vulnerabilities": {}}, 0, "none with a known vulnerability"),
        ({"dependencies": [FOUND], "vulnerabilities": {}}, 1, "VULNERABLE: urllib3 1.0"),
        ({"dependencies": [CLEAN], "vulnerabilities": THROUGH}, 1, "VULNERABLE: semver"),
        ({}, 0, "SKIPPED"),
    ],
)
def test_only_an_advisory_fails(
    answer: dict[str, Any],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "_answer", lambda command: answer)
    assert main() == code
    lines = capsys.readouterr().out.splitlines()
    files = {path.name for path in Path(audit.ROOT).glob("requirements*.txt")} | {"package-lock.json"}
    assert {line.split(":")[0] for line in lines} == files
    assert any(said in line for line in lines)
