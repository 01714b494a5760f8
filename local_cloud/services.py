"""The two servers of a run: the engine, and MiniStack with the plug-in. Started empty, found healthy, ended with us.

`LocalCloud` knows where they listen and which settings point a program at them: the AWS variables that every SDK and
the CDK command line read. None of the user's own AWS settings is passed on to anything started here.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import socket
import ssl
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from local_cloud import server
from local_cloud.certificate import Certificate, write_certificate
from local_cloud.errors import StartError
from local_cloud.processes import Child, Processes

ACCOUNT = "000000000000"
REGION = "us-east-1"
KEY = "test"
"""Access key, and secret, of the local account's root."""
HOST = "127.0.0.1"
"""An address, not a name: SDKs then put a bucket into the path, and no name below localhost has to resolve."""
WAIT_SCALE = "0.02"
"""A wait of half a minute in a state machine is 0.6 s here. Less would only look more often, with a function each time,
at what takes its time."""
START_LIMIT = 60.0
"""Seconds until both must answer."""
POLL = 0.05
ROLE_CREDENTIALS_URL = "PERSONALIZE_ROLE_CREDENTIALS_URL"
"""Where the engine asks for the credentials of a service role (plugin.service_role)."""


@dataclass(frozen=True)
class LocalCloud:
    """Where the two servers listen."""

    work: Path
    """The run's folder."""
    gateway_url: str
    engine_url: str
    engine_data: Path
    ca: Path
    """PEM: what to trust."""

    def environment(self) -> dict[str, str]:
        """Variables that point a program at the local cloud."""
        return {
            **base_environment(self.work),
            "AWS_ENDPOINT_URL": self.gateway_url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_CA_BUNDLE": str(self.ca),
            "SSL_CERT_FILE": str(self.ca),
            "NODE_EXTRA_CA_CERTS": str(self.ca),
            "CDK_DEFAULT_ACCOUNT": ACCOUNT,
            "CDK_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        """A boto3 client for the local cloud, as its root user. Made once: reading a service's model takes a while."""
        return _client(service, self.gateway_url, str(self.ca))

    def engine(self, path: str, *, method: str = "GET") -> Any:
        """The engine's own (not AWS) interface: /health, /progress, /pause, /resume."""
        return _json(f"{self.engine_url}{path}", method=method)


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session(aws_access_key_id=KEY, aws_secret_access_key=KEY, region_name=REGION)


@functools.cache
def _client(service: str, endpoint_url: str, ca: str) -> Any:
    direct = Config(proxies={})
    return _session().client(service, endpoint_url=endpoint_url, verify=ca, config=direct)  # type: ignore[call-overload]


def base_environment(work: Path) -> dict[str, str]:
    """Our environment without what could lead a program to the user's AWS account, another Python or, here, a proxy."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "CDK_", "MINISTACK_", "LAMBDA_", "LOCALSTACK_", "SFN_", "PERSONALIZE_"))
        and name not in {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"}
    }
    temporary = work / "tmp"
    temporary.mkdir(exist_ok=True)
    direct = ",".join(filter(None, (os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), HOST, "localhost")))
    return {
        **kept,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "TMPDIR": str(temporary),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONUNBUFFERED": "1",
    }


def start(
    processes: Processes,
    work: Path,
    root: Path,
    *,
    port: int = 0,
    engine_port: int = 0,
    engine_url: str | None = None,
    gateway: str = server.MODULE,
) -> LocalCloud:
    """Start both servers side by side and wait until both answer.

    `root`: the project's folder. Port 0: any free one. With `engine_url` the engine is one that runs already.
    `gateway`: the module that serves MiniStack; a test may have one that does more. StartError if a port is in use or
    a server does not come up.
    """
    certificate = write_certificate(work)
    gateway_port, engine_port, role_port = choose_ports(port, engine_port)
    cloud = LocalCloud(
        work=work,
        gateway_url=f"https://{HOST}:{gateway_port}",
        engine_url=engine_url or f"http://{HOST}:{engine_port}",
        engine_data=work / "engine",
        ca=certificate.certificate,
    )
    roles = f"http://{HOST}:{role_port}/{secrets.token_urlsafe(16)}"
    started = []
    if engine_url is None:
        started.append((_start_engine(processes, cloud, root, roles), f"{cloud.engine_url}/health"))
    started.append(
        (_start_gateway(processes, cloud, root, roles, certificate, gateway), f"{cloud.gateway_url}/_ministack/health")
    )
    trust = ssl.create_default_context(cafile=str(certificate.certificate))
    limit = time.monotonic() + START_LIMIT
    for child, url in started:
        _wait(child, url, trust, limit)
    return cloud


def start_engine_alone(processes: Processes, work: Path, root: Path, *, data: Path, port: int = 0) -> str:
    """The engine over the data folder of an earlier run, without a local cloud: its URL, once it answers."""
    engine_port, *_ = choose_ports(port)
    url = f"http://{HOST}:{engine_port}"
    child = _engine(processes, work, root, url=url, data=data, settings=base_environment(work))
    _wait(child, f"{url}/health", ssl.create_default_context(), time.monotonic() + START_LIMIT)
    return url


def engine_client(service: str, url: str) -> Any:
    """A boto3 client of an engine that runs alone; it knows no credentials and takes any."""
    return _session().client(service, endpoint_url=url, config=Config(proxies={}))  # type: ignore[call-overload]


def _start_engine(processes: Processes, cloud: LocalCloud, root: Path, roles: str) -> Child:
    cloud.engine_data.mkdir()
    settings = {**cloud.environment(), ROLE_CREDENTIALS_URL: roles}
    return _engine(processes, cloud.work, root, url=cloud.engine_url, data=cloud.engine_data, settings=settings)


def _engine(processes: Processes, work: Path, root: Path, *, url: str, data: Path, settings: dict[str, str]) -> Child:
    port = str(urlsplit(url).port)
    command = [sys.executable, "-m", "personalize_engine", "serve", "--port", port, "--data-dir", str(data)]
    return processes.start("the engine", command, env=settings, log=work / "engine.log", cwd=root)


def _start_gateway(
    processes: Processes, cloud: LocalCloud, root: Path, roles: str, certificate: Certificate, module: str
) -> Child:
    settings = {
        **cloud.environment(),
        "GATEWAY_PORT": str(urlsplit(cloud.gateway_url).port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": "localhost",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate.certificate),
        "MINISTACK_SSL_KEY": str(certificate.key),
        "SFN_WAIT_SCALE": WAIT_SCALE,
        "LOG_LEVEL": "WARNING",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        server.ENGINE_URL: cloud.engine_url,
        server.ROLES_URL: roles,
    }
    command = [sys.executable, "-m", module]
    return processes.start("MiniStack", command, env=settings, log=cloud.work / "ministack.log", cwd=root)


def _wait(child: Child, url: str, trust: ssl.SSLContext, limit: float) -> None:
    while True:
        if (code := child.process.poll()) is not None:
            raise StartError(f"{child.name} ended at once (exit code {code}):\n{child.tail()}")
        try:
            _json(url, context=trust)
        except (OSError, ValueError) as error:
            if time.monotonic() > limit:
                raise StartError(
                    f"{child.name} does not answer after {START_LIMIT:.0f} s ({error}):\n{child.tail()}"
                ) from error
            time.sleep(POLL)
        else:
            return


def choose_ports(*wanted: int) -> tuple[int, ...]:
    """The wanted ports and one more; 0 stands for any free one. All are held until all are chosen.

    StartError if one is in use, is wanted twice or cannot be.
    """
    fixed = [port for port in wanted if port]
    for port in fixed:
        if not 0 < port < 65536:
            raise StartError(f"{port} is no port: give a number from 1 to 65535, or leave it out: a free one is taken.")
        if fixed.count(port) > 1:
            raise StartError(f"Port {port} twice: the local cloud and the engine need one each.")
    held: list[socket.socket] = []
    try:
        for port in (*wanted, 0):
            probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            held.append(probe)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                raise StartError(
                    f"Port {port} on {HOST} is in use ({error.strerror}). Stop what listens there,"
                    " or leave the port out: a free one is taken."
                ) from error
        return tuple(probe.getsockname()[1] for probe in held)
    finally:
        for probe in held:
            probe.close()


def _json(url: str, *, method: str = "GET", context: ssl.SSLContext | None = None) -> Any:
    request = urllib.request.Request(url, method=method, data=b"" if method == "POST" else None)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None
