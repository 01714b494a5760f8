"""Known vulnerabilities of everything that is pinned: `make audit`.

    python -m tools.audit

pip-audit reads each requirements*.txt and npm audit reads package-lock.json; both ask for published advisories over the
network. Exit code 1 if a pin has one. Pins that could not be looked up (no network, or an index without advisories)
are counted as SKIPPED: to pip-audit alone they are "no known vulnerabilities".
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud.cdk import node, npm

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = "package-lock.json"
PATIENCE = 600
"""Seconds for one file."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What is known of the pins of one file."""

    pins: int
    unread: int
    """Pins whose advisories could not be read."""
    advisories: tuple[str, ...] = ()
    """A line each."""

    def told(self) -> list[str]:
        """Lines for the reader."""
        lines = [f"VULNERABLE: {advisory}" for advisory in self.advisories]
        if self.unread:
            lines.append(f"SKIPPED {self.unread} of {self.pins} pins: no advisories could be read for them")
        return lines or [f"{self.pins} pins, none with a known vulnerability"]


def of_pip(answer: Mapping[str, Any]) -> Audit:
    """Of pip-audit's JSON."""
    rows = answer["dependencies"]
    return Audit(
        pins=len(rows),
        unread=sum("skip_reason" in row for row in rows),
        advisories=tuple(
            f"{row['name']} {row['version']}: {found['id']}, {_fixed(found['fix_versions'])}"
            for row in rows
            for found in row.get("vulns", ())
        ),
    )


def of_npm(answer: Mapping[str, Any], *, pins: int) -> Audit:
    """Of npm audit's JSON; a package that is only concerned through another one is not told again."""
    if "vulnerabilities" not in answer:
        return Audit(pins=pins, unread=pins)
    return Audit(
        pins=pins,
        unread=0,
        advisories=tuple(
            f"{name} {found['range']}: {found['title']}, {found['severity']} ({found['url']})"
            for name, package in answer["vulnerabilities"].items()
            for found in package["via"]
            if isinstance(found, Mapping)
        ),
    )


def main() -> int:
    """Tells of every file."""
    found: dict[str, Audit] = {path.name: _pip(path) for path in sorted(ROOT.glob("requirements*.txt"))}
    found[PACKAGES] = _npm(ROOT / PACKAGES)
    for name, audit in found.items():
        for line in audit.told():
            print(f"{name}: {line}")
    return 1 if any(audit.advisories for audit in found.values()) else 0


def _pip(requirements: Path) -> Audit:
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--format=json"]
    answer = _answer([*command, "-r", str(requirements)])
    if "dependencies" in answer:
        return of_pip(answer)
    pins = sum("==" in line for line in requirements.read_text().splitlines())
    return Audit(pins=pins, unread=pins)


def _npm(lock: Path) -> Audit:
    packages = [name for name in json.loads(lock.read_text())["packages"] if name]
    return of_npm(_answer([str(node()), str(npm()), "audit", "--package-lock-only", "--json"]), pins=len(packages))


def _answer(command: Sequence[str]) -> dict[str, Any]:
    """{} if it gave none. Both exit with 1 when they found something, so that says nothing of a failure."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _fixed(versions: Sequence[str]) -> str:
    return f"fixed in {', '.join(versions)}" if versions else "no fixed version"


if __name__ == "__main__":
    sys.exit(main())
