"""Where and when a figure was measured."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess

from benchmarks.recipes.sources import ROOT


def made() -> dict[str, str]:
    """Commit (with a mark if the tree differs from it), machine, date."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return {
        "commit": (git("rev-parse", "--short", "HEAD") or "unknown") + (" and changes" if changed else ""),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "date": datetime.date.today().isoformat(),
    }
