"""Bands of users and of items have headings of their own, though both have a middle."""

from __future__ import annotations

import re

from report_examples import local_report

from contract.results import Band
from evaluation.breakdown import ACTIVITY, POPULARITY
from evaluation.page_breakdown import breakdown


def test_users_and_items_are_headed_by_what_they_are() -> None:
    report = local_report()
    for row in report.recipes.values():
        row.recall_by_activity = [Band(name=name, size=10, recall=0.5, of=[1, 9]) for name in ACTIVITY]
        row.recall_by_popularity = [Band(name=name, size=10, recall=0.5) for name in POPULARITY]
    users, items = breakdown(report).split("By how popular the item is")
    heads = [re.findall("<strong>(.*?)</strong>", part) for part in (users, items)]
    assert heads == [
        ["Least active third", "Middle third", "Most active third"],
        ["Popular items", "Items in between", "Rare items", "Items without a past"],
    ]
