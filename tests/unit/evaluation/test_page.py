"""The page says everything the report holds, safely and as well-formed HTML, whatever the report holds."""

from __future__ import annotations

import dataclasses
import itertools
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_examples import aws_report, local_report

from contract.recipes import RECIPES, Question
from contract.results import (
    JUDGE_METRIC,
    METRICS,
    VIEWS,
    BaselineResult,
    Comparison,
    Example,
    RecipeResult,
    Report,
)
from evaluation.page import render
from evaluation.page_style import STYLE
from evaluation.words import metric_name

VOID = {"meta", "link", "br"}
EVIL = "</style><script>alert('x')</script>\"'&\x00\ud800 onload="


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed in order; collects ids, references, headings and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.headings: list[int] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, attrs)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.append((tag, name, value))
            if name == "id":
                self.ids.append(value or "")
            if name in {"aria-labelledby", "aria-describedby"}:
                self.references += (value or "").split()
            if name == "href" and (value or "").startswith("#"):
                self.references.append((value or "")[1:])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def read(page: str) -> Reader:
    """The page, checked: balanced, unique ids, no dangling reference, headings in order, one h1."""
    page.encode("utf-8")
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    assert len(reader.ids) == len(set(reader.ids))
    assert set(reader.references) <= set(reader.ids)
    assert reader.headings[0] == 1
    assert reader.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(reader.headings))
    assert {tag for tag, _, _ in reader.attributes}.isdisjoint({"script", "img", "iframe", "object", "form"})
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    return reader


def test_the_verdict_stands_first_with_its_uncertainty() -> None:
    text = read(render(local_report())).text
    assert "aws-hrnn recommends best on these data, by a clear margin" in text
    assert "aws-hrnn reaches NDCG@10 0.277 (95% interval 0.266–0.288) in the reading “returned”" in text
    assert "0.030 above aws-user-personalization, which is more than its uncertainty" in text
    assert "0.062 above the baseline “sequential counts”" in text


def test_the_question_stands_before_the_verdict() -> None:
    page = render(aws_report())
    assert "Does the order of ratings tell more than counting them?</p><h1>" in page
    assert 'class="asked"' not in render(local_report())


def test_a_lead_within_chance_is_called_so() -> None:
    text = read(render(aws_report())).text
    assert "its lead over aws-hrnn-metadata is within chance" in text
    assert "which chance alone could explain (95% interval −0.007 to +0.021)" in text


def test_every_recipe_status_and_reason_appears() -> None:
    report = local_report()
    text = read(render(report)).text
    for name, row in report.recipes.items():
        assert f"{name} " in text
        assert f"local approximation of {row.recipe_trained}" in text
        if row.failure_reason:
            assert f"{row.status}: {row.failure_reason}" in text
        if row.solution_version_arn:
            assert row.solution_version_arn in text
    assert "3 users with fewer than 25 unseen items" in text
    for name in report.baselines:
        assert name.replace("_", " ") in text


def test_successors_are_marked_on_every_row() -> None:
    report = aws_report()
    text = read(render(report)).text
    assert text.count("trained as aws-user-personalization") == len(report.recipes) * (1 + len(VIEWS))
    assert "local approximation" not in text
    assert "aws-user-personalization for aws-hrnn, aws-user-personalization for aws-hrnn-metadata" in text


def test_every_metric_in_every_reading_is_in_a_table_and_explained() -> None:
    report = local_report()
    page = render(report)
    text = read(page).text
    for view in VIEWS:
        assert f"All metrics in the reading “{view}”" in text
        value = report.recipes["aws-hrnn"].metrics[view][JUDGE_METRIC]
        assert f"{value:.3f}" in text
    for metric in METRICS:
        assert f">{metric_name(metric)}</th>" in page
    for word in ("precision", "NDCG@k", "MRR@25", "recall", "Hit rate@k", "Coverage", "bootstrap"):
        assert word in text


def test_recipes_of_other_questions_stand_apart() -> None:
    page = render(local_report())
    main = page[page.index('id="bars-0-t"') : page.index('id="others"')]
    assert "aws-sims" not in main
    assert "aws-hrnn-coldstart" not in main
    apart = page[page.index('id="others"') : page.index('id="breadth"')]
    assert "aws-sims" in apart
    assert "aws-hrnn-coldstart" in apart
    assert "history first" not in apart
    assert "Another question: Given the last item" in unescape(page)


def test_data_hold_out_and_commands_are_told() -> None:
    text = read(render(local_report())).text
    assert "32,214 interactions, 600 users, 398 items" in text
    assert "TIMESTAMP is missing" in text
    assert "18, 402, 977" in text
    assert "41 rows equal to an earlier one" in text
    assert "20.4% of the held-out rows" in text
    assert "P@10 0.187" in text
    assert "the newest 1/10 of the interactions" in text
    assert "make run EXPERIMENT=quickstart" in text
    assert "1 min 12 s" in text


def test_what_new_events_changed_is_told() -> None:
    page = render(local_report())
    text = read(page).text
    assert "2 of 3 changed , after 0.41 s (median)" in text
    assert "probe-3f9a-3" in text
    assert "not in time" in text
    assert "<strong>item-47</strong>" in page, "new among the first ten"


def test_events_of_another_shape_are_shown_as_they_are() -> None:
    text = read(render(dataclasses.replace(local_report(), events={"probes": [1, {"a": [2]}], "why": "later"}))).text
    assert "Probes" in text
    assert "Why later" in text


def test_tuned_hyperparameters_are_shown_with_or_without_metrics() -> None:
    report = local_report()
    assert "Chosen by hyperparameter optimisation" not in render(report)
    report.recipes["aws-hrnn"].tuned_hyperparameters = {"hidden_dimension": "58", "recency_mask": "False"}
    assert "hidden_dimension = 58, recency_mask = False" in read(render(report)).text
    for row in report.recipes.values():
        row.service_metrics = {}
    assert "hidden_dimension = 58" in read(render(report)).text


def test_what_the_report_lacks_is_left_out() -> None:
    page = render(dataclasses.replace(aws_report(), events=None))
    assert 'id="events"' not in page
    assert 'id="service"' not in page
    assert 'id="others"' not in page


def test_nothing_is_loaded_from_anywhere() -> None:
    page = render(local_report())
    assert not re.search(r"https?:|//[a-z]|url\(|@import", page, re.I)
    assert "default-src &#x27;none&#x27;" in page
    sources = [value for _, name, value in read(page).attributes if name in {"src", "href", "srcset", "data"}]
    assert all(value == "data:," or (value or "").startswith("#") for value in sources)


@pytest.mark.parametrize("field", ["experiment", "description", "run_id", "started_at", "finished_at"])
def test_hostile_text_in_the_report_is_only_text(field: str) -> None:
    page = render(dataclasses.replace(local_report(), **{field: EVIL}))
    read(page)
    assert "<script" not in page


def test_hostile_names_everywhere_are_only_text() -> None:
    report = local_report()
    report.recipes = {name + EVIL: row for name, row in report.recipes.items()}
    for row in report.recipes.values():
        row.recipe_trained = row.question = row.failure_reason = row.solution_version_arn = EVIL
        row.service_metrics = {EVIL: 0.5}
        row.tuned_hyperparameters = {EVIL: EVIL}
        row.metrics.setdefault("returned", {})[EVIL] = 0.2
    report.baselines = {name + EVIL: row for name, row in report.baselines.items()}
    report.comparisons = [dataclasses.replace(row, a=row.a + EVIL, b=row.b + EVIL) for row in report.comparisons]
    report.best = f"aws-hrnn{EVIL}"
    report.data = {"counts": {EVIL: {EVIL: 3}}, "dropped": [{"reason": EVIL, "rows": EVIL}], EVIL: [{EVIL: EVIL}]}
    report.hold_out = {"kind": EVIL, EVIL: [EVIL]}
    report.events = {EVIL: [EVIL, {EVIL: EVIL}], "before": EVIL}
    page = render(report)
    reader = read(page)
    assert "<script" not in page
    assert page.count("</style>") == 1
    assert "alert('x')" in reader.text


def test_no_best_recipe_is_said_plainly() -> None:
    report = dataclasses.replace(local_report(), best=None, comparisons=[])
    text = read(render(report)).text
    assert "No recipe could be judged" in text
    assert "failed: aws-hrnn-metadata" in text


def test_a_report_read_back_from_json_gives_the_same_page() -> None:
    report = local_report()
    assert render(Report.from_json(report.to_json())) == render(report)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", re.findall(r":root \{([^}]*)\}", STYLE))
def test_text_has_contrast_in_light_dark_and_print(palette: str) -> None:
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", palette))

    def contrast(one: str, other: str) -> float:
        high, low = sorted((_luminance(colours[one]), _luminance(colours[other])), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for ink in ("ink", "soft", "accent", "bad"):
        assert contrast(ink, "paper") >= 4.5, ink
    for ink in ("ink", "soft", "accent"):
        assert contrast(ink, "accent-wash") >= 4.5, ink
    for ground in ("note", "wash"):
        assert contrast("ink", ground) >= 4.5, ground
    assert contrast("accent", "note") >= 4.5
    assert contrast("mark", "paper") >= 3, "bars and dots"


NAMES = st.one_of(st.sampled_from([*RECIPES, "popularity", EVIL]), st.text(max_size=12))
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
TEXTS = st.text(max_size=20)
METRIC_NAMES = st.one_of(st.sampled_from(METRICS), TEXTS)
VALUES = st.dictionaries(st.sampled_from(VIEWS), st.dictionaries(METRIC_NAMES, NUMBERS, max_size=4))
CONFIDENCE = st.dictionaries(
    st.sampled_from(VIEWS), st.dictionaries(METRIC_NAMES, st.lists(NUMBERS, min_size=2, max_size=2), max_size=4)
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
RECIPE_ROWS = st.builds(
    RecipeResult,
    recipe_requested=NAMES,
    recipe_trained=NAMES,
    approximation=st.booleans(),
    question=st.one_of(st.sampled_from([str(question) for question in Question]), TEXTS),
    status=st.sampled_from(["succeeded", "failed", "skipped"]),
    failure_reason=st.none() | TEXTS,
    solution_version_arn=st.none() | TEXTS,
    training_seconds=st.none() | NUMBERS,
    evaluated_users=st.integers(),
    short_lists=st.integers(),
    metrics=VALUES,
    confidence=CONFIDENCE,
    service_metrics=st.dictionaries(METRIC_NAMES, NUMBERS, max_size=3),
    tuned_hyperparameters=st.dictionaries(TEXTS, TEXTS, max_size=2),
)
KNOWN = ("counts", "dropped", "duplicates", "repeats_share", "best_reachable", "version", "created_at")
KNOWN_DATA = st.fixed_dictionaries({}, optional=dict.fromkeys(KNOWN, JSON))
REPORTS = st.builds(
    Report,
    experiment=TEXTS,
    run_id=TEXTS,
    backend=st.sampled_from(["aws", "local"]),
    started_at=TEXTS | st.datetimes().map(str),
    finished_at=TEXTS | st.datetimes().map(str),
    data=KNOWN_DATA | st.dictionaries(TEXTS, JSON, max_size=3),
    hold_out=st.dictionaries(st.sampled_from(["kind", "share"]) | TEXTS, JSON, max_size=3),
    evaluated_users=st.integers(),
    judged_by=st.sampled_from(VIEWS),
    recipes=st.dictionaries(NAMES, RECIPE_ROWS, max_size=4),
    baselines=st.dictionaries(NAMES, st.builds(BaselineResult, metrics=VALUES, confidence=CONFIDENCE), max_size=3),
    comparisons=st.lists(
        st.builds(
            Comparison,
            a=NAMES,
            b=NAMES,
            metric=st.just(JUDGE_METRIC) | METRIC_NAMES,
            difference=NUMBERS,
            low=NUMBERS,
            high=NUMBERS,
        ),
        max_size=4,
    ),
    best=st.none() | NAMES,
    events=st.none() | st.dictionaries(TEXTS, JSON, max_size=3),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(REPORTS)
def test_any_report_renders_as_well_formed_html(report: Report) -> None:
    if report.best is None and report.recipes:
        report.best = next(iter(report.recipes))
    read(render(report))


def test_what_the_context_brings_is_told_with_its_interval() -> None:
    report = local_report()
    assert "What the context brings" not in render(report)
    told, subject = report.recipes["aws-hrnn"], "aws-hrnn without context"
    told.metrics_without_context = {view: {JUDGE_METRIC: 0.3} for view in VIEWS}
    report.comparisons.append(
        Comparison(a="aws-hrnn", b=subject, metric=JUDGE_METRIC, difference=0.038, low=-0.01, high=0.06)
    )
    text = read(render(report)).text
    assert "aws-hrnn NDCG@10 0.277 0.300 +0.038 (−0.010 to +0.060)" in text
    assert "It is 0.038 above its own answers without the context, which chance alone could explain (95%" in text


def test_examples_are_shown_by_title_with_hits_in_bold() -> None:
    report = local_report()
    assert "What people were recommended" not in render(report)
    answers = [
        {"recipe": "aws-hrnn", "context": {}, "items": ["i1", "i2"]},
        {"recipe": "aws-hrnn", "context": {"CABIN_TYPE": "First <Class>"}, "items": ["i3"]},
    ]
    report.examples = [Example(user="u&7", past=["i9"], future=["i2"], answers=answers)]
    report.titles = {"i1": "One", "i2": "Two & a half"}
    page = render(report)
    assert "<td>One; <strong>Two &amp; a half</strong></td>" in page
    text = read(page).text
    assert "User u&7" in text
    assert "CABIN_TYPE: First <Class> i3" in text
