"""Where it runs: the CDK app. With app.py the only importer of aws_cdk."""
