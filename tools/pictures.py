"""The pictures in docs/pictures/: `python -m tools.pictures` (`make pictures`), from the newest run of quickstart.

Only generated data are shown. The report is rendered anew from report.json; the page of `make serve` is asked for one
example user. Needs the machine's Chromium and the development requirements. Beside them lies a digest of the code that
draws each, so that a test can tell which is stale.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import make_server

from contract.results import Report
from evaluation.page import render
from local_cloud import services
from local_cloud.errors import LocalCloudError
from local_cloud.look import Looking, known_of, newest, service_of
from local_cloud.processes import Processes
from look.page import create_app

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
EXPERIMENT = "quickstart"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH = 1080
HEIGHTS = {"report": 800, "serve": 860}
"""{picture: its height in pixels}"""
DRAWN_BY = {
    "report": tuple(f"evaluation/{name}.py" for name in ("charts", "document", "page", "page_style", "verdict")),
    "serve": ("look/page.py", "look/static/look.css", "look/templates/lists.html"),
}
"""{picture: files that decide what its screen looks like}"""
DIGESTS = PICTURES / "drawn-by.json"


def digests() -> dict[str, str]:
    """{picture: digest of what draws it now}; DIGESTS has the same of when it was taken."""
    read = {name: b"".join((ROOT / file).read_bytes() for file in files) for name, files in DRAWN_BY.items()}
    return {name: hashlib.sha256(content).hexdigest() for name, content in read.items()}


def main() -> int:
    """Take them all; 1 with a message if there is no run or no browser."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        print(f"No browser was found (one of {', '.join(BROWSERS)}).", file=sys.stderr)
        return 1
    try:
        run = newest(Looking(experiment=EXPERIMENT, out=ROOT / "out", root=ROOT))
    except LocalCloudError as error:
        print(error, file=sys.stderr)
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = Path(folder) / "report.html"
        report = Report.from_json(json.loads((run / "report.json").read_text(encoding="utf-8")))
        page.write_text(render(report), encoding="utf-8")
        _take(browser, "report", page.as_uri())
        with _served(run, Path(folder)) as address:
            _take(browser, "serve", address)
        browser.close()
    DIGESTS.write_text(json.dumps(digests(), indent=2) + "\n", encoding="utf-8")
    return 0


def _take(browser: Browser, name: str, address: str) -> None:
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHTS[name]}, color_scheme="light")
    page = context.new_page()
    page.goto(address)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
    context.close()


@contextmanager
def _served(run: Path, folder: Path) -> Iterator[str]:
    """The address of the page over a copy of the run's state, for the first example user and their newest item."""
    shutil.copytree(run / "state", folder / "state")
    example = json.loads((run / "report.json").read_text(encoding="utf-8"))["examples"][0]
    with Processes() as processes:
        service = service_of(services.start_engine_alone(processes, folder, ROOT, data=folder / "state"))
        service.make_campaigns()
        server = make_server(services.HOST, 0, create_app(service, known_of(EXPERIMENT, run)), threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{services.HOST}:{server.server_port}/?user={example['user']}&item={example['past'][-1]}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


if __name__ == "__main__":
    sys.exit(main())
