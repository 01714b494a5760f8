"""Published files are named by the manifest, the manifest comes last, and nothing half written counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from contract.manifest import Manifest
from data_prep import publish
from data_prep.command import main
from data_prep.errors import StackError
from data_prep.prepare import Prepared, prepare
from experiments.load import load

YAML = """\
name: shop
data: {kind: generated, users: 60, items: 60, events_per_user: 30}
schemas:
  items: [{name: GENRES, type: string, categorical: true}]
recipes: [aws-popularity-count]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(YAML)
    return path


@pytest.fixture
def prepared(file: Path, tmp_path: Path) -> Prepared:
    work = tmp_path / "work"
    work.mkdir()
    return prepare(load(file), work, file=file)


class Stacks:
    """Stands in for CloudFormation."""

    def __init__(self) -> None:
        self.outputs: dict[str, dict[str, str]] = {}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
        if StackName not in self.outputs:
            said = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": said}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs[StackName].items()]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": outputs}]}


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stacks]:
    """An account with the bucket shop-data."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made, client = Stacks(), boto3.client
    monkeypatch.setattr(
        boto3, "client", lambda name, **given: made if name == "cloudformation" else client(name, **given)
    )
    with mock_aws():
        client("s3").create_bucket(Bucket="shop-data")
        yield made


def check(manifest: Manifest, contents: dict[str, bytes]) -> None:
    """The manifest tells the truth about the files."""
    listed = [*manifest.files.past.values(), manifest.files.future]
    assert {entry.key for entry in listed} == set(contents)
    for entry in listed:
        content = contents[entry.key]
        lines = content.decode().splitlines()
        assert hashlib.sha256(content).hexdigest() == entry.sha256
        assert lines[0].split(",") == entry.columns
        assert len(lines) - 1 == entry.rows
    assert manifest.files.past["Interactions"].rows == manifest.counts["past"].interactions
    assert manifest.files.future.rows == manifest.counts["future"].interactions


def test_into_a_folder(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "out"
    assert main([str(file), "--out", str(out)]) == 0
    manifest = Manifest.from_json(json.loads((out / "data/manifest.json").read_text()))
    files = [path for path in out.rglob("*") if path.is_file() and path.name != "manifest.json"]
    check(manifest, {str(path.relative_to(out)): path.read_bytes() for path in files})
    assert manifest.holdout == {"kind": "last", "share": "1/10"}
    assert f"Version {manifest.version}" in capsys.readouterr().out


def test_equal_data_have_the_same_version_and_other_data_do_not(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    versions = []
    for text in (YAML, YAML, YAML.replace("users: 60", "users: 61")):
        file.write_text(text)
        assert main([str(file), "--out", str(out)]) == 0
        versions.append(json.loads((out / "data/manifest.json").read_text())["version"])
    assert versions[0] == versions[1] != versions[2]
    assert {path.name for path in (out / "data").iterdir()} == {"manifest.json", versions[0], versions[2]}


def test_what_fails_on_the_way_leaves_the_version_before(prepared: Prepared, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def fail(_: int) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        publish.to_folder(prepared, out, sent=fail)
    assert [path for path in out.rglob("*") if path.is_file()] == []


def test_into_the_bucket_of_the_stack(file: Path, stacks: Stacks, capsys: pytest.CaptureFixture[str]) -> None:
    stacks.outputs["shop"] = {"DataBucketName": "shop-data"}
    assert main([str(file), "--stack"]) == 0
    assert "s3://shop-data/data/manifest.json" in capsys.readouterr().out
    bucket = boto3.resource("s3").Bucket("shop-data")
    contents = {entry.key: entry.get()["Body"].read() for entry in bucket.objects.all()}
    check(Manifest.from_json(json.loads(contents.pop("data/manifest.json"))), contents)


def test_into_a_bucket_by_its_name(file: Path, stacks: Stacks, capsys: pytest.CaptureFixture[str]) -> None:
    stacks.outputs["team"] = {"TheirBucket": "shop-data"}
    assert main([str(file), "--bucket", "shop-data"]) == 0
    assert "s3://shop-data/data/manifest.json" in capsys.readouterr().out
    keys = {entry.key for entry in boto3.resource("s3").Bucket("shop-data").objects.all()}
    assert "data/manifest.json" in keys


def test_the_manifest_is_uploaded_last(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    class Recorder:
        def __init__(self) -> None:
            self.keys: list[str] = []

        def upload_file(self, _: str, __: str, key: str, **___: Any) -> None:
            self.keys.append(key)

        def put_object(self, **given: Any) -> None:
            self.keys.append(given["Key"])

    recorder = Recorder()
    monkeypatch.setattr(boto3, "client", lambda *_, **__: recorder)
    publish.to_bucket(prepared, "shop-data")
    assert recorder.keys == [*prepared.files, "data/manifest.json"]


def test_the_stack_of_an_environment(file: Path, stacks: Stacks, capsys: pytest.CaptureFixture[str]) -> None:
    stacks.outputs["shop-prod"] = {"DataBucketName": "shop-data"}
    assert main([str(file), "--stack", "-c", "env=prod"]) == 0
    assert main([str(file), "--stack"]) == 2
    told = capsys.readouterr().err
    assert "there is no stack shop" in told
    assert "--bucket NAME" in told


def test_a_stack_without_the_output(stacks: Stacks) -> None:
    stacks.outputs["shop"] = {"Other": "x"}
    with pytest.raises(StackError, match="has no output DataBucketName"):
        publish.bucket_of("shop")


def test_a_bucket_that_is_gone(prepared: Prepared, stacks: Stacks) -> None:
    with pytest.raises(StackError, match="cannot be written"):
        publish.to_bucket(prepared, "shop-gone")


def test_without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(StackError, match="Check your AWS credentials and region"):
        publish.bucket_of("shop")


def test_without_a_target_nothing_is_published(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(tmp_path.rglob("*"))
    assert main([str(file)]) == 0
    assert "Nothing was published" in capsys.readouterr().out
    assert set(tmp_path.rglob("*")) == before


def test_json_is_the_manifest_alone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(file), "--json"]) == 0
    assert Manifest.from_json(json.loads(capsys.readouterr().out)).experiment == "shop"


def test_interrupted(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C reaches Python as an error of the database while a query runs."""

    class Interrupted:
        def execute(self, _: str) -> None:
            raise RuntimeError("Query interrupted")

        def close(self) -> None:
            pass

    monkeypatch.setattr("data_prep.database.duckdb.connect", lambda *_, **__: Interrupted())
    before = set(tmp_path.rglob("*"))
    monkeypatch.setattr("data_prep.database.Database.register", lambda *_: None)
    assert main([str(file), "--out", str(tmp_path / "new" / "out")]) == 130
    assert "nothing was published" in capsys.readouterr().err
    assert set(tmp_path.rglob("*")) == before
