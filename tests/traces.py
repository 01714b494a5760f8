"""Looks for a text in everything that lies in a folder or an object: in the bytes, and in what they hold.

The text must be one that no other text contains. What is compressed is decompressed, what is columnar is read.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ENCODINGS = ("utf-8", "utf-16-le", "utf-32-le")


def in_folder(folder: Path, text: str) -> list[str]:
    """The files below the folder that have it, by their paths within it."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (in_bytes(path.read_bytes(), text) or text in path.name):
            found.append(str(path.relative_to(folder)))
    return found


def in_bytes(content: bytes, text: str) -> bool:
    """Whether the content has it."""
    if any(text.encode(encoding) in content for encoding in ENCODINGS):
        return True
    if content[:2] == b"\x1f\x8b":
        return in_bytes(gzip.decompress(content), text)
    if content[:4] == b"PK\x03\x04":  # .npz as well
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(in_bytes(archive.read(name), text) for name in archive.namelist())
    if content[:4] == b"PAR1":
        return _in_table(pq.read_table(io.BytesIO(content)), text)
    if content[:6] == b"ARROW1":
        return _in_table(pa.ipc.open_file(io.BytesIO(content)).read_all(), text)
    return False


def _in_table(table: pa.Table, text: str) -> bool:
    return any(text in str(value) for column in table.columns for value in column.unique().to_pylist())
