"""The recipe benchmark from a folder of data to its page: cells are kept, and made anew where something changed."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from benchmarks.recipes.command import main
from benchmarks.recipes.sources import closure, digest
from benchmarks.recipes.subjects import Subject

USERS, ITEMS, EACH = 90, 80, 30
QUICK = "^(popularity|sequential_counts|EASE . recency|aws-popularity-count|aws-sims)$"


@pytest.fixture(autouse=True)
def _sources_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever edits a model while this runs does not change what is expected."""
    monkeypatch.setattr(Subject, "code", lambda subject: "the same")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """MovieLens' layout, where everybody walks from item to item: who counts followers knows what comes next."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    draw = random.Random(0)
    rows = []
    for user in range(1, USERS + 1):
        begin = draw.randrange(ITEMS)
        rows += [f"{user}\t{(begin + step) % ITEMS + 1}\t4\t{1000 * user + step}" for step in range(EACH)]
    (folder / "u.data").write_text("\n".join(rows) + "\n")
    (folder / "u.genre").write_text("odd|0\neven|1\n")
    items = [f"{k}|Item {k} (1990)|01-Jan-1990||nowhere|{k % 2}|{1 - k % 2}" for k in range(1, ITEMS + 1)]
    (folder / "u.item").write_text("\n".join(items) + "\n")
    (folder / "u.user").write_text("".join(f"{k}|30|F|writer|0\n" for k in range(1, USERS + 1)))
    return folder


def run(folder: Path, *more: str) -> tuple[int, str, list[Path]]:
    """Exit code, page, and the cells that are there."""
    out, page = folder.parent / "out", folder.parent / "page.md"
    where = ["--out", str(out), "--results", str(folder.parent / "results"), "--page", str(page)]
    code = main(["--data", str(folder), *where, *more])
    return code, page.read_text(), sorted((out / "cells").rglob("*.json.gz"))


def test_a_run_a_page_and_what_is_kept(tiny: Path) -> None:
    code, page, cells = run(tiny, "--works", "^tiny$", "--only", QUICK)
    assert code == 0
    assert len(cells) == 5
    times = [path.stat().st_mtime_ns for path in cells]
    result = json.loads((tiny.parent / "results" / "tiny.json").read_text())
    found = {line["name"]: line for line in result["lines"]}
    counted = found["sequential_counts"]
    assert (
        counted["values"]["unseen"]["precision_at_5"][0] > found["popularity"]["values"]["unseen"]["precision_at_5"][0]
    )
    value, low, high = counted["values"]["unseen"]["normalized_discounted_cumulative_gain_at_10"]
    assert low <= value <= high
    below = found["aws-popularity-count"]["differences"]["sequential_counts"]["precision_at_10"]
    assert below[1] <= below[0] <= below[2] < 0
    assert found["aws-hrnn"]["seeds"] == 0
    assert ", ALS, BPR, " in page, "what was not asked for is shown as not run"
    assert "## ml-1m\n\nNot run." in page
    assert not found["aws-sims"]["differences"], "it was asked another question"

    code, again, cells = run(tiny, "--works", "^tiny$", "--only", QUICK)
    assert (code, again) == (0, page)
    assert [path.stat().st_mtime_ns for path in cells] == times, "nothing changed, so nothing is run again"

    assert counted["peak_mb"] < 300, "that of its process, not of the one that started it"

    shutil.rmtree(tiny.parent / "out")
    code, page, cells = run(tiny, "--works", "^tiny$", "--only", "^popularity$")
    assert (code, len(cells)) == (0, 1)
    assert "| sequential_counts | 1 |" in page, "answers are gone, results are not"

    with (tiny / "u.data").open("a") as stream:
        stream.write("1\t3\t4\t99999\n")
    _, page, more = run(tiny, "--works", "^tiny$", "--only", "^popularity$")
    assert len(more) == 2, "other data, another cell"
    assert "| sequential_counts | 1 |" not in page, "a line of other data is not kept"


def test_cold_items_are_judged_over_random_ones(tiny: Path) -> None:
    code, page, _ = run(tiny, "--works", "cold-0", "--only", "random|genre")
    assert code == 0
    section = page[page.index("## tiny-cold") :]
    (row,) = [line for line in section.splitlines() if line.startswith("| random cold items")]
    assert row.startswith("| random cold items | 1.00 | **1.00** |")
    assert "| genre popularity | " in section


def test_a_process_that_fails_is_told_and_tried_again(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setattr("benchmarks.recipes.cells.ROOT", tiny)
    code, page, cells = run(tiny, "--works", "^tiny$", "--only", "^popularity$")
    assert code == 1
    assert not cells
    assert "popularity (failed), " in page
    monkeypatch.undo()
    code, page, cells = run(tiny, "--works", "^tiny$", "--only", "^popularity$")
    assert (code, len(cells)) == (0, 1)
    assert "popularity (failed)" not in page


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none of u\.data"):
        run(tmp_path)


def test_results_depend_on_what_is_imported_wherever_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    files = {
        "pack/__init__.py": "",
        "pack/a.py": "import json\n\ndef f():\n    from pack.b import g\n    return g\n",
        "pack/b.py": "from pack import c\n\ndef g(): ...\n",
        "pack/c.py": "X = 1\n",
        "pack/d.py": "from pack.a import f\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    names = {path.name for path in closure(["pack.a"], root=tmp_path)}
    assert names == {"a.py", "b.py", "c.py", "__init__.py"}
    assert {path.name for path in closure(["pack.a"], without=("pack.b",), root=tmp_path)} == {"a.py"}
    before = digest(["pack.a"], root=tmp_path)
    (tmp_path / "pack/d.py").write_text("")
    assert digest(["pack.a"], root=tmp_path) == before
    (tmp_path / "pack/c.py").write_text('"""Why."""\n\nX = 1  # told\n"""What."""\n')
    assert digest(["pack.a"], root=tmp_path) == before
    (tmp_path / "pack/c.py").write_text("X = 2\n")
    assert digest(["pack.a"], root=tmp_path) != before
