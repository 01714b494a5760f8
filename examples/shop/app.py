"""A shop's own app: an experiment beside a resource of the shop's, which holds the machine's ARN for its other jobs."""

import os

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from cdk_nag import AwsSolutionsChecks

from personalize_cdk import PersonalizeExperiment

app = cdk.App(outdir=os.environ.get("CDK_OUTDIR"))
stack = cdk.Stack(app, "Shop")
experiment = PersonalizeExperiment(stack, "Recommendations", experiment="shop.yaml")
ssm.StringParameter(stack, "Compare", string_value=experiment.state_machine.state_machine_arn)
cdk.CfnOutput(stack, "DataBucketName", value=experiment.data_bucket.bucket_name)
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
app.synth()
