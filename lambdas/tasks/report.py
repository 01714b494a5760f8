"""Renders report.html from report.json: the same page, made by the same code, on AWS and on a laptop.

Calls: s3:GetObject reports/*/report.json, s3:PutObject reports/*/report.html.
"""

from __future__ import annotations

from contract import layout
from contract.plan import WriteReport, Written
from contract.results import Report
from evaluation.page import render
from lambdas.aws import Clients
from lambdas.task import task


def write_report(event: WriteReport, aws: Clients) -> Written:
    """Writes the page beside the JSON."""
    run = event.run
    report = Report.from_json(aws.read_json(run.bucket, layout.report(run.run_id, "json")))
    key = layout.report(run.run_id, "html")
    aws.write(run.bucket, key, render(report).encode(), content_type="text/html; charset=utf-8")
    return Written(report_html=key)


handler = task(WriteReport, write_report)
