"""Reports stay; the engine's state stays of the newest runs."""

from __future__ import annotations

from pathlib import Path

from local_cloud.runs import forget_old_states


def test_only_old_states_go(tmp_path: Path) -> None:
    for day in range(1, 5):
        (tmp_path / f"2026010{day}-000000" / "state" / "artifacts").mkdir(parents=True)
        (tmp_path / f"2026010{day}-000000" / "report.json").write_text("{}")
    (tmp_path / "report.json").write_text("{}")
    removed = forget_old_states(tmp_path, keep=2)
    assert [path.parent.name for path in removed] == ["20260101-000000", "20260102-000000"]
    assert len(list(tmp_path.glob("*/report.json"))) == 4
    assert len(list(tmp_path.glob("*/state"))) == 2
    assert forget_old_states(tmp_path, keep=2) == []
