"""The data preparation as an AWS Glue job, for data that one machine cannot hold (`spark_job:` of an experiment).

Nothing starts it but its user (`aws glue start-job-run`, see docs/large-data.md): a run is billed, so it is neither
repeated nor part of the pipeline. It reads the experiment and the raw data below `raw/` of the data bucket and
publishes into that bucket, as `python -m data_prep --stack` does.
"""

from __future__ import annotations

from importlib import metadata

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from experiments.config import GlueJob
from stacks.assets import ROOT
from stacks.permissions import allow
from stacks.storage import Storage
from stacks.task_function import LOG_RETENTION

GLUE_VERSION = "5.1"
"""Spark 3.5.6, Python 3.11, Java 17."""
SCRIPT = "data_prep/glue.py"
PACKAGES = ("contract", "data_prep", "experiments")
"""What the script imports of ours."""
DISTRIBUTIONS = ("ibis-framework", "sqlglot", "duckdb", "numpy", "pandas", "pyarrow", "pydantic", "pyyaml", "rich")
"""What these need beside the runtime, of exactly the versions that are tested here."""
RAW, SCRATCH = "raw", "scratch"
"""Folders of the data bucket: what the user puts there, and what lies there while the job runs."""


class SparkJob(Construct):
    """The job, its role, its log groups and the key that encrypts them."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: GlueJob, experiment: str, prefix: str, storage: Storage
    ) -> None:
        super().__init__(scope, construct_id)
        script = assets.Asset(self, "Script", path=str(ROOT / SCRIPT))
        code = assets.Asset(
            self,
            "Code",
            path=str(ROOT),
            exclude=["/*", *(f"!/{package}" for package in PACKAGES), "**/__pycache__"],
            ignore_mode=cdk.IgnoreMode.GIT,
        )
        log_prefix = f"/aws-glue/{prefix}"
        key = self._key(log_prefix)
        groups = [
            logs.LogGroup(
                self,
                f"{name.capitalize()}Logs",
                log_group_name=f"{log_prefix}/{name}",
                encryption_key=key,
                retention=LOG_RETENTION,
                removal_policy=cdk.RemovalPolicy.DESTROY,
            )
            for name in ("output", "error")
        ]
        security = glue.CfnSecurityConfiguration(
            self,
            "Security",
            name=f"{prefix}-prepare",
            encryption_configuration={
                "cloudWatchEncryption": {"cloudWatchEncryptionMode": "SSE-KMS", "kmsKeyArn": key.key_arn},
                "jobBookmarksEncryption": {"jobBookmarksEncryptionMode": "CSE-KMS", "kmsKeyArn": key.key_arn},
                # The bucket encrypts with keys of S3, which Personalize may read without a key of ours.
                "s3Encryptions": [{"s3EncryptionMode": "SSE-S3"}],
            },
        )
        bucket = storage.data
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("glue.amazonaws.com"),
            inline_policies={
                "prepare": iam.PolicyDocument(
                    statements=[
                        allow(
                            ["s3:GetObject"],
                            *(asset.bucket.arn_for_objects(asset.s3_object_key) for asset in (script, code)),
                        ),
                        allow(["s3:GetObject"], bucket.arn_for_objects(f"{RAW}/*")),
                        allow(["s3:ListBucket"], bucket.bucket_arn),
                        allow(
                            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], bucket.arn_for_objects(f"{SCRATCH}/*")
                        ),
                        allow(["s3:PutObject"], bucket.arn_for_objects("data/*")),
                        allow(
                            ["logs:AssociateKmsKey", "logs:CreateLogStream", "logs:PutLogEvents"],
                            *(group.log_group_arn for group in groups),
                        ),
                        allow(["glue:GetSecurityConfiguration"], "*"),
                        allow(["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], key.key_arn),
                    ]
                )
            },
        )
        address = f"s3://{bucket.bucket_name}"
        self.job = glue.CfnJob(
            self,
            "Job",
            name=f"{prefix}-prepare",
            description="Prepares the experiment's data on Spark and publishes it",
            role=role.role_arn,
            command=glue.CfnJob.JobCommandProperty(
                name="glueetl", python_version="3", script_location=script.s3_object_url
            ),
            glue_version=GLUE_VERSION,
            worker_type="G.1X",
            number_of_workers=settings.workers,
            execution_class="FLEX",
            max_retries=0,
            timeout=settings.minutes,
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=1),
            security_configuration=security.name,
            default_arguments={
                "--experiment": f"{address}/{RAW}/{experiment}.yaml",
                "--data": f"{address}/{RAW}",
                "--scratch": f"{address}/{SCRATCH}",
                "--out": address,
                "--extra-py-files": code.s3_object_url,
                "--additional-python-modules": ",".join(pins()),
                "--custom-logGroup-prefix": log_prefix,
                "--enable-continuous-cloudwatch-log": "true",
                "--job-bookmark-option": "job-bookmark-disable",
            },
        )
        self.job.add_resource_dependency(security)

    def _key(self, log_prefix: str) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            description="Encrypts the logs of the data preparation on Glue",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        stack = cdk.Stack.of(self)
        ours = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"{log_prefix}/*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
                actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
                resources=["*"],
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": ours}},
            )
        )
        return key


def _arn(asset: assets.Asset) -> str:
    return asset.bucket.arn_for_objects(asset.s3_object_key)


def pins() -> list[str]:
    """The distributions with their versions, as pip takes them."""
    return [f"{name}=={metadata.version(name)}" for name in DISTRIBUTIONS]
