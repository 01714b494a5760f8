"""The README's commands and links exist, the changelog names the version, every shipped pin is exact."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from experiments.load import load

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_command_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wanted = {
        name for group in re.findall(r"\bmake ([a-z-]+(?:\\?\|[a-z-]+)*)", text) for name in re.split(r"\\?\|", group)
    }
    code = " ".join(re.findall(r"`[^`]+`|^\$ .*$", text, flags=re.MULTILINE))
    unknown = {name for name in wanted if name not in _targets() and f"make {name}" in code}
    assert not unknown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


def test_the_changelog_names_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"^## {re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("name", ["requirements", "requirements-local", "requirements-dev", "requirements-peers"])
def test_every_requirement_is_pinned_with_hashes(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) > 20
    pin = r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==[^\s=;]+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+"
    assert not [line for line in lines if not re.fullmatch(pin, line)]


def test_the_experiment_shown_is_a_whole_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "my-shop.yaml").write_text(shown, encoding="utf-8")
    assert load(tmp_path / "my-shop.yaml").name == "my-shop"
