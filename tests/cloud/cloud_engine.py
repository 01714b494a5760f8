"""A stand-in for the engine: remembers what it was asked, and makes resources that a test can steer."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCOUNT = "000000000000"
KINDS = {
    "Schema": "schema",
    "DatasetGroup": "dataset-group",
    "Dataset": "dataset",
    "EventTracker": "event-tracker",
    "Filter": "filter",
}


class FakeEngine:
    """Answers json-1.1 for the five declared kinds, and 200 `{}` for everything else."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.resources: dict[str, dict[str, Any]] = {}
        self.fail: dict[str, str] = {}
        """{operation: message}: refuse it with InvalidInputException."""
        self.pending = 1
        """So many Describe answers say CREATE PENDING first."""
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def operations(self) -> list[str]:
        return [name for name, _ in self.calls]

    def clear(self) -> None:
        self.calls.clear()
        self.resources.clear()
        self.fail.clear()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, name: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls.append((name, request))
        if name in self.fail:
            return 400, {"__type": "InvalidInputException", "message": self.fail[name]}
        if name.startswith("List"):
            return 200, {"Filters" if name == "ListFilters" else name[4].lower() + name[5:]: []}
        for verb in ("Create", "Describe", "Delete"):
            kind = name.removeprefix(verb)
            if name.startswith(verb) and kind in KINDS:
                return getattr(self, f"_{verb.lower()}")(kind, request)
        return 200, {}

    def _create(self, kind: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = request["name"]
        if kind == "Dataset":
            name = request["datasetGroupArn"].rsplit("/", 1)[-1] + "/" + request["datasetType"].upper()
        arn = f"arn:aws:personalize:us-east-1:{ACCOUNT}:{KINDS[kind]}/{name}"
        if arn in self.resources:
            return 400, {"__type": "ResourceAlreadyExistsException", "message": f"{arn} already exists"}
        made = {**request, _member(kind): arn, "trackingId": "tracking-1", "waits": self.pending}
        self.resources[arn] = made
        return 200, {_member(kind): arn, "trackingId": "tracking-1"}

    def _describe(self, kind: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        found = self.resources.get(request[_member(kind)])
        if found is None:
            return 400, {"__type": "ResourceNotFoundException", "message": "not there"}
        if kind != "Schema":
            found["status"] = "CREATE PENDING" if found["waits"] > 0 else "ACTIVE"
            found["waits"] -= 1
        return 200, {kind[0].lower() + kind[1:]: {k: v for k, v in found.items() if k not in {"waits", "tags"}}}

    def _delete(self, kind: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        del self.resources[request[_member(kind)]]
        return 200, {}


def _member(kind: str) -> str:
    return kind[0].lower() + kind[1:] + "Arn"


def _handler(engine: FakeEngine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            target = self.headers.get("X-Amz-Target", "")
            name = target.removeprefix("AmazonPersonalize.") or self.path
            status, value = engine.answer(name, json.loads(body or b"{}"))
            answer = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
