"""Every page in a real browser: nothing asked of others, no serious barrier, light and dark, phone, keyboard."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser_pages import BROWSER, DESK, MISSING, PHONE, Visit
from playwright.sync_api import Browser, sync_playwright
from report_examples import aws_report, local_report
from werkzeug.serving import make_server

from contract import naming
from contract.recipes import RECIPES
from evaluation.page import render
from evaluation.runs import write
from look.campaigns import Asked, Campaign, LookError, Recommended
from look.page import Known, create_app

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)
PAGES = ("report", "runs", "look", "report from AWS", "report of long names")
Open = Callable[..., Visit]


class Shop:
    """Stands for the service behind the page of `make serve` (tests/engine/test_look_page.py asks the real one)."""

    context_fields = ("CABIN_TYPE",)

    def __init__(self) -> None:
        self.sent: list[str] = []

    def campaigns(self) -> list[Campaign]:
        return [Campaign(arn=name, name=name, recipe=RECIPES[name]) for name in ("aws-hrnn", "aws-sims")]

    def recommend(self, campaign: Campaign, asked: Asked) -> list[Recommended]:
        if asked.filter_expression:
            raise LookError("unexpected end of the expression")
        first = len(self.sent)
        return [Recommended(item=f"item-{n}", score=0.5) for n in range(first, first + 15)]

    def send(self, user: str, item: str, **_: object) -> None:
        self.sent.append(item)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    long = local_report()
    long.experiment = "x" * naming.MAX_EXPERIMENT
    long.recipes["aws-" + "x" * 200] = next(iter(long.recipes.values()))
    for name, report in (("report", local_report()), ("report from AWS", aws_report()), (PAGES[-1], long)):
        page = folder / f"{name}.html"
        page.write_text(render(report), encoding="utf-8")
        found[name] = page.as_uri()
    found["runs"] = _runs(folder / "out").as_uri()
    known = Known(experiment="shop", users=["user-1"], titles={"item-3": "Third"}, contexts={"CABIN_TYPE": ["Economy"]})
    server = make_server("127.0.0.1", 0, create_app(Shop(), known), threaded=True)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found["look"] = f"http://127.0.0.1:{server.server_port}/?user=user-1"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def _runs(folder: Path) -> Path:
    for place in (1, 2):
        report = local_report()
        report.started_at = f"2026-01-0{place}T00:00:00Z"
        report.data["version"] = "v1"
        for row in (*report.recipes.values(), *report.baselines.values()):
            row.per_user, row.users_digest = [0.1 * place + user / 1000 for user in range(50)], "same"
        path = folder / report.experiment / f"2026010{place}-000000" / "report.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(report.to_json()), encoding="utf-8")
        path.with_suffix(".html").write_text(render(report), encoding="utf-8")
    return write(folder)


@pytest.fixture
def visit(browser: Browser, addresses: dict[str, str]) -> Iterator[Open]:
    opened = []

    def open_page(name: str, *, scheme: str = "light", width: int = DESK) -> Visit:
        opened.append(Visit(browser, addresses.get(name, name), scheme=scheme, width=width))
        return opened[-1]

    yield open_page
    for page in opened:
        page.close()


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    [
        *((name, "light", DESK) for name in PAGES),
        *((name, "dark", DESK) for name in PAGES[:3]),
        *((name, "light", PHONE) for name in PAGES),
    ],
)
def test_no_request_elsewhere_no_serious_barrier(visit: Open, name: str, scheme: str, width: int) -> None:
    seen = visit(name, scheme=scheme, width=width)
    assert seen.elsewhere() == []
    assert seen.complaints == []
    assert seen.width_needed() <= width
    assert seen.darkness() == (scheme == "dark")
    assert seen.violations() == []


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_reaches_everything(visit: Open, name: str) -> None:
    assert visit(name).unreached() == []


@pytest.mark.parametrize("name", ["report", "report from AWS"])
def test_wide_tables_scroll_inside_their_own_box(visit: Open, name: str) -> None:
    boxes = visit(name, width=PHONE).page.locator(".scroll")
    assert boxes.evaluate_all("boxes => boxes.some(box => box.scrollWidth > box.clientWidth)")


def test_a_report_prints(visit: Open) -> None:
    printed = visit("report").page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) in range(4, 13)


def test_a_run_is_followed_to_its_own_page(visit: Open) -> None:
    seen = visit("runs")
    seen.page.locator("table a").first.click()
    assert "20260102" in seen.page.url
    assert seen.page.locator("h1").inner_text() != "Past runs"


def test_a_comparison_opens_and_closes_by_the_keyboard(visit: Open) -> None:
    page = visit("runs").page
    assert page.locator("details table").first.is_visible()
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert not page.locator("details table").first.is_visible()


def test_a_click_on_an_item_marks_what_is_new(visit: Open) -> None:
    seen = visit("look")
    seen.page.locator("button[name=sent]").nth(3).click()
    assert "Third" in seen.page.locator("[role=status]").inner_text()
    assert seen.page.locator("mark").count() > 1
    assert seen.violations() == []


def test_what_would_be_found_is_found(visit: Open, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        '<!DOCTYPE html><html><title>x</title><body style="width:2000px"><img src="http://example.invalid/pixel.png">'
        '<p style="color:#ddd;background:#fff">pale</p><button tabindex="-1">unreachable</button>'
    )
    seen = visit(bad.as_uri(), width=PHONE)
    assert seen.elsewhere() == ["http://example.invalid/pixel.png"]
    assert seen.width_needed() > PHONE
    assert {"image-alt", "color-contrast"} <= {found.partition(":")[0] for found in seen.violations()}
    assert len(seen.unreached()) == 1
