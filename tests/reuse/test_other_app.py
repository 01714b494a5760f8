"""Another team's app: synthesized from a wheel in a folder of its own, with nothing of ours touching what is theirs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import other_app
import pytest
from other_app import ROOT, STACK, TWO, OtherApp
from packaging.requirements import Requirement

import app as entry

OPTIONS = {
    "retain": True,
    "permissions_boundary": "arn:aws:iam::123456789012:policy/boundary",
    "kms_key": "new",
    "operations": True,
    "tags": {"team": "recommendations"},
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> OtherApp:
    return other_app.build(tmp_path_factory.mktemp("other-app"))


def _synthesized(app: OtherApp, work: Path, name: str = "app.py", **variables: str) -> dict[str, Any]:
    """The template; fails with the app's words, findings of cdk-nag among them."""
    done = app.run(work, work / "cdk.out", app=name, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    template: dict[str, Any] = json.loads((work / "cdk.out" / f"{STACK}.template.json").read_text())
    return template


@pytest.fixture(scope="module")
def two(app: OtherApp, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two experiments, one with options, and resources of the team's own in one stack."""
    (app.folder / "two.py").write_text(TWO, encoding="utf-8")
    return _synthesized(app, tmp_path_factory.mktemp("two"), "two.py", OPTIONS=json.dumps(OPTIONS))


def _properties(template: dict[str, Any], logical_id: str) -> dict[str, Any]:
    """Of the resource whose logical id is this and eight digits."""
    (row,) = [row for key, row in template["Resources"].items() if re.fullmatch(rf"{logical_id}[0-9A-F]{{8}}", key)]
    properties: dict[str, Any] = row.get("Properties", {})
    return properties | {"DeletionPolicy": row.get("DeletionPolicy")}


def _of_type(template: dict[str, Any], kind: str) -> dict[str, Any]:
    return {key: row for key, row in template["Resources"].items() if row["Type"] == kind}


def test_the_example_is_ten_lines() -> None:
    code = (ROOT / "examples" / "shop" / "app.py").read_text(encoding="utf-8").split('"""')[2]
    lines = [line for line in code.splitlines() if line and not line.startswith(("import ", "from "))]
    assert len(lines) <= 10


def test_the_example_synthesizes_without_findings_and_with_the_same_assets(app: OtherApp, tmp_path: Path) -> None:
    template = _synthesized(app, tmp_path)
    (parameter,) = _of_type(template, "AWS::SSM::Parameter").values()
    (machine,) = [key for key in _of_type(template, "AWS::StepFunctions::StateMachine") if "PipelineMain" in key]
    assert parameter["Properties"]["Value"] == {"Ref": machine}
    assets = {path.name for path in (tmp_path / "cdk.out").glob("asset.*")}
    command = [sys.executable, "app.py"]  # the repository's own app
    environment = {**app.environment(tmp_path, tmp_path / "ours"), "CDK_CONTEXT_JSON": '{"experiments": "quickstart"}'}
    environment |= {"PYTHONPATH": str(ROOT), "CDK_VALIDATION": "false"}
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=environment)
    assert assets == {path.name for path in (tmp_path / "ours").glob("asset.*")}


def test_a_folder_of_the_team_s_that_hides_ours_is_told(app: OtherApp, tmp_path: Path) -> None:
    (app.folder / "stacks").mkdir()
    (app.folder / "stacks" / "__init__.py").touch()
    try:
        done = app.run(tmp_path, tmp_path / "cdk.out")
    finally:
        (app.folder / "stacks" / "__init__.py").unlink()
        (app.folder / "stacks").rmdir()
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "ImportError: personalize_cdk needs its own package 'stacks'" in last
    assert str(app.folder / "stacks") in last


def test_a_mistake_in_the_team_s_file_is_told_with_its_path(app: OtherApp, tmp_path: Path) -> None:
    good = app.experiment.read_text(encoding="utf-8")
    app.experiment.write_text(good.replace("aws-popularity-count", "aws-popular"), encoding="utf-8")
    try:
        done = app.run(tmp_path, tmp_path / "cdk.out")
    finally:
        app.experiment.write_text(good, encoding="utf-8")
    assert done.returncode == 1
    assert re.search(r"ConfigError: shop\.yaml:\d+: recipes\.1", done.stderr)


def test_options_leave_the_team_s_resources_and_the_other_experiment_alone(two: dict[str, Any]) -> None:
    for role in (_properties(two, "TheirRole"), _properties(two, "TwoStorageServiceRole")):
        assert "PermissionsBoundary" not in role
        assert "team" not in {tag["Key"] for tag in role["Tags"]}
        assert role["DeletionPolicy"] != "Retain"
    assert "experiment" not in {tag["Key"] for tag in _properties(two, "TheirRole")["Tags"]}
    ours = _properties(two, "OneStorageServiceRole")
    assert ours["PermissionsBoundary"] == "arn:aws:iam::123456789012:policy/boundary"
    assert {tag["Key"]: tag["Value"] for tag in ours["Tags"]} == {
        **{"company": "shop", "team": "recommendations", "retain": "true"},
        **{"experiment": "one", "environment": "dev"},
    }
    for name in ("TheirLogs", "TwoTasksAskLogs"):
        assert "KmsKeyId" not in _properties(two, name)
    assert "KmsKeyId" in _properties(two, "OneTasksAskLogs")
    assert _properties(two, "TwoStorageData")["DeletionPolicy"] == "Delete"
    for key in _of_type(two, "AWS::CloudWatch::Alarm"):
        assert key.startswith("One")
    for key, row in _of_type(two, "AWS::Lambda::Function").items():
        assert ("TracingConfig" in row["Properties"]) == key.startswith("One"), key


def test_tags_from_around_the_construct_do_not_reach_what_they_would_replace(two: dict[str, Any]) -> None:
    rows = {key: row for key, row in two["Resources"].items() if row["Type"].startswith("AWS::Personalize::")}
    assert len(rows) == 6
    for key, row in rows.items():
        assert "Tags" not in row["Properties"], key


def test_two_experiments_share_no_name(two: dict[str, Any]) -> None:
    names = [
        value
        for row in two["Resources"].values()
        for key, value in row.get("Properties", {}).items()
        if key in {"Name", "StateMachineName", "LogGroupName", "DashboardName"} and isinstance(value, str)
    ]
    assert len(names) == len(set(names)) > 12


def test_what_comes_out_is_the_experiment_s_own(two: dict[str, Any]) -> None:
    told = json.dumps(two["Outputs"])
    outputs = {key: json.dumps(row["Value"]) for key, row in two["Outputs"].items()}
    for experiment in ("One", "Two"):
        for what, where in {
            **{"Data": "StorageData", "Logs": "StorageLogs", "Role": "StorageServiceRole"},
            **{"Machine": "PipelineMain", "CleanUp": "TeardownMachine", "Topic": "PipelineNotifications"},
            **{"Group": "DatasetsGroup", "Interactions": "DatasetsInteractions"},
        }.items():
            assert f'"{experiment}{where}' in outputs[f"{experiment}{what}"], (experiment, what, told)
        assert re.search(rf":campaign/{experiment.lower()}-[0-9a-f]{{6}}-\*", outputs[f"{experiment}Campaigns"])


def test_the_wheel_needs_what_the_project_is_tested_with() -> None:
    """Every distribution that a wheel asks for is pinned here, at a version that it allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["data"]]
    for requirement in map(Requirement, needed):
        assert requirement.specifier.contains(metadata.version(requirement.name)), requirement


def test_what_the_layer_and_the_glue_job_are_made_of_comes_with_the_wheel() -> None:
    entry.use_node_of_the_wheel()
    from stacks.assets import DISTRIBUTIONS
    from stacks.spark_job import DISTRIBUTIONS as OF_SPARK_JOB

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {Requirement(line).name for line in project["dependencies"]}
    assert needed >= set(DISTRIBUTIONS)
    with_data = needed | {Requirement(line).name for line in project["optional-dependencies"]["data"]}
    assert with_data | {"duckdb", "sqlglot"} >= set(OF_SPARK_JOB)  # these two come with ibis-framework[duckdb]
