"""Data deletion jobs: users leave imported tables, events, and the histories of trained versions.

Two steps. A worker writes every file that names one of the users once more without them; the end of its job puts these
in place of the old ones and deletes rows. Then the database is compacted, so that no byte of them stays, and only then
the job is COMPLETED. Each step may be repeated after a crash: what is gone already is not found a second time.

A model's weights stay as they were learned until the solution is trained again, as on AWS; what is known of the user
at a request (the history) is gone at once.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from contract import fields
from contract.recipes import DatasetKind
from personalize_engine import avro
from personalize_engine.errors import JobFailed
from personalize_engine.jobs import importing, training
from personalize_engine.jobs.registry import ACTIVE, BEING_CREATED, Ending, Job, Loader, Result, Work, register
from personalize_engine.serving.datasets import REVISION, TABLE, Held, held
from personalize_engine.serving.trained import HISTORIES
from personalize_engine.store.artifacts import Artifacts
from personalize_engine.store.database import Store
from personalize_engine.store.forgetting import forget_events, forget_records
from personalize_engine.store.transaction import Resource, Transaction

KIND, COMPACT = "data-deletion-job", "compact-after-deletion"
PENDING, IN_PROGRESS, COMPLETED, FAILED = "PENDING", "IN_PROGRESS", "COMPLETED", "FAILED"
MAX_BYTES = 50 << 20
"""Of all files of a job (developer guide, "Deleting users and their data with a data deletion job")."""
DELETED = "_deleted"
"""Member of a job's body: rows deleted so far."""
LIST = avro.Schema(
    kind=DatasetKind.USERS,
    columns=(avro.Column(name=fields.USER_ID, type="string", nullable=False, categorical=False, textual=False),),
)
"""What a list of users looks like."""


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """Files without the users, to be put in place of those that name them."""

    files: dict[str, str]
    """{ARN of the import or version: name of the file}; the new one lies below a folder of the same name as the old."""
    rows: int
    """Taken out of datasets."""


def under_way(transaction: Transaction, dataset_group: str) -> list[Resource]:
    """Imports and trainings of the group that have not ended: they may bring back what is deleted meanwhile."""
    datasets = [row.arn for row in transaction.page("dataset", parents=[dataset_group])]
    imports = transaction.page(importing.KIND, parents=datasets)
    return [row for row in (*imports, *_versions(transaction, dataset_group)) if row.status in BEING_CREATED]


def deletions_under_way(transaction: Transaction, dataset_group: str) -> list[Resource]:
    """Data deletion jobs of the group that have not ended."""
    return [row for row in transaction.page(KIND, parents=[dataset_group]) if row.status in (PENDING, IN_PROGRESS)]


def forget_in_folder(folder: Path, users: Sequence[str], *, look: bool = False) -> int:
    """Takes users out of every dataset group of a folder that no engine has open; rows of datasets and files changed.

    `look`: changes nothing. CannotStart if an engine has the folder open.
    """
    store, artifacts = Store.open(folder), Artifacts(folder)
    aside = folder / "aside" / "forget"
    try:
        with store.read() as transaction:
            groups = [row.arn for row in transaction.page("dataset-group")]
        changed = 0
        for group in groups:
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            found = rewrite(store, artifacts, group, users, aside)
            changed += found.rows + len(found.files)
            with suppress(_OnlyLooked), store.write() as transaction:
                changed += _delete_rows(transaction, group, users)
                if look:
                    raise _OnlyLooked
                _put_in_place(artifacts, aside, found.files)
        if not look:
            store.compact()
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        store.close()
    return changed


class _OnlyLooked(Exception):
    """Takes back what a transaction would have done."""


def rewrite(store: Store, artifacts: Artifacts, dataset_group: str, users: Sequence[str], aside: Path) -> Rewritten:
    """Writes the group's files that name one of the users into `aside`, without them."""
    with store.read() as transaction:
        datasets = held(transaction, dataset_group)
        versions = [row.arn for row in _versions(transaction, dataset_group) if row.status == ACTIVE]
    files, rows = {}, 0
    for arn, name, kind in _files(datasets, versions):
        path = artifacts.path(arn) / name
        if not path.is_file():  # a failed update, or deleted meanwhile
            continue
        removed = _without(path, aside / path.parent.name, users, kind)
        if removed:
            files[arn] = name
            rows += removed if name == TABLE else 0
    return Rewritten(files=files, rows=rows)


def _files(datasets: dict[DatasetKind, Held], versions: Sequence[str]) -> Iterator[tuple[str, str, DatasetKind]]:
    """ARN, file name, and whose rows they are like."""
    for kind in (DatasetKind.INTERACTIONS, DatasetKind.USERS):
        for layer in datasets[kind].layers if kind in datasets else ():
            yield layer.arn, TABLE, kind
    for arn in versions:
        yield arn, HISTORIES, DatasetKind.INTERACTIONS


def _without(path: Path, folder: Path, users: Sequence[str], kind: DatasetKind) -> int:
    """Writes the file anew into `folder` if it has rows of the users; how many it had."""
    from personalize_engine.serving.imported import CHUNK, open_file, without_users, write_file

    table, removed = without_users(open_file(path), users)
    if removed:
        folder.mkdir()
        write_file(table, folder / path.name, rows_per_batch=None if kind is DatasetKind.INTERACTIONS else CHUNK)
    return removed


def _put_in_place(artifacts: Artifacts, folder: Path, files: dict[str, str]) -> None:
    for arn, name in files.items():
        new, old = folder / artifacts.path(arn).name / name, artifacts.path(arn) / name
        if new.is_file() and old.is_file():
            os.replace(new, old)


def _delete_rows(transaction: Transaction, dataset_group: str, users: Sequence[str]) -> int:
    """From the database; and whoever holds the group's tables open is told that they have changed."""
    deleted = forget_events(transaction, dataset_group, users)
    for kind, dataset in held(transaction, dataset_group).items():
        if kind is DatasetKind.USERS:
            deleted += forget_records(transaction, dataset.arn, users)
        transaction.set_members(dataset.arn, **{REVISION: dataset.revision + 1})
    return deleted


def _versions(transaction: Transaction, dataset_group: str) -> list[Resource]:
    solutions = [row.arn for row in transaction.page("solution", parents=[dataset_group])]
    return transaction.page(training.KIND, parents=solutions)


# --------------------------------------------------------------------------------------------------- the service's job
def delete_data(work: Work, arn: str) -> Result:
    """Reads the list of users and writes the files that name them anew."""
    from personalize_engine.jobs import s3, tables

    job = work.resource(arn).body
    downloads = work.aside / "downloads"
    downloads.mkdir()
    work.progress(done=0, total=2, message="reading from S3")
    files = s3.fetch(job["dataSource"]["dataLocation"], job["roleArn"], into=downloads, region=work.region)
    if (size := sum(file.path.stat().st_size for file in files)) > MAX_BYTES:
        raise JobFailed(f"The list of users has {size / (1 << 20):.1f} MB; it may have {MAX_BYTES >> 20} MB.")
    users = sorted(set(tables.read(files, LIST).column(fields.USER_ID).to_pylist()))
    shutil.rmtree(downloads)
    work.progress(done=1, total=2, message="taking the users out of files")
    found = rewrite(work.store, work.artifacts, job["datasetGroupArn"], users, work.aside)
    return {"users": users, "files": found.files, "rows": found.rows}


def _begin(transaction: Transaction, arn: str) -> None:
    transaction.set_status(arn, IN_PROGRESS)


def _finish(end: Ending, arn: str) -> None:
    """The rows are gone; the job goes on with the database's file."""
    job = end.transaction.get(arn)
    assert job is not None, "a job without its resource has been dropped before"
    group = job.body["datasetGroupArn"]
    _put_in_place(end.artifacts, end.artifacts.path(arn), end.result["files"])
    end.artifacts.remove(arn)
    before = job.body.get(DELETED, 0)
    rows = end.result["rows"] + _delete_rows(end.transaction, group, end.result["users"])
    end.transaction.set_members(arn, **{DELETED: before + rows})
    _drop_from_memory(end.transaction, end.loader, group)
    end.transaction.enqueue(COMPACT, arn)


def _compact(work: Work, arn: str) -> Result:
    work.store.compact()
    return {}


def _complete(end: Ending, arn: str) -> None:
    job = end.transaction.get(arn)
    assert job is not None, "a job without its resource has been dropped before"
    # Once more: a request may have read a version's files just before they were replaced.
    _drop_from_memory(end.transaction, end.loader, job.body["datasetGroupArn"])
    end.transaction.set_members(arn, numDeleted=job.body[DELETED])
    end.transaction.set_status(arn, COMPLETED)


def _drop_from_memory(transaction: Transaction, loader: Loader, dataset_group: str) -> None:
    for version in _versions(transaction, dataset_group):
        loader.forget(version.arn)


def _fail(transaction: Transaction, arn: str, reason: str) -> None:
    transaction.set_status(arn, FAILED, reason)


register(Job(kind=KIND, work=delete_data, in_process=True, begin=_begin, finish=_finish, fail=_fail))
register(Job(kind=COMPACT, work=_compact, begin=_begin, finish=_complete, fail=_fail))
