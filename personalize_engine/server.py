"""The engine as a WSGI application, and that on a real HTTP server.

Besides the three services: GET /health, GET /progress (what trainings say, for who shows it live), POST /pause and
POST /resume (for a consistent copy of the data folder: between the two nothing in it changes but `aside/`).
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personalize_engine.chain import handle
from personalize_engine.errors import CannotStart
from personalize_engine.jobs.runner import JobRunner
from personalize_engine.models.hrnn_sizing import Effort
from personalize_engine.operations.registry import Context
from personalize_engine.protocol import Request, Response, operations
from personalize_engine.serving.cache import TrainedVersions
from personalize_engine.serving.records import Records
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.database import Store

ACCOUNT = "000000000000"
REGION = "us-east-1"
THREADS = 8
_PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict"}
_PHRASES |= {413: "Content Too Large", 500: "Internal Server Error", 501: "Not Implemented"}
_PHRASES |= {503: "Service Unavailable"}

StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How an engine is set up."""

    data_dir: Path
    account: str = ACCOUNT
    region: str = REGION
    cores: int = os.cpu_count() or 1
    """Long jobs at once."""
    effort: Effort = "thorough"
    """How long trainings of networks take; `quick` is about a fifth, and a little worse."""


class Engine:
    """An opened data folder with its running jobs; `close` ends them."""

    def __init__(self, options: Options) -> None:
        self.store = Store.open(options.data_dir)
        artifacts = Artifacts(options.data_dir)
        trained = TrainedVersions(artifacts, self.store)
        self.jobs = JobRunner(
            self.store, artifacts, trained, region=options.region, cores=options.cores, effort=options.effort
        )
        self.context = Context(
            account=options.account,
            region=options.region,
            store=self.store,
            jobs=self.jobs,
            trained=trained,
            records=Records(self.store, artifacts),
        )
        self.jobs.start()

    def close(self) -> None:
        """Ends every job at once; what is not done is run again at the next start."""
        self.jobs.stop()
        self.store.close()


def create_app(engine: Engine) -> Application:
    """The WSGI application."""
    operations()  # read the service models now, not in the first request

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        response = _answer(engine, _request(environ))
        headers = [*response.headers.items(), ("Content-Length", str(len(response.body)))]
        start_response(f"{response.status} {_PHRASES.get(response.status, 'Error')}", headers)
        return [response.body]

    return application


def serve(engine: Engine, *, host: str, port: int) -> None:
    """Listens until it is stopped by SIGINT or SIGTERM. Port 0: any free one; the line printed says which."""
    from waitress.server import create_server

    try:
        server = create_server(
            create_app(engine), host=host, port=port, threads=THREADS, clear_untrusted_proxy_headers=True
        )
    except OSError as error:
        raise CannotStart(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another --port") from None
    bound = server.socket.getsockname()[1]
    print(f"personalize_engine listening on http://{host}:{bound}", flush=True)
    server.run()


def check_port(host: str, port: int) -> None:
    """CannotStart if the port is in use or cannot be: asked before anything is opened or started."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise CannotStart(f"cannot listen on {host}:{port}: {reason}; choose another --port") from None


def _request(environ: dict[str, Any]) -> Request:
    headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return Request(environ["REQUEST_METHOD"], environ.get("PATH_INFO") or "/", headers, body)


def _answer(engine: Engine, request: Request) -> Response:
    if request.method == "GET" and request.path == "/health":
        return _json({"status": "paused" if engine.store.paused else "ok"})
    if request.method == "GET" and request.path == "/progress":
        with engine.store.read() as transaction:
            return _json(transaction.progress())
    if request.method == "POST" and request.path == "/pause":
        engine.store.pause()
        return _json({"status": "paused"})
    if request.method == "POST" and request.path == "/resume":
        engine.store.resume()
        return _json({"status": "ok"})
    return handle(engine.context, request)


def _json(value: Any) -> Response:
    return Response(200, {"Content-Type": "application/json"}, json.dumps(value).encode())
