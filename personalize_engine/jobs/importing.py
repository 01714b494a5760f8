"""Dataset import jobs: files from S3, validated, to one Parquet file of the dataset."""

from __future__ import annotations

import shutil
from pathlib import Path

from personalize_engine import avro
from personalize_engine.errors import JobFailed
from personalize_engine.jobs.registry import ACTIVE, BEING_CREATED, Ending, Job, Result, Work, register
from personalize_engine.store.artifacts import Artifacts

TABLE = "table.parquet"
KIND = "dataset-import-job"


def table_path(artifacts: Artifacts, import_arn: str) -> Path:
    """Where an import's rows lie."""
    return artifacts.path(import_arn) / TABLE


def import_data(work: Work, arn: str) -> Result:
    """Reads, validates and writes the table. FULL mode: it replaces what the dataset held."""
    from pyarrow import parquet

    from personalize_engine.jobs import s3, tables

    job = work.resource(arn)
    if job.body["importMode"] != "FULL":
        raise JobFailed("The import mode INCREMENTAL is not supported yet by this engine: use FULL.")
    dataset = work.resource(job.body["datasetArn"])
    schema = avro.parse(work.resource(dataset.body["schemaArn"]).body["schema"])
    downloads = work.aside / "downloads"
    downloads.mkdir()
    work.progress(done=0, total=3, message="reading from S3")
    files = s3.fetch(
        job.body["dataSource"]["dataLocation"], job.body.get("roleArn"), into=downloads, region=work.region
    )
    work.progress(done=1, total=3, message="validating")
    table = tables.read(files, schema)
    work.progress(done=2, total=3, message=f"writing {table.num_rows} rows")
    parquet.write_table(table, work.aside / TABLE, compression="zstd")
    shutil.rmtree(downloads)
    return {"rows": table.num_rows}


def _finish(end: Ending, arn: str) -> None:
    """The dataset holds this import's rows from now on; a training that is under way keeps the files it reads."""
    job = end.transaction.get(arn)
    assert job is not None, "a job without its resource has been dropped before"
    dataset = end.transaction.get(job.body["datasetArn"])
    assert dataset is not None, "a dataset is not deleted while it is imported into"
    before = dataset.body.get("_table")
    end.transaction.set_members(dataset.arn, _table=arn, _rows=end.result["rows"])
    end.transaction.set_status(arn, ACTIVE)
    if before and not end.transaction.count("solution-version", statuses=BEING_CREATED):
        end.obsolete.append(before)


register(Job(kind=KIND, work=import_data, in_process=True, finish=_finish))
