"""Imports: what is read, and the failureReason of what cannot be."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError
from engine_server import BUCKET, ROLE, Bench, EngineProcess, interactions_csv, schema


@pytest.fixture(scope="module")
def dataset(bench: Bench) -> str:
    return bench.dataset(bench.group())


def rows(count: int = 1200, *, header: str = "USER_ID,ITEM_ID,TIMESTAMP") -> list[str]:
    return [header, *(f"u{n % 30},i{n % 7},{1_600_000_000 + n}" for n in range(count))]


def text(lines: list[str]) -> bytes:
    return "\n".join(lines).encode() + b"\n"


def changed(line: int, to: str) -> bytes:
    """`line` as people count: the header is line 1."""
    lines = rows()
    lines[line - 1] = to
    return text(lines)


def test_an_object_and_a_prefix(bench: Bench, dataset: str) -> None:
    lines = rows(2000)
    bench.put(text(lines[:900]), "many/a.csv")
    bench.put(text([lines[0], *lines[900:]]), "many/b.csv")
    bench.put(b"", "many/_SUCCESS")
    odd = bench.put(text(lines), "odd#name?of=a key.csv")
    for location in (bench.put(text(lines)), odd, f"s3://{BUCKET}/many/", f"s3://{BUCKET}/many"):
        done = bench.load(dataset, location)
        assert done["status"] == "ACTIVE", done.get("failureReason")
        assert done["importMode"] == "FULL"
        assert done["dataSource"] == {"dataLocation": location}
    jobs = bench.personalize.list_dataset_import_jobs(datasetArn=dataset)["datasetImportJobs"]
    assert [job["status"] for job in jobs] == ["ACTIVE"] * 4


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (text(rows(0)), "no rows"),
        (text(rows(999)), "999 records; at least 1000"),
        (text(rows(header="USER_ID,ITEM,TIMESTAMP")), "missing the following columns: [ITEM_ID]"),
        (text([line + ",1" for line in rows(header="USER_ID,ITEM_ID,TIMESTAMP,X")]), "the schema lacks: [X, 1]"),
        (text(rows(header="USER_ID,ITEM_ID,ITEM_ID,TIMESTAMP")), "twice"),
        (changed(501, "u1,i1"), "line 501 has 2 fields; the header has 3"),
        (changed(501, "u1,i1,1,1"), "line 501 has 4 fields; the header has 3"),
        (changed(77, "u1,i1,soon"), "line 77: TIMESTAMP is not of type long ('soon')"),
        (changed(77, "u1,i1,1.5"), "line 77: TIMESTAMP is not of type long"),
        (changed(77, "u1,i1,99999999999999999999"), "TIMESTAMP is not of type long"),
        (changed(77, "u1,i1,"), "line 77: TIMESTAMP is empty, and the schema does not allow null"),
        (changed(78, ",i1,1600000000"), "line 78: USER_ID is empty"),
        (changed(79, "u1,i1,1600000000000"), "line 79: TIMESTAMP looks like milliseconds"),
        (changed(80, "u1,i1,-5"), "line 80: TIMESTAMP is negative"),
        (changed(81, "u" * 257 + ",i1,1600000000"), "line 81: USER_ID has more than 256 characters"),
        (changed(82, "§,i1,1600000000").replace("§".encode(), b"\xff\xfe"), "line 82 is not UTF-8"),
        (text(rows()).replace(b"USER_ID", b"\xff"), "line 1 is not UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(bench: Bench, dataset: str, body: bytes, said: str) -> None:
    if "twice" in said:
        body = text([line.replace(",", ",x,", 1) if n else line for n, line in enumerate(body.decode().split())])
    done = bench.load(dataset, bench.put(body, "wrong.csv"))
    assert done["status"] == "CREATE FAILED"
    assert said in done["failureReason"]


def test_types_nulls_quotes_and_any_order_of_columns(bench: Bench) -> None:
    items = bench.dataset(
        bench.group(),
        "Items",
        schema(
            "Items",
            {"name": "GENRE", "type": ["null", "string"], "categorical": True},
            {"name": "PRICE", "type": ["null", "float"]},
            {"name": "NEW", "type": "boolean"},
            {"name": "TEXT", "type": ["null", "string"], "textual": True},
        ),
    )
    good = 'NEW,ITEM_ID,GENRE,PRICE,TEXT\nTRUE,a,"x|y",1e3,"two\nlines, ""quoted"""\nfalse,b,,,\n'
    done = bench.load(items, bench.put(good.encode()))
    assert done["status"] == "ACTIVE", done.get("failureReason")
    wrong = good + "maybe,c,,,\n"
    done = bench.load(items, bench.put(wrong.encode()))
    assert "line 5: NEW is not of type boolean ('maybe')" in done["failureReason"]
    done = bench.load(items, bench.put((good + f"true,c,{'x' * 1001},,\n").encode()))
    assert "GENRE has more than 1000 characters" in done["failureReason"]


def test_requests_that_are_refused(bench: Bench, dataset: str) -> None:
    api, name = bench.personalize, bench.name("import")
    request = {"jobName": name, "datasetArn": dataset, "roleArn": ROLE}
    with pytest.raises(ClientError, match=r"InvalidInputException.*dataLocation"):
        api.create_dataset_import_job(**request, dataSource={"dataLocation": "ftp://x/y"})
    with pytest.raises(ClientError, match=r"InvalidInputException.*dataLocation"):
        api.create_dataset_import_job(**request, dataSource={})
    api.create_dataset_import_job(**request, dataSource={"dataLocation": bench.put(text(rows()))})
    with pytest.raises(ClientError, match="ResourceAlreadyExistsException"):
        api.create_dataset_import_job(**request, dataSource={"dataLocation": f"s3://{BUCKET}/x"})


def test_locations_without_data(bench: Bench, dataset: str) -> None:
    for location in (f"s3://{BUCKET}/absent.csv", f"s3://{BUCKET}/absent/", "s3://no-such-bucket/x.csv"):
        done = bench.load(dataset, location)
        assert done["status"] == "CREATE FAILED"
        assert "There is no data at" in done["failureReason"]


def test_an_incremental_import_adds_and_a_full_one_replaces(bench: Bench) -> None:
    group = bench.group()
    dataset = bench.dataset(group)
    more = bench.put(text([line.replace(",i", ",new") for line in rows(1000)]))
    with pytest.raises(ClientError, match="INCREMENTAL adds to a FULL import"):
        bench.load(dataset, more, importMode="INCREMENTAL")
    bench.load(dataset, bench.put(text(rows(1400))))
    added = bench.load(dataset, more, importMode="INCREMENTAL")
    assert added["status"] == "ACTIVE", added.get("failureReason")
    few = bench.load(dataset, bench.put(text(rows(999))), importMode="INCREMENTAL")
    assert "999 records; at least 1000" in few["failureReason"]
    solution = bench.solution(group, "aws-popularity-count")
    campaign = bench.campaign(bench.version(solution)["solutionVersionArn"])
    assert {item.rstrip("0123456") for item in bench.items(campaign, userId="u")} == {"i", "new"}
    bench.load(dataset, more)
    campaign = bench.campaign(bench.version(solution)["solutionVersionArn"])
    assert {item.rstrip("0123456") for item in bench.items(campaign, userId="u")} == {"new"}


class Roles(ThreadingHTTPServer):
    """Answers for a role's credentials as whoever runs the engine beside a cloud does."""

    asked: list[dict[str, Any]]
    allowed: bool


@pytest.fixture
def roles() -> Iterator[Roles]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            answer = (
                {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}
                if server.allowed
                else {"message": "the role does not trust personalize.amazonaws.com"}
            )
            body = json.dumps(answer).encode()
            self.send_response(200 if server.allowed else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Nothing on the terminal."""

    server = Roles(("127.0.0.1", 0), Handler)
    server.asked, server.allowed = [], True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_s3_is_read_as_the_role(roles: Roles, start_engine: Callable[..., EngineProcess], s3: Any) -> None:
    url = f"http://127.0.0.1:{roles.server_address[1]}/"
    bench = Bench(start_engine(PERSONALIZE_ROLE_CREDENTIALS_URL=url), s3)
    dataset, location = bench.dataset(bench.group()), bench.put(interactions_csv())
    assert bench.load(dataset, location)["status"] == "ACTIVE"
    assert roles.asked == [{"roleArn": ROLE, "dataLocation": location, "action": "s3:GetObject"}]
    roles.allowed = False
    denied = bench.load(dataset, location)
    assert denied["status"] == "CREATE FAILED"
    assert denied["failureReason"].startswith("Insufficient privileges for accessing data in Amazon S3")
    assert "does not trust" in denied["failureReason"]


def test_the_address_of_the_role_s_credentials_is_kept_to_itself(
    start_engine: Callable[..., EngineProcess], s3: Any
) -> None:
    bench = Bench(start_engine(PERSONALIZE_ROLE_CREDENTIALS_URL="http://127.0.0.1:1/secret"), s3)
    failed = bench.load(bench.dataset(bench.group()), bench.put(interactions_csv()))
    assert "could not be had" in failed["failureReason"]
    assert "secret" not in failed["failureReason"]
