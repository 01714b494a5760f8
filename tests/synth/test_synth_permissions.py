"""docs/permissions.md is about the template as it is."""

from __future__ import annotations

from pathlib import Path

import yaml
from combinations import FAST
from synth_app import ROOT, synthesize

from tools.permissions import EXPERIMENT, PAGE, documented, grants, read


def test_the_page_lists_every_grant_and_no_other(tmp_path: Path) -> None:
    given = yaml.safe_load((ROOT / "experiments" / f"{EXPERIMENT}.yaml").read_text(encoding="utf-8"))
    template = synthesize(tmp_path, {"name": EXPERIMENT, **given}, **FAST)
    listed = read(PAGE.read_text(encoding="utf-8"))
    assert set(listed) == set(grants(template[EXPERIMENT].body)), "run `make permissions`"
    for grant, proof in listed.items():
        assert proof or documented(grant), grant
