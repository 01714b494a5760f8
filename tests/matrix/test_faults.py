"""The fault matrix: a sample of it, and the whole (slow)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud import cdk
from tests.matrix.fault_cells import Billed, Matrix, prepared
from tests.matrix.fault_rows import CELLS, FAULTS, ROWS, Cell, sample
from tests.matrix.faults_page import PAGE, functions_and_faults

pytestmark = pytest.mark.skipif(not cdk.installed(), reason="run python -m local_cloud.cdk install")


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with prepared(tmp_path_factory.mktemp("faults")) as made:
        yield made


def _hold(matrix: Matrix, cells: list[Cell]) -> None:
    outcomes = [matrix.tried(cell) for cell in cells]
    broken = [f"{row.cell}: {row.told}" for row in outcomes if row.how == "broken"]
    assert not broken, "\n".join(broken)
    assert sum(row.duplicates for row in outcomes) == 0


def test_a_sample_of_the_matrix_holds(matrix: Matrix) -> None:
    assert set(matrix.functions) == set(ROWS)
    _hold(matrix, sample(6, seed=129))


@pytest.mark.slow
def test_a_function_that_is_cut_off_at_each_try_is_named(matrix: Matrix) -> None:
    told = matrix.always_cut_off("CheckData") or ""
    assert told.startswith("CutOff: Check the data: its function ran out of time or its process ended")
    assert "Start again with the same input" in told


@pytest.mark.parametrize(
    ("runs", "duplicates"),
    [
        ([[("CreateSolutionVersion", "v", {})], [("CreateSolutionVersion", "v", {})]], 1),
        ([[("CreateDatasetImportJob", "i", {}), ("CreateDatasetImportJob", "i-a2", {})]], 1),
        ([[("CreateSolutionVersion", "v", {"failed": True})], [("CreateSolutionVersion", "v-a2", {})]], 0),
        ([[("CreateSolutionVersion", "v", {"accepted": False}), ("CreateSolutionVersion", "v", {})]], 0),
        ([[("CreateCampaign", "c", {})], [("CreateCampaign", "c", {})]], 0),
        ([[("CreateCampaign", "c", {}), ("CreateCampaign", "c", {})]], 1),
        ([[("CreateSolution", "s", {}), ("CreateSolution", "s", {})]], 0),
    ],
)
def test_what_counts_as_billed_twice(runs: list[list[tuple[str, str, dict[str, bool]]]], duplicates: int) -> None:
    billed = Billed()
    told = [[{"operation": made, "name": name, "accepted": True, **more} for made, name, more in run] for run in runs]
    assert sum(billed.twice(calls) for calls in told) == duplicates


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("function", ROWS)
def test_every_fault_of_a_function_is_recovered_from_or_told(matrix: Matrix, function: str) -> None:
    _hold(matrix, [cell for cell in CELLS if cell.function == function])


def test_the_page_is_of_the_functions_and_faults_that_there_are() -> None:
    told = functions_and_faults(Path(PAGE).read_text(encoding="utf-8"))
    assert told == (sorted(ROWS), list(FAULTS.values())), "run `make faults`"
