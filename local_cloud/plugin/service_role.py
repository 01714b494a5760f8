"""The role that Personalize assumes to read and write buckets.

On AWS the service assumes the `roleArn` of a call: the trust policy has to name personalize.amazonaws.com (with the
conditions against the confused deputy), the bucket's policy has to let the service in, and the role's own policies
have to allow the access. The engine asks here, at a loopback address only it is told, for the credentials of the role.
Before they are given out, trust, bucket policy and the role's s3:ListBucket (which the service wants even where it
reads one object) are evaluated. With them the engine reads S3 like anyone else, so that MiniStack enforces the role's
policies. A denial is answered with 403 and becomes the job's failure reason.

    POST URL {"roleArn": …, "dataLocation": "s3://bucket/key", "action": "s3:GetObject"}
    200 {"AccessKeyId", "SecretAccessKey", "SessionToken"} | 403 {"message"}

Tests: tests/cloud/test_cloud_service_role.py.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from ministack.services import s3

from local_cloud.plugin import policy

SERVICE = "personalize.amazonaws.com"
REGION = "us-east-1"
ACTIONS = ("s3:GetObject", "s3:PutObject")


def serve(url: str) -> ThreadingHTTPServer:
    """Answer at this address from a thread of its own, until the process ends."""
    place = urlsplit(url)
    server = ThreadingHTTPServer((place.hostname or "", place.port or 0), _handler(place.path))
    threading.Thread(target=server.serve_forever, name="service-role", daemon=True).start()
    return server


def role_credentials(role_arn: str, data_location: str, action: str) -> dict[str, str]:
    """Credentials of the role for Personalize; `policy.Denied` if trust or bucket policy do not allow it."""
    account = role_arn.split(":")[4] if role_arn.count(":") >= 5 else ""
    if not account:
        raise policy.Denied(f"{role_arn!r} is no role's ARN")
    source = f"arn:aws:personalize:{REGION}:{account}:dataset-import-job/any"
    session = policy.assume(role_arn, service=SERVICE, source_arn=source, session="personalize")
    scheme, _, place = data_location.partition("://")
    bucket, _, key = place.partition("/")
    if scheme != "s3" or not bucket:
        raise policy.Denied(f"{data_location!r} is no location in S3")
    document = s3._bucket_policies.get_scoped(account, None, bucket)
    asked = [("s3:ListBucket", f"arn:aws:s3:::{bucket}"), (action, f"arn:aws:s3:::{bucket}/{key}")]
    listed = asked[0]
    policy.allow(role_arn, session_arn=session, action=listed[0], resource=listed[1], service="s3")
    for wanted, resource in asked:
        policy.allow_service(document, service=SERVICE, action=wanted, resource=resource, source_arn=source)
    return policy.credentials(session)


def _handler(path: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One question and one answer per connection."""

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.path != path:
                self._answer(404, {"message": "unknown path"})
                return
            try:
                asked = json.loads(self.rfile.read(length))
                role_arn, location, action = asked["roleArn"], asked["dataLocation"], asked["action"]
            except (ValueError, KeyError, TypeError) as error:
                self._answer(400, {"message": f"roleArn, dataLocation and action are needed: {error!r}"})
                return
            if not isinstance(role_arn, str) or not isinstance(location, str):
                self._answer(403, {"message": "Personalize needs a roleArn to read Amazon S3; the call names none"})
                return
            if action not in ACTIONS:
                self._answer(400, {"message": f"action is {action!r}; allowed: {', '.join(ACTIONS)}"})
                return
            try:
                self._answer(200, role_credentials(role_arn, location, action))
            except policy.Denied as denied:
                self._answer(403, {"message": f"Insufficient privileges for accessing data in Amazon S3: {denied}"})

        def _answer(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet: the engine reports what matters."""

    return Handler
