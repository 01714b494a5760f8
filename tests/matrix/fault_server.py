"""MiniStack with the plug-in, and with faults: `python -m tests.matrix.fault_server`.

A fault is put in place from outside (`PUT /_faults`), hits the calls of one function, and is taken away again. Every
call that a function makes is noted (`GET /_faults`), so that what is billed can be counted. What CloudFormation would
be told comes to `/_faults/answer/ID`.

A fault is {"kind", "function", "operations": {name: times}}: so many first calls of each operation are hit.
- throttled, internal, denied: the service answers with that error. The first call that an internal error hits is done
  all the same: only its answer is lost.
- exists: the call is done, and answered as if the resource had been there already.
- failed: what the call makes goes to CREATE FAILED, and stays there until it is deleted.
- slow: the call is done, and its answer comes later than the SDK waits for it.
- timeout: the call is done, and its answer comes later than Lambda lets the function run; also if the SDK asks again.
- killed: the call is done, and the process that made it gets SIGKILL instead of the answer.
- twice: the function is invoked with each event three times: twice at once, and again afterwards.

Waits of the SDK are scaled like those of the state machines.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil
from ministack import app
from ministack.core import iam_actions, lambda_runtime, router
from ministack.services import lambda_svc, sts

from local_cloud import server
from local_cloud.plugin import actions
from local_cloud.plugin.seams import wrap

MODULE = "tests.matrix.fault_server"
PATH = "/_faults"
ANSWER = "PutAnswer"
"""The operation by which the stack's functions answer CloudFormation."""
READ_TIMEOUT = 3
"""Seconds that an SDK waits for an answer here (60 on AWS)."""
ANSWER_TIMEOUT = 10
"""The same of the function that answers CloudFormation, which uses no SDK."""
TIMEOUT = 5
"""Seconds that a function may run while it is to be cut off."""
CUT_OFF = ("Task timed out", "Worker process died")
"""What MiniStack says of an invocation that ended without an answer."""
LONGER = {"EmptyBucket": 22}
"""The same for functions that keep more of their time in reserve."""
PREAMBLE = f"""
import botocore.config, botocore.retries.standard
botocore.config.Config.OPTION_DEFAULTS["read_timeout"] = {READ_TIMEOUT}
_delay = botocore.retries.standard.ExponentialBackoff.delay_amount
botocore.retries.standard.ExponentialBackoff.delay_amount = lambda self, context: 0.02 * _delay(self, context)
"""
REASON = "the training data have no rows"
"""Why what is made failed."""
_KINDS = ("campaignArn", "datasetImportJobArn", "solutionVersionArn", "solutionArn")
"""Members that name what a description is of, the most particular first."""
_REFUSED = {
    ("throttled", "s3"): (503, "SlowDown", "Please reduce your request rate."),
    ("throttled", ""): (400, "ThrottlingException", "Rate exceeded"),
    ("internal", "s3"): (500, "InternalError", "We encountered an internal error. Please try again."),
    ("internal", ""): (500, "InternalServerException", "An internal server error occurred"),
    ("denied", "s3"): (403, "AccessDenied", "{caller} is not authorized to perform: {action}"),
    ("denied", ""): (400, "AccessDeniedException", "{caller} is not authorized to perform: {action}"),
    ("exists", "states"): (400, "ExecutionAlreadyExists", "Execution Already Exists"),
    ("exists", ""): (400, "ResourceAlreadyExistsException", "Another resource with that name already exists"),
}

Answer = tuple[int, dict[str, str], Any]


@dataclass
class Faults:
    """The fault that is in place, and what was seen."""

    kind: str = ""
    function: str = ""
    operations: dict[str, int] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)
    failed: set[str] = field(default_factory=set)
    """ARNs of what went to CREATE FAILED."""
    calls: list[dict[str, Any]] = field(default_factory=list)
    repeated: list[dict[str, Any]] = field(default_factory=list)
    """How the further deliveries of an event ended."""
    cut_off: int = 0
    """Invocations of the function that ended without an answer."""
    answers: dict[str, Any] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.Lock)

    def put(self, value: Mapping[str, Any]) -> None:
        with self.lock:
            self.kind, self.function = value.get("kind", ""), value.get("function", "")
            self.operations = value.get("operations", {})
            self.hits = Counter()
            self.calls, self.repeated, self.cut_off = [], [], 0

    def hit(self, function: str, operation: str) -> int:
        """Which hit this call is, from 1; 0: it is none."""
        with self.lock:
            if self.kind in {"", "twice"} or function != self.function or operation not in self.operations:
                return 0
            if self.hits[operation] >= self.operations[operation] or (self.kind == "timeout" and self.cut_off):
                return 0
            self.hits[operation] += 1
            return self.hits[operation]

    def about_to_time_out(self, function: str) -> bool:
        return self.kind == "timeout" and function == self.function and not self.cut_off

    def seen(self) -> dict[str, Any]:
        with self.lock:
            counted = {"hits": dict(self.hits), "cut_off": self.cut_off}
            found = {"calls": self.calls, "repeated": self.repeated, "answers": self.answers}
            return json.loads(json.dumps(counted | found))


FAULTS = Faults()
_peer: contextvars.ContextVar[int] = contextvars.ContextVar("peer", default=0)
"""The port that the caller's end of the connection has."""


def install() -> None:
    """Put the faults in place, between callers and the gateway and around the functions' processes."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = PREAMBLE + lambda_runtime._PYTHON_WORKER_SCRIPT
    wrap(app, "app", "scope, receive, send", _noting_peer)
    wrap(app, "_dispatch_service_request", "method, path, headers, body, query_params, request_id", _calls)
    wrap(lambda_svc, "_execute_function_warm", "func, event, request_id", _deliveries)
    wrap(
        lambda_runtime.Worker,
        "invoke",
        "self, event, request_id, trace_id, depth, durable, invoked_function_arn",
        _shortened,
    )


def _noting_peer(serve: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def serving(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PATH):
            await _control(scope, receive, send)
            return
        _peer.set((scope.get("client") or ("", 0))[1])
        await serve(scope, receive, send)

    return serving


async def _control(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
    """The interface of a test, and the place where answers to CloudFormation are put."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    status = 200
    if scope["path"] == PATH and scope["method"] == "PUT":
        FAULTS.put(json.loads(body))
    elif scope["path"].startswith(f"{PATH}/answer/") and scope["method"] == "PUT":
        status = await _answered(scope, json.loads(body))
    elif scope["path"] == f"{PATH}/failed" and scope["method"] == "PUT":
        FAULTS.failed.update(json.loads(body))
    told = json.dumps(FAULTS.seen() if scope["method"] == "GET" else {}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(told)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": told})


async def _answered(scope: Mapping[str, Any], value: Any) -> int:
    """What CloudFormation is told; only the function that has the fault can be hit by it."""
    number = FAULTS.hit(FAULTS.function, ANSWER)
    FAULTS.calls.append({"function": FAULTS.function, "operation": ANSWER, "name": "", "accepted": True, "told": 200})
    statuses = {"throttled": 503, "internal": 500, "denied": 403}
    if number and FAULTS.kind in statuses:
        return statuses[FAULTS.kind]
    FAULTS.answers.setdefault(scope["path"].rsplit("/", 1)[-1], value)  # CloudFormation takes the first
    if number:
        await _instead_of_the_answer(scope["client"][1], FAULTS.function, patience=ANSWER_TIMEOUT)
    return 200


def _calls(dispatch: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    async def dispatching(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: Any, request_id: str
    ) -> Answer:
        peer, asked = _peer.get(), (method, path, headers, body, query_params, request_id)
        function, caller = _function(headers, query_params)
        service, operation = _operation(method, path, headers, body, query_params)
        if not function:
            answer = await dispatch(*asked)
            _note_resource(operation, body, answer, failing=False)
            return answer
        number = FAULTS.hit(function, operation)
        noted = {"function": function, "operation": operation, "name": _name(service, body)}
        if number and (refused := _REFUSED.get((FAULTS.kind, service)) or _REFUSED.get((FAULTS.kind, ""))):
            done = FAULTS.kind == "exists" or (FAULTS.kind == "internal" and number == 1)
            accepted = done and (await dispatch(*asked))[0] < 300
            FAULTS.calls.append({**noted, "accepted": accepted, "told": refused[1]})
            words = refused[2].format(caller=caller, action=f"{service}:{operation}")
            return _error(service, headers, refused[0], refused[1], words)
        answer = await dispatch(*asked)
        failing = bool(number) and FAULTS.kind == "failed"
        FAULTS.calls.append({**noted, "accepted": answer[0] < 300, "told": answer[0], "failed": failing})
        _note_resource(operation, body, answer, failing=failing)
        if number:
            await _instead_of_the_answer(peer, function)
        return _as_failed(answer) if service == "personalize" else answer

    return dispatching


def _function(headers: Mapping[str, str], query: Any) -> tuple[str, str]:
    """The function whose role calls, and the session's ARN; empty for anybody else."""
    session = sts._sessions.get(router.extract_access_key_id(headers, query), {})
    arn = session.get("Arn", "")
    name = arn.rsplit("/", 1)[-1]
    return (name, arn) if ":assumed-role/" in arn and name in _functions() else ("", arn)


def _functions() -> set[str]:
    return {worker.func_name for workers in lambda_runtime._workers.values() for worker in workers}


def _operation(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> tuple[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    target = lower.get("x-amz-target", "")
    service = router.detect_service(method, path, headers, app._routing_params(method, path, headers, body, query))
    if service == "personalize":
        return service, actions.operation(method, path, target) or ""
    parameters = app._routing_params(method, path, headers, body, query)
    action = iam_actions.extract_iam_action(service, method, path, headers, body, parameters) or ""
    operation = action.partition(":")[2]
    if service == "s3" and method == "HEAD":
        operation = "HeadObject"
    if service == "s3" and method == "POST" and "delete" in query:
        operation = "DeleteObjects"
    return action.partition(":")[0] or service, operation


def _name(service: str, body: bytes) -> str:
    """The name that a call gives to what it makes."""
    try:
        request = json.loads(body) if service == "personalize" else {}
    except ValueError:
        return ""
    return str(request.get("jobName") or request.get("name") or "")


def _error(service: str, headers: Mapping[str, str], status: int, code: str, message: str) -> Answer:
    if service == "s3":
        xml = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        return status, {"Content-Type": "application/xml"}, xml.encode()
    kind = "application/x-amz-json-1.1" if "x-amz-target" in headers else "application/json"
    told = {"Content-Type": kind, "x-amzn-ErrorType": code}
    return status, told, json.dumps({"__type": code, "message": message}).encode()


def _note_resource(operation: str, body: bytes, answer: Answer, *, failing: bool) -> None:
    """Which resources count as failed: one that was made while it should fail, until it is deleted."""
    if answer[0] >= 300:
        return
    if failing:
        made = json.loads(answer[2])
        FAULTS.failed.add(next(made[member] for member in _KINDS if member in made))
    elif operation.startswith("Delete") and FAULTS.failed and body[:1] == b"{":
        FAULTS.failed.difference_update(json.loads(body).values())


def _as_failed(answer: Answer) -> Answer:
    """The answer, in which what has failed is told to have."""
    status, told, body = answer
    if not FAULTS.failed or not isinstance(body, bytes) or body[:1] != b"{" or b"Arn" not in body:
        return answer
    value = json.loads(body)
    for entry in _dicts(value):
        own = next((entry[member] for member in _KINDS if member in entry), None)
        if "status" in entry and own in FAULTS.failed and not entry["status"].startswith("DELETE"):
            entry |= {"status": "CREATE FAILED", "failureReason": REASON}
    return status, told, json.dumps(value).encode()


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _dicts(item)


async def _instead_of_the_answer(peer: int, function: str, *, patience: float = READ_TIMEOUT) -> None:
    if FAULTS.kind == "slow":
        await asyncio.sleep(patience + 0.5)
    elif FAULTS.kind == "timeout":
        await asyncio.sleep(_seconds(function) + 1)
    elif FAULTS.kind == "killed":
        await asyncio.to_thread(_kill, peer, function)


def _kill(peer: int, function: str) -> None:
    """SIGKILL for the worker that has this end of a connection."""
    with lambda_runtime._lock:
        workers = [worker for row in lambda_runtime._workers.values() for worker in row]
    for worker in workers:
        process = worker._proc
        if worker.func_name != function or process is None or process.poll() is not None:
            continue
        if any(row.laddr and row.laddr.port == peer for row in psutil.Process(process.pid).net_connections("tcp")):
            process.kill()


def _seconds(function: str) -> int:
    return next((seconds for name, seconds in LONGER.items() if name in function), TIMEOUT)


def _shortened(invoke: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is to be cut off gets little time, until it was."""

    def invoking(worker: Any, *arguments: Any, **named: Any) -> Any:
        usual = worker.config
        if FAULTS.about_to_time_out(worker.func_name):
            worker.config = {**usual, "Timeout": _seconds(worker.func_name)}
        try:
            result = invoke(worker, *arguments, **named)
        finally:
            worker.config = usual
        if worker.func_name == FAULTS.function and str(result.get("error", "")).startswith(CUT_OFF):
            FAULTS.cut_off += 1
        return result

    return invoking


def _deliveries(execute: Callable[..., Any]) -> Callable[..., Any]:
    def delivering(func: Mapping[str, Any], event: Any, request_id: str) -> Any:
        name = (func.get("config") or func).get("FunctionName")
        if FAULTS.kind != "twice" or name != FAULTS.function:
            return execute(func, event, request_id)
        FAULTS.hits["delivered"] += 1
        beside: list[Any] = []
        context = contextvars.copy_context()
        other = threading.Thread(target=lambda: beside.append(context.run(execute, func, event, request_id)))
        other.start()
        result = execute(func, event, request_id)
        other.join()
        after = execute(func, event, request_id)
        FAULTS.repeated += [{"error": bool(row.get("error")), "body": row.get("body")} for row in (*beside, after)]
        return result

    return delivering


if __name__ == "__main__":
    raise SystemExit(server.main(install))
