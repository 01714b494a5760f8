"""A function's code and layers are unpacked and compiled once, not at every cold start.

Symptom without it: each new worker unpacks the archives of its function and layers into a folder of its own and Python
compiles every module again, in a run some thirty times: most of the processor time that is not training.
Seam: `lambda_runtime.zipfile` is replaced by one whose `extractall` unpacks an archive once, by its content, and puts
links to that into the worker's folder. Functions do not write there: on AWS it is read-only.
Tests: tests/cloud/test_cloud_machine.py.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import types
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime

from local_cloud.plugin.seams import expect

FOLDER = "unpacked"
"""Below the temporary folder, which a run has for itself."""

_lock = threading.Lock()


def install() -> None:
    """Put the replacement into the module that starts workers."""
    expect(lambda_runtime.zipfile is zipfile, "ministack.core.lambda_runtime.zipfile", "is no module any more")
    names = {name: getattr(zipfile, name) for name in dir(zipfile) if not name.startswith("_")}
    lambda_runtime.zipfile = types.SimpleNamespace(**{**names, "ZipFile": UnpackedOnce})


class UnpackedOnce(zipfile.ZipFile):
    """An archive that is unpacked at most once per content."""

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        """Links to the unpacked content; the usual way for anything but a whole archive from a file."""
        if path is None or members is not None or pwd is not None or self.filename is None:
            super().extractall(path, members, pwd)
            return
        for entry in self._unpacked(Path(self.filename)).iterdir():
            (Path(path) / entry.name).symlink_to(entry)

    def _unpacked(self, archive: Path) -> Path:
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        folder = Path(tempfile.gettempdir()) / FOLDER / digest
        with _lock:
            if not folder.exists():
                aside = folder.with_suffix(".aside")
                shutil.rmtree(aside, ignore_errors=True)
                aside.mkdir(parents=True)
                super().extractall(aside)
                aside.rename(folder)
        return folder
