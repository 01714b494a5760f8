"""The preparation as an AWS Glue job (Spark): reads raw data from S3 and publishes into the experiment's bucket.

    --experiment ADDRESS   the experiment's YAML
    --data ADDRESS         the folder that its paths are relative to
    --scratch ADDRESS      a folder for what lies between the steps, which all workers reach; emptied afterwards
    --out ADDRESS          where to publish: s3://BUCKET, or a folder

An address is s3://BUCKET/KEY, or a path (so the same script runs on one machine). The driver fetches only the head
of each file; Spark's workers read the rest. Glue passes arguments of its own too: they are ignored.
Any error ends the job as failed, with the same message as `python -m data_prep` prints.
"""

from __future__ import annotations

import argparse
import gzip
import io
import shutil
import sys
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import parquet
from pyspark.sql import SparkSession

from data_prep import publish
from data_prep.errors import DataError
from data_prep.prepare import Prepared, prepare
from data_prep.sources.tables import is_parquet, open_bytes
from data_prep.spark import SparkDatabase
from experiments.config import Experiment, Files
from experiments.load import load

HEAD = 1 << 20
"""Bytes of a text file that the driver looks at: its first line lies within."""


def main(arguments: Sequence[str] | None = None) -> str:
    """Prepares and publishes; returns the address of the manifest."""
    asked, _ = _parser().parse_known_args(sys.argv[1:] if arguments is None else arguments)
    session = SparkSession.builder.getOrCreate()
    with tempfile.TemporaryDirectory(prefix="prepare-") as name:
        folder = Path(name)
        experiment = load(_fetched(asked.experiment, folder / Path(asked.experiment).name))
        raw = _Raw(session, asked.data.rstrip("/"), folder / "raw")
        raw.fetch_heads(experiment)
        work = folder / "work"
        work.mkdir()
        scratch = f"{asked.scratch.rstrip('/')}/{uuid.uuid4()}"
        try:
            prepared = prepare(
                experiment,
                work,
                file=folder / Path(asked.experiment).name,
                data=raw.folder,
                engine=lambda at: SparkDatabase(session, at, scratch=scratch, locate=raw.address, opened=raw.open),
            )
        except DataError as error:
            # The files lie on the driver for a while: whoever reads the message knows them by their address.
            raise SystemExit(str(error).replace(str(raw.folder), raw.where)) from None
        where = _publish(prepared, asked.out)
    print(where)
    return where


class _Raw:
    """The folder of raw data, of which the driver has the heads."""

    def __init__(self, session: SparkSession, where: str, folder: Path) -> None:
        self.where, self.folder = where, folder
        self._session = session

    def address(self, path: Path) -> str:
        """Where Spark finds the file whose head is `path`."""
        return f"{self.where}/{path.relative_to(self.folder)}"

    def open(self, path: Path) -> IO[bytes]:
        """The whole file, as it is read: to count the lines up to a finding."""
        address = self.address(path)
        if not _on_s3(address):
            return open_bytes(Path(address))
        stream = _object(address)
        return cast(IO[bytes], gzip.open(stream)) if path.suffix == ".gz" else stream

    def fetch_heads(self, experiment: Experiment) -> None:
        """The first bytes of every file of the experiment; of Parquet, an empty file with the same columns."""
        if not isinstance(experiment.data, Files):
            raise SystemExit("data: only `kind: files` is prepared on Spark; the other kinds fit on one machine")
        for declared in (experiment.data.interactions, experiment.data.users, experiment.data.items):
            if declared is None:
                continue
            head = self.folder / declared.path
            head.parent.mkdir(parents=True, exist_ok=True)
            if is_parquet(head):
                names = self._session.read.parquet(self.address(head)).columns
                parquet.write_table(pa.table({name: pa.array([], pa.string()) for name in names}), head)
                continue
            with self.open(head) as stream:
                first = stream.readline(HEAD)
            with gzip.open(head, "wb") if head.suffix == ".gz" else head.open("wb") as kept:
                kept.write(first)


def _publish(prepared: Prepared, out: str) -> str:
    if _on_s3(out):
        return publish.to_bucket(prepared, urlsplit(out).netloc)
    return str(publish.to_folder(prepared, Path(out)))


def _fetched(address: str, target: Path) -> Path:
    if _on_s3(address):
        with _object(address) as stream, target.open("wb") as kept:
            shutil.copyfileobj(stream, kept)
    else:
        shutil.copyfile(address, target)
    return target


def _object(address: str) -> IO[bytes]:
    import boto3

    parts = urlsplit(address)
    found = boto3.client("s3").get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))
    return cast(IO[bytes], io.BufferedReader(_Body(found["Body"])))


class _Body(io.RawIOBase):
    """An object's body as a file that buffers can be put around."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self._body.read(len(buffer))
        buffer[: len(read)] = read
        return len(read)

    def close(self) -> None:
        self._body.close()
        super().close()


def _on_s3(address: str) -> bool:
    return address.startswith("s3://")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0], allow_abbrev=False)
    for name in ("experiment", "data", "scratch", "out"):
        parser.add_argument(f"--{name}", required=True, metavar="ADDRESS")
    return parser


if __name__ == "__main__":
    main()
