"""No process outlives a run, and a command that fails says why."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from local_cloud.errors import CommandError, StartError
from local_cloud.processes import Processes
from local_cloud.services import LocalCloud, base_environment, choose_ports

FAMILY = """
import subprocess, sys, time, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
same = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
away = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(same.pid, away.pid, flush=True)
time.sleep(60)
"""


def start(processes: Processes, tmp_path: Path, code: str) -> Path:
    log = tmp_path / "log"
    processes.start("child", [sys.executable, "-c", code], env=os.environ, log=log, cwd=tmp_path)
    return log


def written(log: Path) -> str:
    for _ in range(200):
        if log.read_text().endswith("\n"):
            return log.read_text()
        time.sleep(0.05)
    raise AssertionError("nothing was written")


def gone(pid: int) -> bool:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_the_whole_family_is_ended_even_if_it_will_not_go(tmp_path: Path) -> None:
    with Processes() as processes:
        pids = [int(pid) for pid in written(start(processes, tmp_path, FAMILY)).split()]
        begin = time.monotonic()
    assert time.monotonic() - begin < 4
    assert all(gone(pid) for pid in pids)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = f"""
import sys, time, os
sys.path.insert(0, {str(Path.cwd())!r})
from pathlib import Path
from local_cloud.processes import Processes
command = [sys.executable, "-c", "import time; time.sleep(60)"]
child = Processes().start("c", command, env=os.environ, log=Path("inner"), cwd=Path.cwd())
print(child.process.pid, flush=True)
time.sleep(60)
"""
    with Processes() as processes:
        pid = int(written(start(processes, tmp_path, code)))
        processes.children[0].process.kill()
        assert gone(pid)


def test_a_failed_command_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with Processes() as processes, pytest.raises(CommandError, match=r"(?s)exit code 3.*the reason"):
        processes.run(
            "the command",
            [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"],
            env=os.environ,
            log=tmp_path / "log",
            cwd=tmp_path,
        )


def test_a_command_that_does_not_exist_is_an_error_of_ours(tmp_path: Path) -> None:
    with Processes() as processes, pytest.raises(CommandError, match="could not be started"):
        processes.start("it", ["/does/not/exist"], env={}, log=None, cwd=tmp_path)


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"Port {port} on 127.0.0.1 is in use"):
            choose_ports(port, 0)


def test_free_ports_are_different() -> None:
    assert len(set(choose_ports(0, 0))) == 3


class Answer(BaseHTTPRequestHandler):
    """An empty answer to every question."""

    def do_GET(self) -> None:
        self.do_HEAD()

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def test_a_proxy_of_the_users_is_not_asked_for_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "example.org")
    environment = base_environment(tmp_path)
    assert environment["NO_PROXY"] == environment["no_proxy"] == "example.org,127.0.0.1,localhost"
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        cloud = LocalCloud(work=tmp_path, gateway_url=url, engine_url=url, engine_data=tmp_path, ca=tmp_path)
        assert cloud.client("s3").head_bucket(Bucket="b")["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert cloud.engine("/health") is None
        server.shutdown()


def test_nothing_of_the_users_aws_settings_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "CDK_CONTEXT_JSON", "MINISTACK_HOST", "PYTHONPATH"):
        monkeypatch.setenv(name, "mine")
    environment = base_environment(tmp_path)
    assert "mine" not in environment.values()
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
