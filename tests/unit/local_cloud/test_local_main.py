"""Mistakes that are found before anything starts, and the wrapper of the CDK command line."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from local_cloud import cdk
from local_cloud.__main__ import main
from local_cloud.run import Run


def test_an_unknown_experiment_is_told_with_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "quikstart"]) == 1
    told = capsys.readouterr().err
    assert "no experiment 'quikstart'" in told
    assert "quickstart" in told
    assert "Traceback" not in told


def test_a_missing_data_folder_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["run", "quickstart", "--data", str(tmp_path / "nothing")]) == 1
    assert f"{tmp_path / 'nothing'} does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--port", "--engine-port"])
def test_a_port_in_use_is_told(capsys: pytest.CaptureFixture[str], option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["run", "quickstart", option, port]) == 1
    assert f"Port {port} on 127.0.0.1 is in use" in capsys.readouterr().err


def test_a_port_that_cannot_be_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "quickstart", "--port", "99999"]) == 1
    assert "99999 is no port" in capsys.readouterr().err
    assert main(["run", "quickstart", "--port", "45991", "--engine-port", "45991"]) == 1
    assert "45991 twice" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://127.0.0.1"),
        ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, "ListStacks"),
        shutil.Error("a file vanished"),
    ],
)
def test_what_fails_amid_a_run_is_told_without_a_traceback(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: Any) -> None:
        (self.work / "ministack.log").write_text("out of memory")
        raise error

    monkeypatch.setattr(Run, "execute", fail)
    assert main(["run", "quickstart", "--out", str(tmp_path)]) == 1
    assert "cannot go on" in capsys.readouterr().out
    assert [path.read_text() for path in tmp_path.glob("quickstart/*/logs/ministack.log")] == ["out of memory"]


@pytest.mark.parametrize("arguments", [[], ["--"], ["deploy"], ["install", "more"]])
def test_the_wrapper_says_how_it_is_used(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cdk.main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_what_is_installed_is_not_installed_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cdk, "ROOT", tmp_path)
    (tmp_path / "package.json").write_text('{"devDependencies": {"aws-cdk": "1.2.3"}}')
    assert not cdk.installed()
    folder = tmp_path / "node_modules" / "aws-cdk"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"version": "1.2.2"}')
    assert not cdk.installed()
    (folder / "package.json").write_text('{"version": "1.2.3"}')
    assert cdk.installed()
    cdk.install()  # nothing to do: npm is not asked
