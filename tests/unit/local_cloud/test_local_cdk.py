"""The CDK command line for the user's own AWS account: its exit code, and what to do where it has no account."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from local_cloud import cdk


@pytest.mark.parametrize(
    ("code", "credentials", "told"), [(1, None, True), (1, "some", False), (0, None, False), (0, "some", False)]
)
def test_a_failure_without_credentials_says_where_they_come_from(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: int,
    credentials: str | None,
    told: bool,
) -> None:
    monkeypatch.setattr(subprocess, "call", lambda *_, **__: code)
    monkeypatch.setattr("boto3.Session.get_credentials", lambda _: credentials)
    assert cdk.main(["--", "deploy", "--all"]) == code
    assert ("AWS_PROFILE" in capsys.readouterr().err) is told


def test_wrong_arguments_are_answered_with_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cdk.main(["deploy"]) == 2
    assert "usage:" in capsys.readouterr().err


def test_an_activated_environment_has_node(tmp_path: Path) -> None:
    (tmp_path / "node").symlink_to(tmp_path / "gone")
    for _ in range(2):
        cdk.link_node(tmp_path)
    done = subprocess.run(
        ["node", "--version"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("v")
