"""The commands: `python app.py` and `cdk synth` agree; a mistake is told in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from synth_app import ROOT, entry

from experiments.load import ConfigError, load_named, names
from stacks.application import check_stack_name, checked_environment, chosen

BIN = Path(sys.executable).parent
CDK = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"


def _environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    quick = {"CDK_VALIDATION": "false", "CDK_DISABLE_VERSION_CHECK": "1", "DISABLE_CLI_TELEMETRY": "1"}
    return {**os.environ, "PATH": path, **quick, **more}


def test_python_app_and_cdk_synth_give_the_same(tmp_path: Path) -> None:
    if not CDK.is_file():
        pytest.skip("the CDK command line is not installed (make sets it up)")
    context = json.dumps({"experiments": "quickstart"})
    plain = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=_environment(CDK_OUTDIR=str(tmp_path / "plain"), CDK_CONTEXT_JSON=context),
        capture_output=True,
        text=True,
    )
    assert plain.returncode == 0, plain.stderr
    command = [os.environ["JSII_NODE"], str(CDK), "synth", "--quiet", "-c", "experiments=quickstart"]
    cdk = subprocess.run(
        [*command, "--output", str(tmp_path / "cdk")], cwd=ROOT, env=_environment(), capture_output=True, text=True
    )
    assert cdk.returncode == 0, cdk.stderr
    template = "quickstart.template.json"
    assert (tmp_path / "plain" / template).read_bytes() == (tmp_path / "cdk" / template).read_bytes()


def test_a_broken_experiment_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.yaml").write_text("name: broken\ndata:\n  kind: generated\nrecipes: [aws-hrn]\n")
    monkeypatch.setattr("experiments.load.FOLDER", tmp_path)
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path / "out"))
    assert entry.main() == 1
    told = capsys.readouterr().err
    assert "broken.yaml:4" in told
    assert "aws-hrnn" in told
    assert not (tmp_path / "out" / "broken.template.json").exists()


def test_an_unknown_experiment_is_told_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="quickstart"):
        load_named(*chosen("quickstrat"))
    with pytest.raises(ConfigError, match="names no experiment"):
        chosen(" , ")
    assert chosen(None) == names()


@pytest.mark.parametrize("given", ["Prod", "1st", "a b", "x" * 25])
def test_an_environment_that_cannot_be_part_of_a_name_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match=r"context\.env: .* is not the name of an environment\. Allowed"):
        checked_environment(given)


def test_an_environment_that_makes_another_experiment_s_stack_is_refused() -> None:
    with pytest.raises(ConfigError, match="'movielens-hrnn' would be the stack of the experiment of that name"):
        check_stack_name("movielens", "hrnn")
    check_stack_name("movielens-hrnn", "dev")
    check_stack_name("movielens-hrnn", "prod")


def test_the_command_line_s_version_is_pinned() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    locked = json.loads((ROOT / "package-lock.json").read_text())
    assert locked["packages"]["node_modules/aws-cdk"]["version"] == package["devDependencies"]["aws-cdk"]


def test_recommended_flags() -> None:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    assert context["@aws-cdk/core:defaultCrossStackReferences"] == "strong"  # "weak" needs a function of AWS alone
    assert context["@aws-cdk/core:explicitStackTags"] is True  # or excluded types would be tagged after all
