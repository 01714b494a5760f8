"""What others know of templates and state machines: cfn-lint and asl-validator, run as their commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from synth_app import ROOT, Template, text_of

from local_cloud import cdk

ACCEPTED = {"W3005": "a dependency that a reference implies already: CDK writes those of a whole construct"}
"""cfn-lint's rules that are not asked, each with the reason."""


def cfn_lint(templates: Iterable[Path], *, regions: Iterable[str] = ("us-east-1",)) -> str:
    """Findings in any of the templates, were they deployed to each of the regions."""
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--ignore-checks", *ACCEPTED, "--regions", *regions]
    return _findings([*command, "--", *map(str, templates)])


def asl_validator(templates: Iterable[Template], folder: Path) -> str:
    """Findings in any state machine of the templates; the folder is for the definitions.

    The local cloud is lenient where Step Functions refuses a definition: a path, a field, a state nobody reaches.
    """
    definitions = set()
    for template in templates:
        for machine in template.of_type("AWS::StepFunctions::StateMachine").values():
            definitions.add(_with_arns(text_of(machine["Properties"]["DefinitionString"])))
    files = [folder / f"{number}.asl.json" for number in range(len(definitions))]
    for file, definition in zip(files, sorted(definitions), strict=True):
        file.write_text(json.dumps(json.loads(definition)), encoding="utf-8")
    script = ROOT / "node_modules" / "asl-validator" / "dist" / "bin" / "asl-validator.js"
    paths = [argument for file in files for argument in ("--json-path", str(file))]
    return _findings([str(cdk.node()), str(script), *paths]) if files else "there is no state machine"


def _findings(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return f"exit code {done.returncode}\n{done.stdout}{done.stderr}" if done.returncode else ""


def _with_arns(definition: str) -> str:
    """Tokens as what they become: ARNs have to look like ones."""
    definition = definition.replace("<AWS::Partition>", "aws")
    return re.sub(r"<(\w+)\.Arn>", r"arn:aws:lambda:us-east-1:111122223333:function:\1", definition)
