"""The Glue job of `spark_job:`: off by default, least privilege, bounded, and complete."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from combinations import with_spark
from synth_app import MINIMAL, ROOT, Template, synthesize, text_of

from stacks.spark_job import PACKAGES, pins

GLUE = "AWS::Glue::"


@pytest.fixture(scope="module")
def outdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("large")


@pytest.fixture(scope="module")
def template(outdir: Path) -> Template:
    """Synthesized with cdk-nag, which raises if it finds anything."""
    large = with_spark(MINIMAL) | {"name": "large"}
    return synthesize(outdir, large)["large"]


def _job(template: Template) -> dict[str, Any]:
    (job,) = template.of_type(f"{GLUE}Job").values()
    found: dict[str, Any] = text_of(job["Properties"])
    return found


def test_there_is_none_unless_asked_for(everything: Template, minimal: Template) -> None:
    for template in (everything, minimal):
        assert not [key for key, row in template.resources.items() if row["Type"].startswith(GLUE)]


def test_a_run_is_bounded_and_never_repeated(template: Template) -> None:
    job = _job(template)
    assert (job["GlueVersion"], job["WorkerType"], job["ExecutionClass"]) == ("5.1", "G.1X", "FLEX")
    assert (job["NumberOfWorkers"], job["Timeout"], job["MaxRetries"]) == (20, 240, 0)
    assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 1}


def test_its_role_reads_raw_data_and_writes_only_what_it_publishes(template: Template) -> None:
    allowed: dict[str, set[str]] = {}
    for statement in template.statements("SparkJob/Role"):
        actions, resources = statement["Action"], statement["Resource"]
        for resource in resources if isinstance(resources, list) else [resources]:
            name = re.sub(r"<StorageData\w+\.Arn>", "data-bucket", resource)
            allowed.setdefault(name, set()).update(actions if isinstance(actions, list) else [actions])
    assert allowed["data-bucket/raw/*"] == {"s3:GetObject"}
    assert allowed["data-bucket/data/*"] == {"s3:PutObject"}
    assert allowed["data-bucket/scratch/*"] == {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    assert allowed["data-bucket"] == {"s3:ListBucket"}
    assert allowed["*"] == {"glue:GetSecurityConfiguration"}
    assert not any(action.endswith("*") for actions in allowed.values() for action in actions)


def test_its_logs_are_encrypted_and_go(template: Template) -> None:
    prefix = _job(template)["DefaultArguments"]["--custom-logGroup-prefix"]
    groups = {
        row["Properties"]["LogGroupName"]: row["Properties"]
        for row in template.of_type("AWS::Logs::LogGroup").values()
        if str(row["Properties"].get("LogGroupName", "")).startswith("/aws-glue/")
    }
    assert set(groups) == {f"{prefix}/output", f"{prefix}/error"}
    assert all(group["RetentionInDays"] == 90 and group["KmsKeyId"] for group in groups.values())
    (security,) = template.of_type(f"{GLUE}SecurityConfiguration").values()
    assert security["Properties"]["Name"] == _job(template)["SecurityConfiguration"]


def test_it_is_given_what_the_script_asks_for(template: Template) -> None:
    given = _job(template)["DefaultArguments"]
    bucket = re.escape("s3://") + r"<StorageData\w+>"
    assert re.fullmatch(bucket + "/raw/large.yaml", given["--experiment"])
    assert re.fullmatch(bucket + "/raw", given["--data"])
    assert re.fullmatch(bucket + "/scratch", given["--scratch"])
    assert re.fullmatch(bucket, given["--out"])


def test_every_import_is_shipped_or_pinned() -> None:
    imported: set[str] = set()
    for file in (path for package in PACKAGES for path in Path(ROOT, package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    of_glue = {"boto3", "botocore", "pyspark"}
    others = imported - set(sys.stdlib_module_names) - set(PACKAGES) - of_glue - {"pydantic_core"}
    distributions = metadata.packages_distributions()
    pinned = {pin.partition("==")[0].lower() for pin in pins()}
    missing = {name for name in others if not pinned & {found.lower() for found in distributions[name]}}
    assert not missing


def test_the_script_finds_all_of_ours_in_its_zip(template: Template, outdir: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="PySpark is not installed (requirements-dev.txt)")
    name = _job(template)["DefaultArguments"]["--extra-py-files"].rpartition("/")[2]
    asset = outdir / f"asset.{name.removesuffix('.zip')}"
    zipped = shutil.make_archive(str(tmp_path / "code"), "zip", asset)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "import data_prep.glue, data_prep.prepare; print(data_prep.glue.__file__)"
    )
    found = subprocess.run(
        [sys.executable, "-I", "-c", code, zipped], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(zipped)
