"""Where an experiment's files lie: its bucket, or a folder with what runs and `data_prep --out` left."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

CHUNK = 1 << 20
Version = tuple[str, str]
"""A file's key, and the id of one version of it."""


class Place(Protocol):
    """Files by their keys."""

    @property
    def name(self) -> str:
        """For messages."""

    def keys(self) -> list[str]:
        """All there are, in order."""

    def open(self, key: str) -> IO[bytes]:
        """To be read as a stream."""

    def write(self, key: str, content: bytes) -> None:
        """Replaces the file as a whole."""

    def put(self, key: str, file: Path) -> None:
        """The same with what lies in a file."""

    def copy(self, key: str, to: str) -> None: ...

    def delete(self, key: str) -> None: ...

    def older_that_mention(self, texts: Collection[bytes]) -> list[Version]:
        """Older versions of files, deleted ones included, that have one of the texts; none where none are kept."""

    def drop(self, version: Version) -> None:
        """Deletes an older version."""


def read(place: Place, key: str) -> bytes:
    """The whole of a file."""
    with place.open(key) as stream:
        return stream.read()


@contextmanager
def lines(place: Place, key: str) -> Iterator[IO[str]]:
    """A file's lines with their ends as they are."""
    with place.open(key) as stream, io.TextIOWrapper(stream, encoding="utf-8", newline="") as text:
        yield text


def mentions(stream: IO[bytes], texts: Collection[bytes]) -> bool:
    """Whether one of the texts is in it; read in parts, so that its size does not matter."""
    longest = max(map(len, texts))
    with stream:
        before = b""
        while part := stream.read(CHUNK):
            part = before + part
            if any(text in part for text in texts):
                return True
            before = part[-longest + 1 :] if longest > 1 else b""
    return False


@dataclass(frozen=True)
class Folder:
    """A folder on this machine; keys are paths below it."""

    root: Path
    within: tuple[str, ...] = ("",)
    """What keys begin with: the rest is another experiment's."""

    @property
    def name(self) -> str:
        return str(self.root)

    def keys(self) -> list[str]:
        found = (path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file())
        return sorted(key for key in found if key.startswith(self.within))

    def open(self, key: str) -> IO[bytes]:
        return (self.root / key).open("rb")

    def write(self, key: str, content: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=self.root, prefix=".forget-", delete=False) as aside:
            aside.write(content)
        self._into_place(Path(aside.name), key)

    def put(self, key: str, file: Path) -> None:
        self.write(key, file.read_bytes())

    def copy(self, key: str, to: str) -> None:
        self.write(to, (self.root / key).read_bytes())

    def delete(self, key: str) -> None:
        path = self.root / key
        path.unlink()
        while not any((path := path.parent).iterdir()) and path != self.root:
            path.rmdir()

    def older_that_mention(self, texts: Collection[bytes]) -> list[Version]:
        return []

    def drop(self, version: Version) -> None:
        """There is none."""

    def _into_place(self, aside: Path, key: str) -> None:
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.chmod(target.stat().st_mode if target.exists() else 0o644)
        os.replace(aside, target)


@dataclass(frozen=True)
class Bucket:
    """An S3 bucket."""

    bucket: str
    s3: Any = field(repr=False)

    @property
    def name(self) -> str:
        return f"s3://{self.bucket}"

    def keys(self) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def open(self, key: str) -> IO[bytes]:
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"]
        return io.BufferedReader(_Raw(body), CHUNK)

    def write(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content, **self._type(key))

    def put(self, key: str, file: Path) -> None:
        self.s3.upload_file(str(file), self.bucket, key)

    def copy(self, key: str, to: str) -> None:
        self.s3.copy({"Bucket": self.bucket, "Key": key}, self.bucket, to)

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=key)

    def older_that_mention(self, texts: Collection[bytes]) -> list[Version]:
        if "Status" not in self.s3.get_bucket_versioning(Bucket=self.bucket):
            return []
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket)
        older = [
            (entry["Key"], entry["VersionId"])
            for page in pages
            for entry in page.get("Versions", [])
            if not entry["IsLatest"]
        ]
        return [version for version in older if mentions(self._open_version(version), texts)]

    def drop(self, version: Version) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=version[0], VersionId=version[1])

    def _open_version(self, version: Version) -> IO[bytes]:
        body = self.s3.get_object(Bucket=self.bucket, Key=version[0], VersionId=version[1])["Body"]
        return io.BufferedReader(_Raw(body), CHUNK)

    @staticmethod
    def _type(key: str) -> dict[str, str]:
        kinds = {"json": "application/json", "jsonl": "application/jsonl", "html": "text/html; charset=utf-8"}
        kind = kinds.get(key.rpartition(".")[2])
        return {"ContentType": kind} if kind else {}


class _Raw(io.RawIOBase):
    """botocore's streaming body as a raw stream."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
