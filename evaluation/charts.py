"""The page's charts: inline SVG from numbers, with nothing but the standard library.

The same page is written by a Lambda function and on a laptop, so no plotting library can be used. Colours come from
the page's style (classes `best`, `recipe`, `baseline`, `zero`), so that one chart serves light, dark and print. Every
chart is an image with a title and a description that says what it shows; the page has all values in tables too.
Rows carry their label above the mark, which keeps the text at reading size on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from evaluation.markup import escape

Tone = Literal["best", "recipe", "baseline"]

WIDTH = 400
ROW = 38
_LABEL_CHARACTERS = 30
_CHARACTER_WIDTH = 6.9
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
        """The interval, if both ends are finite."""
        if self.low is None or self.high is None or not (math.isfinite(self.low) and math.isfinite(self.high)):
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

    At most about `most` of them; a span of zero is widened to one.
    """
    if not high > low:
        high = low + max(abs(low), 1.0)
    raw = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * (1 - 1e-9))
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [round(i * step, 12 - math.floor(math.log10(step))) for i in range(first, last + 1)]


def bars(
    marks: Sequence[Mark],
    *,
    identity: str,
    title: str,
    tick: Callable[[float], str],
    reference: tuple[float, str] | None = None,
) -> str:
    """Horizontal bars from zero with their intervals; `reference` is a dashed line (value, label).

    `identity` makes the ids of the title and the description unique on the page. Marks whose value is not finite are
    left out; with none left the chart is empty text.
    """
    shown = [mark for mark in marks if math.isfinite(mark.value)]
    if not shown:
        return ""
    values = [0.0, *(v for mark in shown for v in (mark.value, *(mark.ends or ())))]
    if reference and math.isfinite(reference[0]):
        values.append(reference[0])
    else:
        reference = None
    axis = ticks(min(values), max(values))
    scale = Scale(low=axis[0], high=axis[-1], start=2, end=WIDTH - 8)
    top = 20 if reference else 4
    bottom = top + ROW * len(shown)
    parts = _grid(axis, scale, top=top, bottom=bottom, tick=tick)
    for position, mark in enumerate(shown):
        y = top + ROW * position
        left, right = sorted((scale(0), scale(mark.value)))
        parts.append(_heading(mark, y))
        parts.append(
            f'<rect class="bar {mark.tone}" x="{left:.2f}" y="{y + 18}" width="{right - left:.2f}" height="11" rx="1"/>'
        )
        parts.append(_whisker(mark, scale, y + 23.5))
    parts.append(f'<line class="zero" x1="{scale(0):.2f}" x2="{scale(0):.2f}" y1="{top}" y2="{bottom}"/>')
    if reference:
        x = scale(reference[0])
        anchor = "end" if x > WIDTH / 2 else "start"
        parts.append(f'<line class="reference" x1="{x:.2f}" x2="{x:.2f}" y1="{top - 4}" y2="{bottom}"/>')
        parts.append(
            f'<text class="tick" x="{x:.2f}" y="{top - 8}" text-anchor="{anchor}">{escape(reference[1])}</text>'
        )
    said = "; ".join(f"{mark.label} {mark.text}" for mark in shown)
    said += f". Dashed line: {reference[1]}." if reference else "."
    return _svg(parts, height=bottom + 22, identity=identity, title=title, description=said)


def differences(marks: Sequence[Mark], *, identity: str, title: str, tick: Callable[[float], str]) -> str:
    """Differences with their intervals around a line at zero: an interval that crosses it may be chance."""
    shown = [mark for mark in marks if math.isfinite(mark.value)]
    if not shown:
        return ""
    values = [0.0, *(v for mark in shown for v in (mark.value, *(mark.ends or ())))]
    axis = ticks(min(values), max(values))
    scale = Scale(low=axis[0], high=axis[-1], start=8, end=WIDTH - 8)
    bottom = 4 + ROW * len(shown)
    parts = _grid(axis, scale, top=4, bottom=bottom, tick=tick)
    parts.append(f'<line class="zero" x1="{scale(0):.2f}" x2="{scale(0):.2f}" y1="4" y2="{bottom}"/>')
    for position, mark in enumerate(shown):
        y = 4 + ROW * position
        parts.append(_heading(mark, y))
        parts.append(_whisker(mark, scale, y + 24))
        parts.append(f'<circle class="dot {mark.tone}" cx="{scale(mark.value):.2f}" cy="{y + 24}" r="4.5"/>')
    said = "; ".join(f"{mark.label} {mark.text}" for mark in shown)
    return _svg(parts, height=bottom + 22, identity=identity, title=title, description=f"{said}.")


def scatter(
    points: Sequence[Point],
    *,
    identity: str,
    title: str,
    x_name: str,
    y_name: str,
    tick: Callable[[float], str],
) -> str:
    """Points with their labels; both axes begin at zero (or below, for negative values)."""
    shown = [point for point in points if math.isfinite(point.x) and math.isfinite(point.y)]
    if not shown:
        return ""
    across = ticks(min(0.0, *(p.x for p in shown)), max(p.x for p in shown))
    upward = ticks(min(0.0, *(p.y for p in shown)), max(p.y for p in shown))
    top, bottom = 26, 300
    x = Scale(low=across[0], high=across[-1], start=42, end=WIDTH - 12)
    y = Scale(low=upward[0], high=upward[-1], start=bottom, end=top)
    parts = _grid(across, x, top=top, bottom=bottom, tick=tick)
    for value in upward:
        parts.append(f'<line class="grid" x1="{x.start}" x2="{x.end}" y1="{y(value):.2f}" y2="{y(value):.2f}"/>')
        parts.append(f'<text class="tick" x="36" y="{y(value) + 4:.2f}" text-anchor="end">{escape(tick(value))}</text>')
    parts.append(f'<text class="axis" x="0" y="12">↑ {escape(y_name)}</text>')
    parts.append(f'<text class="axis" x="{WIDTH - 8}" y="{bottom + 38}" text-anchor="end">{escape(x_name)} →</text>')
    placed = [(x(p.x) - 6, y(p.y) - 6, x(p.x) + 6, y(p.y) + 6) for p in shown]
    labels = []
    for point in sorted(shown, key=lambda p: (p.tone != "best", -p.y)):
        labels.append(_place(point, x(point.x), y(point.y), placed))
    parts += labels
    for p in shown:
        parts.append(f'<circle class="dot {p.tone}" cx="{x(p.x):.2f}" cy="{y(p.y):.2f}" r="5"/>')
    said = "; ".join(f"{p.label}: {x_name} {tick(p.x)}, {y_name} {tick(p.y)}" for p in shown)
    return _svg(parts, height=bottom + 46, identity=identity, title=title, description=f"{said}.")


def _place(point: Point, x: float, y: float, placed: list[tuple[float, float, float, float]]) -> str:
    """The label where it covers no point and no other label, with a thin line to its point if it had to move far."""
    text = _short(point.label)
    wide = len(text) * _CHARACTER_WIDTH
    right, left = (x + 9, "start", x + 9), (x - 9, "end", x - 9 - wide)
    sides = [right, left] if x + 9 + wide <= WIDTH else [left, right]
    sides = [side for side in sides if side[2] >= 0 and side[2] + wide <= WIDTH] or [
        (max(0.0, WIDTH - wide), "start", max(0.0, WIDTH - wide))
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


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _grid(axis: Sequence[float], scale: Scale, *, top: float, bottom: float, tick: Callable[[float], str]) -> list[str]:
    parts = []
    for position, value in enumerate(axis):
        x = scale(value)
        anchor = "start" if position == 0 and x < 20 else "end" if position == len(axis) - 1 else "middle"
        at = x if anchor != "end" else x + 6
        parts.append(f'<line class="grid" x1="{x:.2f}" x2="{x:.2f}" y1="{top}" y2="{bottom}"/>')
        parts.append(
            f'<text class="tick" x="{at:.2f}" y="{bottom + 15}" text-anchor="{anchor}">{escape(tick(value))}</text>'
        )
    return parts


def _heading(mark: Mark, y: float) -> str:
    return (
        f'<text class="label {mark.tone}" x="2" y="{y + 13}">{escape(_short(mark.label))}</text>'
        f'<text class="value {mark.tone}" x="{WIDTH - 2}" y="{y + 13}" text-anchor="end">{escape(mark.text)}</text>'
    )


def _whisker(mark: Mark, scale: Scale, y: float) -> str:
    """The interval as a line with caps, on a halo of the background's colour so that it shows on any bar."""
    if mark.ends is None:
        return ""
    low, high = (scale(end) for end in mark.ends)
    path = f"M{low:.2f} {y - 4}V{y + 4}M{low:.2f} {y}H{high:.2f}M{high:.2f} {y - 4}V{y + 4}"
    return f'<path class="halo" d="{path}"/><path class="whisker" d="{path}"/>'


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_CHARACTERS else label[: _LABEL_CHARACTERS - 1] + "…"


def _svg(parts: Sequence[str], *, height: float, identity: str, title: str, description: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img"'
        f' aria-labelledby="{identity}-t" aria-describedby="{identity}-d">'
        f'<title id="{identity}-t">{escape(title)}</title><desc id="{identity}-d">{escape(description)}</desc>'
        + "".join(parts)
        + "</svg>"
    )
