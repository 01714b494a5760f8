"""Every test starts without AWS settings of the person who runs it, and finds the real data if it is there."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
TEST_DATA = Path(os.environ.get("PERSONALIZE_TEST_DATA", ROOT.parent / "shared" / "data"))
REQUIRE_ALL = bool(os.environ.get("PERSONALIZE_REQUIRE_ALL"))
"""Set in CI: what is missing fails a test instead of skipping it."""

# A busy machine is no failure; and CI tries the same cases every time, so that it fails for the change it tests.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


LONG = ("matrix", "pipeline", "reuse", "spark", "browser")
"""Folders whose files take minutes each, the longest first: a file that begins last decides when all is over."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        folder = item.path.parent.name
        first = item.path.name == "test_teardown.py"
        return -1 if first else LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=place)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("realdata") and not TEST_DATA.is_dir():
        pytest.skip(f"no real data at {TEST_DATA} (set PERSONALIZE_TEST_DATA)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though everything is required: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _no_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data (tests that use it are marked `realdata`)."""
    return TEST_DATA
