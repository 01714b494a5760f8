"""What ships: the packages and their pinned companions, the same bytes on every machine."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

from synth_app import ROOT, Template

from stacks.assets import DISTRIBUTIONS, SHIPPED, _InstalledDistributions


def _asset(assembly: Path, template: Template, kind: str) -> Path:
    row = next(iter(template.of_type(kind).values()))
    key = (row["Properties"].get("Code") or row["Properties"]["Content"])["S3Key"]
    files = json.loads((assembly / "everything.assets.json").read_text())["files"]
    return assembly / str(files[key.removesuffix(".zip")]["source"]["path"])


def test_the_code_asset_is_the_packages_and_nothing_else(everything: Template, assembly: Path) -> None:
    folder = _asset(assembly, everything, "AWS::Lambda::Function")
    assert {path.name for path in folder.iterdir()} == set(SHIPPED)
    shipped = {path.relative_to(folder) for path in folder.rglob("*.py")}
    assert shipped == {path.relative_to(ROOT) for package in SHIPPED for path in (ROOT / package).rglob("*.py")}
    others = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.suffix != ".py"]
    assert others == [Path("costs", "prices.json")]


def test_all_functions_share_one_asset(everything: Template) -> None:
    functions = everything.of_type("AWS::Lambda::Function").values()
    assert len({json.dumps(row["Properties"]["Code"]) for row in functions}) == 1


def test_the_layer_is_what_is_pinned(everything: Template, assembly: Path, tmp_path: Path) -> None:
    folder = _asset(assembly, everything, "AWS::Lambda::LayerVersion")
    pins = (ROOT / "requirements.txt").read_text().split()
    for name in DISTRIBUTIONS:
        assert f"{name}=={metadata.version(name)}" in pins
    assert (folder / "python" / "aws_lambda_powertools" / "logging" / "logger.py").is_file()
    assert (folder / "python" / "typing_extensions.py").is_file()
    assert not list(folder.rglob("__pycache__"))
    assert not list(folder.rglob("RECORD"))  # differs between installers
    assert _InstalledDistributions().try_bundle(str(tmp_path))
    again = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert again == {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
