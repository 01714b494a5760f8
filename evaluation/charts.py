"""The page's charts: inline SVG from numbers, with nothing but the standard library.

The same page is written by a Lambda function and on a laptop, so no plotting library can be used. Colours come from
the page's style (classes `best`, `recipe`, `baseline`, `zero`), so that one chart serves light, dark and print. Every
chart is an image with a title and a description that says what it shows; the page has all values in tables too.
Rows carry their label above the mark, which keeps the text at reading size on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evaluation.markup import escape
from evaluation.words import MINUS

Tone = Literal["best", "recipe", "baseline"]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

NARROW, WIDE = 340, 380
"""Widths in pixels at which the text has its intended size: three charts beside each other, or two."""
TOP, ROW = 4, 38
_LABEL_CHARACTERS = 30
_DASHES = ("none", "6 3", "2 3", "10 3 2 3")
_CHARACTER_WIDTH = 6.7
_GAP = 3
"""Characters between a label and a value on one line: some are wider."""
"""Of the 12.5 px label face, on average; only used to keep labels apart."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One row of a chart: a value and, where known, its interval."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    text: str
    """The value as printed beside the label."""
    tone: Tone = "recipe"

    @property
    def ends(self) -> tuple[float, float] | None:
        """The interval, if both ends can be drawn."""
        if self.low is None or self.high is None or not (_drawable(self.low) and _drawable(self.high)):
            return None
        return self.low, self.high


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point of a scatter chart."""

    label: str
    x: float
    y: float
    tone: Tone = "recipe"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a line chart."""

    label: str
    points: Sequence[tuple[float, float]]
    """(x, y), from left to right."""
    tone: Tone = "recipe"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A linear map from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) whose first and last enclose [low, high].

    At most about `most` of them; a span that is next to nothing is widened. A billionth of a step counts as nothing.
    """
    size = max(abs(low), abs(high), 1.0)
    if high - low < 1e-9 * size:
        high = low + size
    raw = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * (1 - 1e-9))
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [round(i * step, 12 - math.floor(math.log10(step))) for i in range(first, last + 1)]


def tick_texts(axis: Sequence[float]) -> list[str]:
    """The ticks with as many decimals as their distance needs, zero as 0.

    >>> tick_texts([0.0, 0.05, 0.1])
    ['0', '0.05', '0.10']
    >>> tick_texts([0, 50_000])
    ['0', '50,000']
    """
    step = abs(axis[1] - axis[0]) if len(axis) > 1 else 1.0
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    return ["0" if value == 0 else f"{value:,.{min(places, 9)}f}".replace("-", MINUS) for value in axis]


def bars(
    marks: Sequence[Mark],
    *,
    identity: str,
    title: str,
    width: int = NARROW,
    texts: Callable[[Sequence[float]], list[str]] = tick_texts,
    reference: tuple[float, str] | None = None,
) -> str:
    """Horizontal bars from zero with their intervals; `reference` is a dashed line (value, label).

    `identity` makes the ids of the title and the description unique on the page. Marks whose value cannot be
    drawn are left out; with none left the chart is empty text.
    """
    shown = [mark for mark in marks if _drawable(mark.value)]
    if not shown:
        return ""
    values = [0.0, *(v for mark in shown for v in (mark.value, *(mark.ends or ())))]
    if reference and _drawable(reference[0]):
        values.append(reference[0])
    else:
        reference = None
    axis = ticks(min(values), max(values))
    scale = Scale(low=axis[0], high=axis[-1], start=1, end=width - 6)
    bottom = TOP + ROW * len(shown)
    parts = _axis(axis, scale, rows=len(shown), texts=texts(axis))
    for position, mark in enumerate(shown):
        y = TOP + ROW * position
        left, right = sorted((scale(0), scale(mark.value)))
        parts.append(_heading(mark, y, width))
        parts.append(
            f'<rect class="bar {mark.tone}" x="{left:.2f}" y="{y + 18}" width="{right - left:.2f}" height="11" rx="1"/>'
        )
        parts.append(_whisker(mark, scale, y + 23.5))
    parts.append(_upright("zero", scale(0), len(shown)))
    if reference:
        x = scale(reference[0])
        anchor = "end" if x > width / 2 else "start"
        parts.append(_upright("reference", x, len(shown)))
        parts.append(
            f'<text class="tick" x="{x:.2f}" y="{bottom + 33}" text-anchor="{anchor}">{escape(reference[1])}</text>'
        )
    said = "; ".join(f"{mark.label} {mark.text}" for mark in shown)
    said += f". Dashed line: {reference[1]}." if reference else "."
    height = bottom + (38 if reference else 22)
    return _svg(parts, width=width, height=height, identity=identity, title=title, description=said)


def differences(marks: Sequence[Mark], *, identity: str, title: str, width: int = WIDE) -> str:
    """Differences with their intervals around a line at zero: an interval that crosses it may be chance."""
    shown = [mark for mark in marks if _drawable(mark.value)]
    if not shown:
        return ""
    values = [0.0, *(v for mark in shown for v in (mark.value, *(mark.ends or ())))]
    axis = ticks(min(values), max(values))
    scale = Scale(low=axis[0], high=axis[-1], start=6, end=width - 6)
    bottom = TOP + ROW * len(shown)
    parts = _axis(axis, scale, rows=len(shown), texts=tick_texts(axis))
    parts.append(_upright("zero", scale(0), len(shown)))
    for position, mark in enumerate(shown):
        y = TOP + ROW * position
        parts.append(_heading(mark, y, width))
        parts.append(_whisker(mark, scale, y + 24))
        parts.append(f'<circle class="dot {mark.tone}" cx="{scale(mark.value):.2f}" cy="{y + 24}" r="4.5"/>')
    said = "; ".join(f"{mark.label} {mark.text}" for mark in shown)
    return _svg(parts, width=width, height=bottom + 22, identity=identity, title=title, description=f"{said}.")


def scatter(
    points: Sequence[Point],
    *,
    identity: str,
    title: str,
    x_name: str,
    y_name: str,
    width: int = WIDE,
) -> str:
    """Points with their labels; both axes begin at zero (or below, for negative values)."""
    shown = [point for point in points if _drawable(point.x) and _drawable(point.y)]
    if not shown:
        return ""
    across = ticks(min(0.0, *(p.x for p in shown)), max(p.x for p in shown))
    upward = ticks(min(0.0, *(p.y for p in shown)), max(p.y for p in shown))
    top, bottom = 26, 300
    x = Scale(low=across[0], high=across[-1], start=42, end=width - 12)
    y = Scale(low=upward[0], high=upward[-1], start=bottom, end=top)
    parts = _grid(across, upward, x, y)
    parts.append(f'<text class="axis" x="0" y="12">↑ {escape(y_name)}</text>')
    parts.append(f'<text class="axis" x="{width - 8}" y="{bottom + 38}" text-anchor="end">{escape(x_name)} →</text>')
    placed = [(x(p.x) - 6, y(p.y) - 6, x(p.x) + 6, y(p.y) + 6) for p in shown]
    labels = []
    for point in sorted(shown, key=lambda p: (p.tone != "best", -p.y)):
        labels.append(_place(point, x(point.x), y(point.y), placed, width=width))
    parts += labels
    for p in shown:
        parts.append(f'<circle class="dot {p.tone}" cx="{x(p.x):.2f}" cy="{y(p.y):.2f}" r="5"/>')
    said = "; ".join(f"{p.label}: {x_name} {p.x:.3g}, {y_name} {p.y:.3g}" for p in shown)
    return _svg(parts, width=width, height=bottom + 46, identity=identity, title=title, description=f"{said}.")


def lines(drawn: Sequence[Line], *, identity: str, title: str, x_name: str, y_name: str, width: int = WIDE) -> str:
    """Lines over axes that begin at zero (or below), told apart by their dashes, with a legend under the chart."""
    shown = [
        replace(line, points=[point for point in line.points if all(map(_drawable, point))])
        for line in drawn
        if any(all(map(_drawable, point)) for point in line.points)
    ]
    if not shown:
        return ""
    points = [point for line in shown for point in line.points]
    across = ticks(min(0.0, *(x for x, _ in points)), max(x for x, _ in points), most=5)
    upward = ticks(min(0.0, *(y for _, y in points)), max(y for _, y in points))
    top, bottom = 26, 260
    x = Scale(low=across[0], high=across[-1], start=42, end=width - 12)
    y = Scale(low=upward[0], high=upward[-1], start=bottom, end=top)
    parts = _grid(across, upward, x, y)
    parts.append(f'<text class="axis" x="0" y="12">↑ {escape(y_name)}</text>')
    parts.append(f'<text class="axis" x="{width - 8}" y="{bottom + 38}" text-anchor="end">{escape(x_name)} →</text>')
    said = []
    for position, line in enumerate(shown):
        dashes = _DASHES[position % len(_DASHES)]
        path = "L".join(f"{x(a):.2f} {y(b):.2f}" for a, b in line.points)
        row = bottom + 64 + 20 * position
        for outline in (f"M{path}", f"M42 {row - 4}h36"):
            parts.append(f'<path class="line {line.tone}" stroke-dasharray="{dashes}" d="{outline}"/>')
        parts.append(f'<text class="label {line.tone}" x="86" y="{row}">{escape(_short(line.label))}</text>')
        last = line.points[-1]
        said.append(f"{line.label}: {last[1]:,.4g} {y_name} after {last[0]:,.0f} {x_name}")
    height = bottom + 60 + 20 * len(shown)
    return _svg(parts, width=width, height=height, identity=identity, title=title, description="; ".join(said) + ".")


def _grid(across: Sequence[float], upward: Sequence[float], x: Scale, y: Scale) -> list[str]:
    """Lines and ticks in both directions; `y` runs from the bottom to the top."""
    parts = []
    for position, (value, text) in enumerate(zip(across, tick_texts(across), strict=True)):
        parts.append(f'<line class="grid" x1="{x(value):.2f}" x2="{x(value):.2f}" y1="{y.end}" y2="{y.start}"/>')
        parts.append(_tick(x(value), y.start + 15, text, position, len(across)))
    for value, text in zip(upward, tick_texts(upward), strict=True):
        parts.append(f'<line class="grid" x1="{x.start}" x2="{x.end}" y1="{y(value):.2f}" y2="{y(value):.2f}"/>')
        parts.append(f'<text class="tick" x="36" y="{y(value) + 4:.2f}" text-anchor="end">{escape(text)}</text>')
    return parts


def _drawable(value: float) -> bool:
    """Finite, and of a size that an axis can be divided for."""
    return math.isfinite(value) and abs(value) < 1e12


def _place(point: Point, x: float, y: float, placed: list[Box], *, width: int) -> str:
    """The label where it covers no point and no other label, with a thin line to its point if it had to move far."""
    text = _short(point.label)
    wide = len(text) * _CHARACTER_WIDTH
    right, left = (x + 9, "start", x + 9), (x - 9, "end", x - 9 - wide)
    sides = [right, left] if x + 9 + wide <= width else [left, right]
    sides = [side for side in sides if side[2] >= 0 and side[2] + wide <= width] or [
        (max(0.0, width - wide), "start", max(0.0, width - wide))
    ]
    spots = [
        (side, shift, (side[2], y + shift - 7, side[2] + wide, y + shift + 7))
        for shift in (0, -14, 14, -28, 28, -42, 42)
        for side in sides
    ]
    free = (
        spot for spot in spots if 20 <= y + spot[1] <= 296 and not any(_overlap(spot[2], other) for other in placed)
    )
    (at, anchor, _), shift, box = next(free, spots[0])
    placed.append(box)
    leader = ""
    if abs(shift) > 14:
        leader = f'<line class="leader" x1="{x:.2f}" y1="{y:.2f}" x2="{at:.2f}" y2="{y + shift:.2f}"/>'
    return leader + (
        f'<text class="label {point.tone}" x="{at:.2f}" y="{y + shift + 4:.2f}"'
        f' text-anchor="{anchor}">{escape(text)}</text>'
    )


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _axis(axis: Sequence[float], scale: Scale, *, rows: int, texts: Sequence[str]) -> list[str]:
    """Ticks below the rows, and grid lines that stop where a row's text is."""
    parts = []
    for position, (value, text) in enumerate(zip(axis, texts, strict=True)):
        parts.append(_upright("grid", scale(value), rows))
        parts.append(_tick(scale(value), TOP + ROW * rows + 15, text, position, len(axis)))
    return parts


def _upright(kind: str, x: float, rows: int) -> str:
    path = "".join(f"M{x:.2f} {TOP + ROW * row + 17}v19" for row in range(rows))
    return f'<path class="{kind}" d="{path}"/>'


def _tick(x: float, y: float, text: str, position: int, of: int) -> str:
    anchor = "start" if position == 0 and x < 20 else "end" if position == of - 1 else "middle"
    at = x + 6 if anchor == "end" else x
    return f'<text class="tick" x="{at:.2f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _heading(mark: Mark, y: float, width: int) -> str:
    room = int((width - 8) / _CHARACTER_WIDTH - len(mark.text)) - _GAP
    return (
        f'<text class="label {mark.tone}" x="0" y="{y + 12}">{escape(_short(mark.label, room))}</text>'
        f'<text class="value {mark.tone}" x="{width}" y="{y + 12}" text-anchor="end">{escape(mark.text)}</text>'
    )


def _whisker(mark: Mark, scale: Scale, y: float) -> str:
    """The interval as a line with caps, on a halo of the background's colour so that it shows on any bar."""
    if mark.ends is None:
        return ""
    low, high = (scale(end) for end in mark.ends)
    path = f"M{low:.2f} {y - 4}V{y + 4}M{low:.2f} {y}H{high:.2f}M{high:.2f} {y - 4}V{y + 4}"
    return f'<path class="halo" d="{path}"/><path class="whisker" d="{path}"/>'


def _short(label: str, room: int = _LABEL_CHARACTERS) -> str:
    most = max(min(room, _LABEL_CHARACTERS), 8)
    return label if len(label) <= most else label[: most - 1] + "…"


def _svg(parts: Sequence[str], *, width: int, height: float, identity: str, title: str, description: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height:.0f}" role="img"'
        f' aria-labelledby="{identity}-t" aria-describedby="{identity}-d">'
        f'<title id="{identity}-t">{escape(title)}</title><desc id="{identity}-d">{escape(description)}</desc>'
        + "".join(parts)
        + "</svg>"
    )
