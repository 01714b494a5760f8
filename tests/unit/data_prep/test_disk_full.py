"""A disk that fills up: the preparation says so, and leaves what was published before as it was.

The system refuses to let a file grow beyond a limit, which is how a full disk looks to whoever writes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
YAML = """\
name: shop
data:
  kind: files
  interactions: {path: log.csv, columns: {USER_ID: who, ITEM_ID: what, TIMESTAMP: when}}
recipes: [aws-popularity-count]
"""


def prepare(folder: Path, *, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    def limited() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "data_prep", str(folder / "shop.yaml"), "--out", str(folder / "out")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, preexec_fn=limited)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's limit on the size of files")
@pytest.mark.parametrize("limit", [50_000, 700_000], ids=["while reading", "while writing"])
def test_no_room(tmp_path: Path, limit: int) -> None:
    rows = [f"u{n % 997},i{n % 389},{1_700_000_000 + n}" for n in range(80_000)]
    (tmp_path / "shop.yaml").write_text(YAML)
    (tmp_path / "log.csv").write_text("\n".join(["who,what,when", *rows[:8000]]))
    assert prepare(tmp_path).returncode == 0
    before = files(tmp_path / "out")
    (tmp_path / "log.csv").write_text("\n".join(["who,what,when", *rows]))
    failed = prepare(tmp_path, limit=limit)
    assert failed.returncode == 2
    assert f"{tmp_path / 'out'}: no room to work in" in " ".join(failed.stderr.split())
    assert "Traceback" not in failed.stderr
    assert files(tmp_path / "out") == before
    assert prepare(tmp_path).returncode == 0
    assert files(tmp_path / "out") != before
