"""The smoke test of a real account, whole, against the local cloud; and what it says when something is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contract import naming
from contract.results import JUDGE_METRIC
from local_cloud import cdk, services
from local_cloud.leftovers import leftovers
from local_cloud.processes import Processes
from tests.report_examples import local_report
from tools import smoke

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not cdk.installed(), reason="run python -m local_cloud.cdk install")
def test_the_whole_of_it_against_the_local_cloud(tmp_path: Path) -> None:
    with Processes() as processes:
        cloud = services.start(processes, tmp_path, ROOT)
        processes.finish(cdk.LocalCdk(processes, tmp_path, "smoke").start_bootstrap(cloud))
        environment = {
            **cloud.environment(),
            "AWS_SMOKE": "1",
            "CDK_HOME": str(tmp_path / "cdk-home"),
            "CDK_OUTPUT": str(tmp_path / "cdk.out"),
            "CDK_VALIDATION": "false",
        }
        command = [sys.executable, "-m", "tools.smoke"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{smoke.RECIPE}, {smoke.USERS} users asked" in done.stdout
        assert done.stdout.endswith("smoke: passed; nothing is left\n")
        assert leftovers(cloud) == []


def test_nothing_is_done_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(smoke.CONSENT, raising=False)
    monkeypatch.setattr(smoke, "_client", pytest.fail)
    assert smoke.main([]) == 2
    assert "AWS_SMOKE=1 make smoke" in capsys.readouterr().err


@pytest.mark.parametrize("value", [0.0, 1.5])
def test_a_report_that_cannot_be_right_fails_it(value: float) -> None:
    report = local_report()
    report.recipes[smoke.RECIPE].evaluated_users = smoke.USERS
    report.recipes[smoke.RECIPE].metrics[report.judged_by][JUDGE_METRIC] = value
    with pytest.raises(smoke.Failed, match=f"{JUDGE_METRIC} {value}"):
        smoke.judged(report)


def test_a_recipe_that_failed_fails_it() -> None:
    report = local_report()
    report.recipes[smoke.RECIPE].status = "failed"
    with pytest.raises(smoke.Failed, match="does not say"):
        smoke.judged(report)


def test_only_what_is_new_and_bears_our_name_was_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = f"Personalize schema arn:aws:personalize:us-east-1:1:schema/{naming.prefix('quickstart', 'smoke')}-items-1"
    there: list[Any] = ["bucket quickstart-smoke-old", "role admin", "role of-a-colleague"]
    monkeypatch.setattr(smoke, "listed", lambda client: [*there, ours])
    smoke._look_for_leftovers({*there[:2], ours})
    assert "not by its name ours: role of-a-colleague" in capsys.readouterr().out
    with pytest.raises(smoke.Failed, match=f"left behind: {ours}$"):
        smoke._look_for_leftovers(set(there))
