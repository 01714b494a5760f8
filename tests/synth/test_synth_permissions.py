"""docs/permissions.md is about the template as it is."""

from __future__ import annotations

from pathlib import Path

from combinations import FAST
from grown_quickstart import grown_quickstart
from synth_app import synthesize

from tools.permissions import EXPERIMENT, PAGE, documented, grants, read


def test_the_page_lists_every_grant_and_no_other(tmp_path: Path) -> None:
    template = synthesize(tmp_path, grown_quickstart(), **FAST)
    listed = read(PAGE.read_text(encoding="utf-8"))
    assert set(listed) == set(grants(template[EXPERIMENT].body)), "run `make permissions`"
    for grant, proof in listed.items():
        assert proof or documented(grant), grant
