"""What the engine is told when it asks for a service role's credentials, and what they are good for."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import psutil
import pytest
from cloud_engine import ACCOUNT
from cloud_stacks import allow

from local_cloud import server
from local_cloud.services import LocalCloud

Json = dict[str, Any]
BUCKET = "cloud-test-data"
GUARDED = {
    "StringEquals": {"aws:SourceAccount": ACCOUNT},
    "ArnLike": {"aws:SourceArn": f"arn:aws:personalize:us-east-1:{ACCOUNT}:*"},
}
IN_BUCKET = [allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/*"), allow("s3:ListBucket", f"arn:aws:s3:::{BUCKET}")]


@pytest.fixture(scope="module")
def roles_url(cloud: LocalCloud) -> str:
    """Only the engine is told; the test takes it from MiniStack's environment."""
    for child in psutil.Process().children(recursive=True):
        if server.ROLES_URL in (environment := child.environ()):
            return environment[server.ROLES_URL]
    raise AssertionError("MiniStack does not run")


@pytest.fixture(scope="module")
def _data(cloud: LocalCloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="data/v/past/interactions.csv", Body=b"USER_ID\n1\n")


def deployed(stacks: Any, *, trust: Json, role_statements: list[Json], bucket_statements: list[Json]) -> str:
    """A service role and the bucket's policy; the role's ARN."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", **trust}]}
    policy = {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": role_statements}}
    resources: Json = {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": document, **({"Policies": [policy]} if role_statements else {})},
        }
    }
    if bucket_statements:
        named = [{**s, "Principal": {"Service": "personalize.amazonaws.com"}} for s in bucket_statements]
        secure = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        resources["Policy"] = {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": BUCKET,
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [*named, secure]},
            },
        }
    outputs = stacks.deploy("service-role", resources, outputs={"arn": {"Fn::GetAtt": ["Role", "Arn"]}})
    return str(outputs["arn"])


def ask(url: str, role_arn: str | None) -> tuple[int, Json]:
    wanted = {
        "roleArn": role_arn,
        "dataLocation": f"s3://{BUCKET}/data/v/past/interactions.csv",
        "action": "s3:GetObject",
    }
    request = urllib.request.Request(url, data=json.dumps(wanted).encode(), method="POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


TRUST = {"Principal": {"Service": "personalize.amazonaws.com"}, "Condition": GUARDED}


@pytest.mark.usefixtures("_data")
def test_the_credentials_read_what_the_role_allows(stacks: Any, cloud: LocalCloud, roles_url: str) -> None:
    arn = deployed(stacks, trust=TRUST, role_statements=IN_BUCKET, bucket_statements=IN_BUCKET)
    status, told = ask(roles_url, arn)
    assert status == 200, told
    s3 = _s3(cloud, told)
    assert s3.get_object(Bucket=BUCKET, Key="data/v/past/interactions.csv")["Body"].read() == b"USER_ID\n1\n"
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(Bucket=BUCKET, Key="other", Body=b"")


@pytest.mark.usefixtures("_data")
def test_a_role_that_may_only_list_gets_credentials_that_read_nothing(
    stacks: Any, cloud: LocalCloud, roles_url: str
) -> None:
    arn = deployed(stacks, trust=TRUST, role_statements=IN_BUCKET[1:], bucket_statements=IN_BUCKET)
    status, told = ask(roles_url, arn)
    assert status == 200
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        _s3(cloud, told).get_object(Bucket=BUCKET, Key="data/v/past/interactions.csv")


@pytest.mark.usefixtures("_data")
@pytest.mark.parametrize(
    ("trust", "bucket_statements", "word"),
    [
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, IN_BUCKET, "assume"),
        ({**TRUST, "Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}}}, IN_BUCKET, "assume"),
        (
            {**TRUST, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:personalize:eu-west-1:000000000000:*"}}},
            IN_BUCKET,
            "assume",
        ),
        (TRUST, [], "policy of the resource"),
        (TRUST, IN_BUCKET[:1], "s3:ListBucket"),
        (TRUST, IN_BUCKET[1:], "s3:GetObject"),
    ],
    ids=["other service", "other account", "other region", "no bucket policy", "no ListBucket", "no GetObject"],
)
def test_trust_and_bucket_policy_are_asked_first(
    stacks: Any, roles_url: str, trust: Json, bucket_statements: list[Json], word: str
) -> None:
    arn = deployed(stacks, trust=trust, role_statements=IN_BUCKET, bucket_statements=bucket_statements)
    status, told = ask(roles_url, arn)
    assert status == 403
    assert word in told["message"]
    assert "Insufficient privileges" in told["message"]


@pytest.mark.usefixtures("_data")
def test_a_role_that_may_not_list_is_denied(stacks: Any, roles_url: str) -> None:
    arn = deployed(stacks, trust=TRUST, role_statements=IN_BUCKET[:1], bucket_statements=IN_BUCKET)
    status, told = ask(roles_url, arn)
    assert status == 403
    assert f"s3:ListBucket on resource: arn:aws:s3:::{BUCKET}" in told["message"]


def test_a_role_that_does_not_exist_is_denied(roles_url: str) -> None:
    status, told = ask(roles_url, f"arn:aws:iam::{ACCOUNT}:role/nobody")
    assert status == 403
    assert "does not exist" in told["message"]


def test_a_call_without_a_role_is_denied(roles_url: str) -> None:
    status, told = ask(roles_url, None)
    assert status == 403
    assert "needs a roleArn" in told["message"]


@pytest.mark.usefixtures("_data")
def test_credentials_cannot_be_guessed(stacks: Any, roles_url: str) -> None:
    """They are made anew each time, not derived from what a function knows."""
    arn = deployed(stacks, trust=TRUST, role_statements=IN_BUCKET, bucket_statements=IN_BUCKET)
    (_, first), (_, second) = ask(roles_url, arn), ask(roles_url, arn)
    assert not {*first.values()} & {*second.values()}


def test_the_address_is_of_no_use_without_its_secret_path(roles_url: str) -> None:
    status, _ = ask(roles_url.rsplit("/", 1)[0] + "/guess", f"arn:aws:iam::{ACCOUNT}:role/nobody")
    assert status == 404


def _s3(cloud: LocalCloud, told: Json) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=cloud.gateway_url,
        verify=str(Path(cloud.ca)),
        region_name="us-east-1",
        aws_access_key_id=told["AccessKeyId"],
        aws_secret_access_key=told["SecretAccessKey"],
        aws_session_token=told["SessionToken"],
    )
