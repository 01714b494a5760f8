"""The certificate is accepted for loopback by strict clients, and its key is the owner's alone."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from local_cloud.certificate import write_certificate


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_strict_client_trusts_it(tmp_path: Path, name: str) -> None:
    made = write_certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.certificate, made.key)
    client = ssl.create_default_context(cafile=str(made.certificate))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with server.wrap_socket(theirs, server_side=True) as side:
            side.send(b"hello")

    thread = threading.Thread(target=serve)
    thread.start()
    with client.wrap_socket(ours, server_hostname=name) as side:
        assert side.recv(5) == b"hello"
    thread.join()


def test_the_key_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    assert write_certificate(tmp_path).key.stat().st_mode & 0o077 == 0
