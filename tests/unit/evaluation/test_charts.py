"""Charts: marks lie where the values say, axes contain what they show, nothing hostile gets through."""

from __future__ import annotations

import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.charts import NARROW, WIDE, Mark, Point, Scale, bars, differences, scatter, tick_texts, ticks

VALUES = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)


def _numbers(pattern: str, svg: str) -> list[float]:
    return [float(found) for found in re.findall(pattern, svg)]


@given(VALUES, VALUES)
def test_ticks_enclose_what_they_are_for_and_are_evenly_spaced(one: float, other: float) -> None:
    low, high = sorted((one, other))
    axis = ticks(low, high)
    slack = 1e-6 * max(abs(low), abs(high), 1e-9) + 2e-9 * (axis[1] - axis[0])  # a billionth of a step is nothing
    assert axis[0] <= low + slack
    assert axis[-1] >= high - slack
    steps = [after - before for before, after in itertools.pairwise(axis)]
    assert steps
    assert all(math.isclose(step, steps[0], rel_tol=1e-4) for step in steps)
    assert len(axis) <= 8


def test_ticks_of_nothing_still_make_an_axis() -> None:
    assert ticks(0.0, 0.0) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert tick_texts(ticks(0.0, 0.25)) == ["0", "0.05", "0.10", "0.15", "0.20", "0.25"]
    assert tick_texts([-0.02, 0.0, 0.02]) == ["−0.02", "0", "0.02"]
    assert tick_texts([0.0, 2000.0]) == ["0", "2,000"]


def test_bars_are_as_long_as_their_values_and_whiskers_lie_at_their_ends() -> None:
    marks = [
        Mark(label="a", value=0.4, low=0.3, high=0.5, text="0.400", tone="best"),
        Mark(label="b", value=0.2, text="0.200"),
    ]
    svg = bars(marks, identity="c", title="NDCG@10")
    widths = _numbers(r'<rect [^>]*width="([\d.]+)"', svg)
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.02)
    scale = Scale(low=0, high=0.5, start=1, end=NARROW - 6)
    assert widths[0] == pytest.approx(scale(0.4) - scale(0), abs=0.02)
    (whisker,) = re.findall(r'class="whisker" d="M([\d.]+) [^"]*H([\d.]+)M', svg)
    assert [float(end) for end in whisker] == pytest.approx([scale(0.3), scale(0.5)], abs=0.02)
    assert "a 0.400; b 0.200" in svg


def test_a_reference_line_widens_the_axis_and_is_described() -> None:
    svg = bars([Mark(label="a", value=0.1, text="0.100")], identity="c", title="P@10", reference=(0.9, "best 0.900"))
    (x,) = _numbers(r'class="reference" d="M([\d.]+)', svg)
    assert x == pytest.approx(Scale(low=0, high=1, start=1, end=NARROW - 6)(0.9), abs=0.02)
    assert "Dashed line: best 0.900." in svg
    broken = bars([Mark(label="a", value=0.1, text="")], identity="c", title="P", reference=(math.nan, "best"))
    assert "reference" not in broken


@given(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=12))
def test_every_interval_lies_inside_the_drawing(rows: list[tuple[float, float, float]]) -> None:
    marks = []
    for i, row in enumerate(rows):
        low, value, high = sorted(row)
        marks.append(Mark(label=f"m{i}", value=value, low=low, high=high, text=str(value)))
    for svg in (bars(marks, identity="b", title="b"), differences(marks, identity="d", title="d")):
        width = _numbers(r'viewBox="0 0 (\d+) ', svg)[0]
        ends = re.findall(r'class="whisker" d="M([-\d.]+) [^"]*H([-\d.]+)M', svg)
        assert len(ends) == len(marks)
        assert all(0 <= float(low) <= float(high) <= width for low, high in ends)


def test_differences_stand_on_their_side_of_zero() -> None:
    svg = differences(
        [
            Mark(label="ahead", value=0.02, low=0.01, high=0.03, text="+0.020"),
            Mark(label="behind", value=-0.02, low=-0.03, high=-0.01, text="−0.020"),
        ],
        identity="d",
        title="lead",
    )
    (zero,) = _numbers(r'class="zero" d="M([\d.]+)', svg)
    ahead, behind = _numbers(r'<circle [^>]*cx="([\d.]+)"', svg)
    assert behind < zero < ahead
    assert ahead - zero == pytest.approx(zero - behind, abs=0.05)


def test_scatter_places_points_by_both_values_and_labels_apart() -> None:
    points = [Point(label=f"recipe-number-{i}", x=0.5, y=0.2 + i / 1000) for i in range(4)]
    points.append(Point(label="far", x=1.0, y=0.0, tone="baseline"))
    svg = scatter(points, identity="s", title="t", x_name="coverage", y_name="NDCG@10")
    xs, ys = _numbers(r'cx="([\d.]+)"', svg), _numbers(r'cy="([\d.]+)"', svg)
    assert xs[4] > xs[0] == xs[1]
    assert ys[4] > ys[0] > ys[3]
    labels = re.findall(r'class="label \w+" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)"', svg)
    assert len(labels) == len(set(labels)) == len(points)
    assert all(0 <= float(x) <= WIDE for x, _, _ in labels)


def test_nothing_to_show_is_no_chart() -> None:
    assert bars([], identity="c", title="t") == ""
    assert bars([Mark(label="a", value=math.nan, text="–")], identity="c", title="t") == ""
    assert differences([], identity="c", title="t") == ""
    assert scatter([Point(label="a", x=math.inf, y=0.1)], identity="c", title="t", x_name="x", y_name="y") == ""


def test_names_cannot_break_out_and_long_ones_are_cut() -> None:
    name = '"><script>alert(1)</script>'
    svg = bars([Mark(label=name, value=1.0, text="1.000")], identity="c", title=name)
    assert "<script" not in svg
    long = bars([Mark(label="x" * 80, value=1.0, text="1.000 (0.900–1.100)")], identity="c", title="t")
    (shown,) = re.findall(r'<text class="label recipe"[^>]*>([^<]*)<', long)
    assert shown.endswith("…")
    assert len(shown) <= 30


ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(ANY, st.none() | ANY, st.none() | ANY), max_size=5), ANY)
def test_any_number_can_be_drawn(rows: list[tuple[float, float | None, float | None]], line: float) -> None:
    marks = [Mark(label="m", value=value, low=low, high=high, text="") for value, low, high in rows]
    points = [Point(label="p", x=value, y=low or 0.0) for value, low, _ in rows]
    drawn = bars(marks, identity="b", title="b", reference=(line, "line"))
    drawn += differences(marks, identity="d", title="d")
    drawn += scatter(points, identity="s", title="s", x_name="x", y_name="y")
    assert "nan" not in drawn
    assert "inf" not in drawn
