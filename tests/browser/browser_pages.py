"""A real browser for tests of pages: Playwright drives the machine's Chromium, axe-core judges accessibility."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PHONE, DESK = 390, 1200
SERIOUS = {"serious", "critical"}
MISSING = (
    f"no browser found (one of {', '.join(NAMES)}): install Chromium"
    if BROWSER is None
    else f"{AXE} is missing: `make lint` sets it up"
    if not AXE.is_file()
    else ""
)
"""Why these tests cannot run; empty if they can."""


class Visit:
    """One page in a window of its own, whose requests are written down; the way to other hosts is closed."""

    def __init__(self, browser: Browser, url: str, *, scheme: str = "light", width: int = DESK) -> None:
        self.requested: list[str] = []
        self.complaints: list[str] = []
        # The page's own policy would refuse the rules' script: it is bypassed for that, and for nothing else.
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True, service_workers="block"
        )  # type: ignore[call-overload]
        self.page: Page = self.context.new_page()
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)

    def elsewhere(self) -> list[str]:
        """Requests to anything but this machine and the page's own data."""
        return [url for url in self.requested if not url.startswith(("file://", "data:", "http://127.0.0.1:"))]

    def violations(self) -> list[str]:
        """What axe-core finds of level serious or worse."""
        self.page.add_script_tag(path=AXE)
        found: dict[str, Any] = self.page.evaluate("() => axe.run({resultTypes: ['violations']})")
        return [
            f"{rule['id']}: {rule['nodes'][0]['html'][:150]} ({len(rule['nodes'])})"
            for rule in found["violations"]
            if rule["impact"] in SERIOUS
        ]

    def width_needed(self) -> int:
        """Pixels of the document's width; more than the window's means scrolling sideways."""
        return int(self.page.evaluate("() => document.documentElement.scrollWidth"))

    def darkness(self) -> bool:
        """Whether the page's ground is dark."""
        shade: str = self.page.evaluate(
            "() => [document.body, document.documentElement].map(e => getComputedStyle(e).backgroundColor)"
            ".find(colour => colour.startsWith('rgb('))"
        )
        return all(int(part) < 40 for part in shade[4:-1].split(","))

    def unreached(self) -> list[str]:
        """Links, fields, buttons and scrolling boxes that the tabulator key does not come to."""
        wanted = (
            "() => { window.left = new Set([...document.querySelectorAll('a[href], input:not([type=hidden]), "
            'button:not([disabled]), summary, [tabindex="0"]\')].filter(e => e.checkVisibility())); '
            "return window.left.size }"
        )
        for _ in range(int(self.page.evaluate(wanted)) + 2):
            self.page.keyboard.press("Tab")
            self.page.evaluate("() => { window.left.delete(document.activeElement) }")
        return list(self.page.evaluate("() => [...window.left].map(e => e.outerHTML.slice(0, 120))"))

    def close(self) -> None:
        self.context.close()
