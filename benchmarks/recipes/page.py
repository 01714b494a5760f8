"""recipes.md, from the results of all works that were run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from benchmarks.recipes.baselines import RANDOM_COLD
from benchmarks.recipes.judging import SHOWN, Interval, Line, Result
from benchmarks.recipes.published import COLD_LIFT, PUBLISHED
from contract.results import VIEWS, without_context

EXPECTED = (
    "ml-1m",
    "ml-100k",
    "ml-latest-small",
    "ml-1m-cold",
    "ml-100k-cold",
    "ml-latest-small-cold",
    "airlines",
    "generated",
    "generated-sparse",
    "generated-noise",
    "generated-occasions",
)
"""Sections, in order; a work that was not run is shown as such."""
DIFFERENCES = ("precision_at_10", "mean_reciprocal_rank_at_25", "normalized_discounted_cumulative_gain_at_10")
HEAD = """\
# Recipes

Every recipe beside baselines, recommenders of kept libraries and what the service published. Written by
`python -m benchmarks.recipes`; each cell is a process of its own with one thread.

- Everybody gets the same past and is judged on the same future by the project's own metrics, in three readings:
  `returned` (the list as it came), `reranked` (its first 25, what the user knows moved behind) and `unseen` (what the
  user knows left out). Settings are the defaults or the documented ones.
- In brackets: the 95 % interval over users (bootstrap, {resamples} resamples). Differences are paired: the same
  resamples for both. With several seeds a user's value is the mean over them; ± is the standard deviation over seeds.
- GRU4Rec (Cornac) and SASRec (RecTools) learn for as many epochs as are best on a validation part cut from the past,
  then once more on all of it; only the second training is counted. They, ALS, BPR and item-kNN do not read times.
- aws-sims and aws-similar-items are asked for what goes with the user's last item, the ranking recipes for the order of
  the 100 most popular items: other questions, not to be ranked with the rest. Exploration is off.
- sequential_counts: who follows whom within 20 steps, a second of counting. EASE + recency: Steck 2019.
"""


def page(results: Mapping[str, Result], *, resamples: int, further: Sequence[str] = ()) -> str:
    """`results` by work; `further`: sections that come last, as Markdown."""
    parts = [HEAD.format(resamples=f"{resamples:,}"), *_published(results)]
    unknown = sorted({_group(name) for name in results} - set(EXPECTED))
    for name in (*EXPECTED, *unknown):
        parts.append(f"## {name}\n")
        group = [results[work] for work in sorted(results) if _group(work) == name]
        if not group:
            parts.append("Not run.\n")
        else:
            parts += [*(_cold(name, group) if group[0].family == "cold" else _section(group[0])), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join([*parts, *further])).rstrip() + "\n"


def _group(work: str) -> str:
    """The draws of cold items make one section."""
    return work.rpartition("-")[0] if "-cold-" in work else work


def _section(result: Result) -> Iterator[str]:
    yield from _facts(result)
    present = [line for line in result.lines if line.seeds]
    for view in VIEWS:
        decides = ", which decides here" if view == result.decides else ""
        yield f"\n### {view}{decides}\n"
        yield f"| | seeds | {' | '.join(SHOWN.values())} |"
        yield "| --- | ---: |" + " ---: |" * len(SHOWN)
        for line in present:
            cells = [_cell(line.values[view][metric], line.spread.get(view, {}).get(metric)) for metric in SHOWN]
            yield f"| {line.name} | {line.seeds} | {' | '.join(cells)} |"
        if view == "returned" and result.best_reachable:
            best = [f"{result.best_reachable[m]:.4f}" if m in result.best_reachable else "" for m in SHOWN]
            yield f"| best reachable by who knows the rules | | {' | '.join(best)} |"
    yield from _missing(result.lines)
    yield from _differences(result, present)
    yield from _costs(present)


def _facts(result: Result) -> Iterator[str]:
    past, future = result.counts["past"], result.counts["future"]
    yield (
        f"{result.about} {past['interactions']:,} interactions of {past['users']:,} users with {past['items']:,} items"
        f" in the past, {future['interactions']:,} held out; {result.users:,} users asked."
    )
    runs = {(line.made["commit"], line.made["date"], line.made["machine"]): None for line in result.lines if line.made}
    yield f"Commit {'; '.join(', '.join(run) for run in runs)}."


def _cell(found: Sequence[float], spread: float | None = None, *, sign: str = "") -> str:
    value, low, high = found
    over_seeds = f" ± {spread:.4f}" if spread is not None else ""
    return f"{value:{sign}.4f}{over_seeds} ({low:{sign}.4f} to {high:{sign}.4f})"


def _missing(lines: Sequence[Line]) -> Iterator[str]:
    found = []
    for line in lines:
        if line.seeds < line.wanted and not line.name.endswith(without_context("")):
            ran = f" ({line.seeds} of {line.wanted} seeds)" if line.seeds else ""
            found.append(f"{line.name}{ran}{f' ({line.failure})' if line.failure else ''}")
    if found:
        yield f"\nNot run: {', '.join(found)}."


def _differences(result: Result, lines: Sequence[Line]) -> Iterator[str]:
    yield f"\n### Paired differences, {result.decides}\n"
    yield f"| | beside | {' | '.join(SHOWN[metric] for metric in DIFFERENCES)} |"
    yield "| --- | --- |" + " ---: |" * len(DIFFERENCES)
    for line in lines:
        if line.kind == "baseline":
            continue
        for other, found in line.differences.items():
            if other == "history_first" and result.family != "context":
                continue
            yield f"| {line.name} | {other} | {' | '.join(_verdict(found[metric]) for metric in DIFFERENCES)} |"


def _verdict(found: Interval) -> str:
    """In bold if zero is not within the interval."""
    text = _cell(found, sign="+")
    return f"**{text}**" if found[1] > 0 or found[2] < 0 else text


def _costs(lines: Sequence[Line]) -> Iterator[str]:
    yield "\n### Cost, one thread\n"
    yield "| | training, s | of CPU | peak memory, MB | lists of 500 per second | |"
    yield "| --- | ---: | ---: | ---: | ---: | --- |"
    for line in lines:
        if line.name.endswith(without_context("")):
            continue
        notes = [line.about] if line.about else []
        if "epochs" in line.notes:
            notes.append(f"{line.notes['epochs']} epochs, found in {line.notes['search_seconds']:.0f} s of CPU")
        yield (
            f"| {line.name} | {line.seconds:.1f} | {line.cpu_seconds:.1f} | {line.peak_mb:.0f} | {line.per_second:,.0f}"
            f" | {'; '.join(notes)} |"
        )


def _cold(name: str, draws: Sequence[Result]) -> Iterator[str]:
    yield from _facts(draws[0])
    yield f"Lift: P@5 over that of random cold items in the same draw ({len(draws)} draws).\n"
    yield f"| | {' | '.join(f'lift, draw {k}' for k in range(len(draws)))} | mean lift | mean P@5 | mean P@25 |"
    yield "| --- |" + " ---: |" * (len(draws) + 3)
    base = [_precision(result, RANDOM_COLD) for result in draws]
    for line in draws[0].lines:
        own = [_precision(result, line.name) for result in draws]
        pairs = [(mine, random) for mine, random in zip(own, base, strict=True) if mine and random]
        if len(pairs) < len(draws):
            yield f"| {line.name} | run in {len(pairs)} draws |" + " |" * (len(draws) + 2)
            continue
        lifts = [mine[0] / random[0] for mine, random in pairs]
        means = [fmean(mine[k] for mine, _ in pairs) for k in (0, 1)]
        cells = [*(f"{lift:.2f}" for lift in lifts), f"**{fmean(lifts):.2f}**", *(f"{mean:.4f}" for mean in means)]
        yield f"| {line.name} | {' | '.join(cells)} |"
    work, subject, lift = COLD_LIFT
    if name == f"{work}-cold":
        yield f"\nPublished: {subject} {lift:.1f} (one draw)."


def _precision(result: Result, name: str) -> tuple[float, float] | None:
    """P@5 and P@25 of a subject; None if it was not run."""
    line = next((line for line in result.lines if line.name == name and line.seeds), None)
    if line is None:
        return None
    return line.values["returned"]["precision_at_5"][0], line.values["returned"]["precision_at_25"][0]


def _published(results: Mapping[str, Result]) -> Iterator[str]:
    metrics = [metric for metric in SHOWN if metric in PUBLISHED[0].figures]
    yield "\n## Beside the service's published figures\n"
    yield f"| work | reading | | {' | '.join(SHOWN[metric] for metric in metrics)} | |"
    yield "| --- | --- | --- |" + " ---: |" * len(metrics) + " --- |"
    for row in PUBLISHED:
        theirs = " | ".join(f"{row.figures[metric]:.4f}" for metric in metrics)
        yield f"| {row.work} | {row.view} | {row.subject}, published | {theirs} | {row.note} |"
        found = results.get(row.work)
        line = next((line for line in found.lines if line.name == row.subject and line.seeds), None) if found else None
        ours = [f"**{line.values[row.view][metric][0]:.4f}**" if line else "not run" for metric in metrics]
        yield f"| | | {row.subject}, here | {' | '.join(ours)} | |"
