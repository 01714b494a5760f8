"""Dataset import jobs: files from S3, validated, to one file of the dataset."""

from __future__ import annotations

import shutil
import time

from personalize_engine import avro
from personalize_engine.errors import JobFailed
from personalize_engine.jobs.registry import ACTIVE, Ending, Job, Result, Work, register
from personalize_engine.serving.datasets import LAYERS, TABLE, with_layer
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.database import Store

KIND = "dataset-import-job"
GIGABYTE = 1 << 30
MAX_BYTES = {"FULL": 100 * GIGABYTE, "INCREMENTAL": GIGABYTE}
"""Of the data of one import, by its mode (developer guide, "Endpoints and quotas")."""


def import_data(work: Work, arn: str) -> Result:
    """Reads, validates and writes the table."""
    from personalize_engine.jobs import s3, tables
    from personalize_engine.serving.imported import write_table

    job = work.resource(arn)
    dataset = work.resource(job.body["datasetArn"])
    schema = avro.parse(work.resource(dataset.body["schemaArn"]).body["schema"])
    downloads = work.aside / "downloads"
    downloads.mkdir()
    work.progress(done=0, total=3, message="reading from S3")
    files = s3.fetch(
        job.body["dataSource"]["dataLocation"], job.body.get("roleArn"), into=downloads, region=work.region
    )
    _check_size(sum(file.path.stat().st_size for file in files), job.body["importMode"])
    work.progress(done=1, total=3, message="validating")
    table = tables.read(files, schema)
    work.progress(done=2, total=3, message=f"writing {table.num_rows} rows")
    write_table(table, work.aside / TABLE, schema.kind)
    shutil.rmtree(downloads)
    return {"rows": table.num_rows}


def remove_replaced(store: Store, artifacts: Artifacts) -> None:
    """At the start: files of imports that are part of no dataset any more, which a crash may have left."""
    with store.read() as transaction:
        layers = {arn for dataset in transaction.page("dataset") for arn, _ in dataset.body.get(LAYERS, ())}
        imports = transaction.page(KIND)
    for job in imports:
        if job.arn not in layers:
            artifacts.remove(job.arn)


def _check_size(found: int, mode: str) -> None:
    if found > MAX_BYTES[mode]:
        raise JobFailed(
            f"The data has {found / GIGABYTE:.2f} GB; an import in {mode} mode may have"
            f" {MAX_BYTES[mode] // GIGABYTE} GB."
        )


def _finish(end: Ending, arn: str) -> None:
    """The dataset holds this import's rows from now on: FULL in the place of all imported ones, else on top of them.

    Files that fall away are removed at once: a training that reads one has it open.
    """
    job = end.transaction.get(arn)
    assert job is not None, "a job without its resource has been dropped before"
    dataset = end.transaction.get(job.body["datasetArn"])
    assert dataset is not None, "a dataset is not deleted while it is imported into"
    layers, gone = with_layer(dataset.body, arn, at=time.time(), replace=job.body["importMode"] == "FULL")
    end.transaction.set_members(dataset.arn, **{LAYERS: layers})
    end.transaction.set_status(arn, ACTIVE)
    end.obsolete.extend(gone)


register(Job(kind=KIND, work=import_data, in_process=True, finish=_finish))
