"""The JSON Schema of an experiment, by which editors complete and check the YAML: `python -m experiments.schema`.

A file says where it is in its first line: `# yaml-language-server: $schema=experiment.schema.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

from experiments.config import Experiment

FILE = Path(__file__).with_name("experiment.schema.json")


def text() -> str:
    """The schema as it lies in the repository."""
    made = Experiment.model_json_schema(by_alias=True)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **made}, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
