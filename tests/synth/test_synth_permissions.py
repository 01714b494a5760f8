"""docs/permissions.md and docs/permissions-options.md are about the templates as they are."""

from __future__ import annotations

from pathlib import Path

from combinations import FAST
from grown_quickstart import grown_quickstart, optioned_quickstart
from synth_app import synthesize

from tools.permissions import EXPERIMENT, PAGE, PAGE_OF_OPTIONS, documented, grants, read


def test_the_pages_list_every_grant_and_no_other(tmp_path: Path) -> None:
    plain = set(grants(synthesize(tmp_path / "plain", grown_quickstart(), **FAST)[EXPERIMENT].body))
    optioned = set(grants(synthesize(tmp_path / "optioned", optioned_quickstart(), **FAST)[EXPERIMENT].body))
    for page, there in ((PAGE, plain), (PAGE_OF_OPTIONS, optioned - plain)):
        listed = read(page.read_text(encoding="utf-8"))
        assert set(listed) == there, "run `make permissions`"
        for grant, proof in listed.items():
            assert proof or documented(grant), grant
    assert plain <= optioned
