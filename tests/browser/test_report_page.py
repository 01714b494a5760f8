"""The page in a real browser: fits a phone, asks no other host for anything, breaks none of its own rules."""

from __future__ import annotations

import html
import json
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from report_examples import aws_report, local_report

from evaluation.page import render

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
PHONE = 390

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser found (one of {', '.join(NAMES)})")


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    return Browse(tmp_path)


class Browse:
    """Runs the browser without a window, without names of other hosts and with a profile of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "net.json"

    def __call__(self, page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
        assert BROWSER
        command = [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--enable-logging=stderr",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--log-net-log={self.log}",
            f"--user-data-dir={self.folder / 'profile'}",
            *flags,
            page.as_uri(),
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    def requested(self) -> list[str]:
        """What the page asked for; what the browser asks for on its own account has no origin."""
        found = []
        for line in self.log.read_text(encoding="utf-8").splitlines():
            if '"initiator"' in line:
                params = json.loads(line.rstrip().removesuffix("]}").rstrip(","))["params"]
                if params["initiator"] != "not an origin":
                    found.append(params["url"])
        return found


def _size(png: Path) -> tuple[int, int]:
    header = png.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", header[16:24])
    return width, height


MEASURE = """
addEventListener('load', () => {
  const page = document.getElementById('phone').contentDocument;
  const wide = [...page.querySelectorAll('body *')].filter(e =>
    !e.closest('.scroll, pre, svg, .skip') && e.getBoundingClientRect().right > innerWidth_ + 0.5);
  document.title = JSON.stringify({
    page: page.documentElement.scrollWidth,
    wide: wide.slice(0, 5).map(e => e.outerHTML.slice(0, 80)),
    scrolling: [...page.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length,
  });
});
""".replace("innerWidth_", str(PHONE))


@pytest.mark.parametrize("name", ["local", "aws"])
def test_a_phone_needs_no_sideways_scrolling_of_the_page(name: str, tmp_path: Path, browse: Browse) -> None:
    report = {"local": local_report, "aws": aws_report}[name]()
    report.recipes["aws-" + "x" * 200] = next(iter(report.recipes.values()))
    framed = f'<iframe id="phone" style="width:{PHONE}px;height:844px;border:0" srcdoc="{html.escape(render(report))}">'
    page = tmp_path / "phone.html"
    page.write_text(f"<!DOCTYPE html><title>?</title><script>{MEASURE}</script>{framed}</iframe>")
    dom = browse(page, "--dump-dom").stdout
    (found,) = re.findall("<title>(.*?)</title>", dom[:6000])
    assert f'"page":{PHONE},"wide":[],' in html.unescape(found)
    assert '"scrolling":0' not in found, "wide tables scroll inside their own box"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_drawn_and_asks_for_nothing(scheme: str, tmp_path: Path, browse: Browse) -> None:
    page, picture = tmp_path / "report.html", tmp_path / "report.png"
    page.write_text(render(local_report()), encoding="utf-8")
    dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    said = browse(page, f"--screenshot={picture}", "--window-size=1200,2400", *dark).stderr
    assert _size(picture) == (1200, 2400)
    assert picture.stat().st_size > 50_000, "an empty page would be smaller"
    assert "CONSOLE" not in said, said
    assert browse.requested() == []


def test_a_page_that_asks_for_something_would_be_noticed(tmp_path: Path, browse: Browse) -> None:
    page = tmp_path / "asking.html"
    page.write_text('<!DOCTYPE html><img src="http://example.invalid/pixel.png">')
    browse(page, "--dump-dom")
    assert browse.requested() == ["http://example.invalid/pixel.png"]


def test_it_prints(tmp_path: Path, browse: Browse) -> None:
    page, printed = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(render(local_report()), encoding="utf-8")
    browse(page, "--no-pdf-header-footer", f"--print-to-pdf={printed}")
    content = printed.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) in range(4, 13)
