"""How well each recipe's local model recommends on real data, beside the baselines: writes recipes.md.

    python -m benchmarks.recipes --data FOLDER [--seeds 3] [--recipe NAME ...] [--out FILE]

FOLDER is a MovieLens data set (100k, 1M or the CSV layout). The newest tenth of each user's ratings is held out; every
recipe is trained with its default settings, in a process of its own, once per seed; all users are judged by the
project's own metrics, so the figures are those of a report.json on the same data.
"""

from __future__ import annotations

import argparse
import datetime
import multiprocessing
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from contract.holdout import future_count
from contract.recipes import RECIPES, Question, RecipeType
from contract.results import VIEWS, View
from evaluation.baselines import baselines
from evaluation.cases import Case, cases
from evaluation.interactions import Interactions
from evaluation.judge import Judgement, judge
from evaluation.views import ASKED
from personalize_engine.data.past import Past
from personalize_engine.models.base import Interaction, Query
from personalize_engine.models.popularity import Popularity, PopularityParameters
from personalize_engine.serving.bind import MODELS, bind
from personalize_engine.serving.rank import rank

LAYOUTS: Mapping[str, Mapping[str, Any]] = {
    "u.data": {"sep": "\t", "header": None},
    "ratings.dat": {"sep": "::", "header": None, "engine": "python"},
    "ratings.csv": {"sep": ",", "header": 0},
}
"""Columns are user, item, rating, Unix seconds in all of them."""
SHOWN = {
    "precision_at_5": "P@5",
    "precision_at_10": "P@10",
    "precision_at_25": "P@25",
    "mean_reciprocal_rank_at_25": "MRR@25",
    "normalized_discounted_cumulative_gain_at_10": "NDCG@10",
}


@dataclass(frozen=True, kw_only=True)
class Data:
    """A data set, cut."""

    name: str
    past: pd.DataFrame
    """Columns user, item (text) and at (Unix seconds), by user, then time; the same for the future."""
    future: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training process reports."""

    answers: dict[str, list[str]]
    seconds: float
    peak_mb: float


def read(folder: Path) -> Data:
    """The ratings of a MovieLens folder, the newest tenth per user apart; SystemExit if there are none."""
    for file, options in LAYOUTS.items():
        if (folder / file).is_file():
            frame = pd.read_csv(folder / file, **options).iloc[:, [0, 1, 3]]
            break
    else:
        sys.exit(f"{folder} has none of {', '.join(LAYOUTS)}")
    frame.columns = pd.Index(["user", "item", "at"])
    frame = frame.astype({"user": str, "item": str, "at": np.int64}).sort_values(["user", "at"], kind="stable")
    place = frame.groupby("user").cumcount()
    length = frame.groupby("user")["item"].transform("size")
    cut = {n: n - future_count(n) for n in length.unique().tolist()}
    in_past = place < length.map(cut)
    return Data(name=folder.name, past=frame[in_past], future=frame[~in_past])


def answer(recipe: str, past: pd.DataFrame, asked: list[Case], seed: int) -> Trained:
    """Train one recipe and ask it for every user. Run in a process of its own: peak memory is the process's."""
    row = RECIPES[recipe]
    columns = Past.build(past["user"].tolist(), past["item"].tolist(), past["at"].to_numpy())
    began = time.monotonic()
    model = MODELS[recipe].fit(columns, bind(row, {}, {}), seed=seed)
    seconds = time.monotonic() - began
    known = histories(past)
    related = row.type is RecipeType.RELATED_ITEMS
    queries = [
        Query(item_id=case.last_item) if related else Query(user_id=case.user, history=known[case.user])
        for case in asked
    ]
    fallback = Popularity.fit(columns, PopularityParameters(), seed=0).users_per_item
    exclude = [np.array([columns.items.row(case.last_item)]) for case in asked] if related else None
    rankings = rank(model, queries, fallback=fallback, k=ASKED, exclude=exclude)
    answers = {
        case.user: [columns.items.ids[k] for k in ranking.rows] for case, ranking in zip(asked, rankings, strict=True)
    }
    return Trained(answers=answers, seconds=seconds, peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def histories(past: pd.DataFrame) -> dict[str, list[Interaction]]:
    """Each user's history, as queries carry it."""
    return {
        str(user): [Interaction(item_id=item, at=at) for item, at in zip(rows["item"], rows["at"], strict=True)]
        for user, rows in past.groupby("user")
    }


def mean_values(judged: Judgement, view: View) -> dict[str, float]:
    """Mean over users of each metric that is shown."""
    return {metric: statistics.fmean(judged.values[view][metric]) for metric in SHOWN}


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of a MovieLens data set")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipe", action="append", choices=sorted(MODELS), help="default: all")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("recipes.md"))
    options = parser.parse_args(arguments)
    data = read(options.data)
    past = Interactions(_rows(data.past))
    asked = cases(past, Interactions(_rows(data.future)), question=Question.USER, users=10**9, seed=0)
    catalogue = set(past.item_ids)

    lines: dict[str, list[Judgement]] = {}
    costs: dict[str, str] = {}
    for name, recommend in baselines(past, seed=0).items():
        began = time.monotonic()
        answers = {case.user: recommend(case.user) for case in asked}
        lines[name] = [judge(name, Question.USER, cases=asked, answers=answers, catalogue=catalogue)]
        costs[name] = "–"
        print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)
    for recipe in options.recipe or MODELS:
        runs: list[Trained] = []
        for seed in range(options.seeds if recipe == "aws-hrnn" else 1):  # the others do not draw anything
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                run = pool.apply(answer, (recipe, data.past, asked, seed))
            judged = judge(recipe, RECIPES[recipe].question, cases=asked, answers=run.answers, catalogue=catalogue)
            lines.setdefault(recipe, []).append(judged)
            runs.append(run)
            found = mean_values(judged, "unseen")["precision_at_10"]
            print(f"{recipe}, seed {seed}: {run.seconds:.1f} s, unseen P@10 {found:.4f}", flush=True)
        seconds = statistics.fmean(run.seconds for run in runs)
        costs[recipe] = f"{seconds:.1f} s, {max(run.peak_mb for run in runs):.0f} MB"
    options.out.write_text(_page(data, lines, costs, users=len(asked)), encoding="utf-8")
    print(f"written: {options.out}")


def _rows(frame: pd.DataFrame) -> list[tuple[str, str, str]]:
    return list(zip(frame["user"], frame["item"], frame["at"].astype(str), strict=True))


def _page(data: Data, lines: Mapping[str, list[Judgement]], costs: Mapping[str, str], *, users: int) -> str:
    """The figures as Markdown."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    head = [
        f"# Recipes on {data.name}",
        "",
        f"Written by `python -m benchmarks.recipes` on {datetime.date.today()}, commit {commit or 'unknown'}; "
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}.",
        f"{len(data.past):,} interactions in the past, {len(data.future):,} held out (the newest tenth of each user), "
        f"{users:,} users asked. Default settings; with several seeds: mean ± standard deviation over them.",
        "aws-sims is asked for what goes with the user's last item: another question, not to be ranked with the rest.",
    ]
    for view in VIEWS:
        head += ["", f"## {view}", "", f"| | seeds | {' | '.join(SHOWN.values())} | training |"]
        head += ["| --- | --- |" + " ---: |" * (len(SHOWN) + 1)]
        for name, judged in lines.items():
            per_seed = [mean_values(one, view) for one in judged]
            cells = [_cell([values[metric] for values in per_seed]) for metric in SHOWN]
            head.append(f"| {name} | {len(judged)} | {' | '.join(cells)} | {costs[name]} |")
    return "\n".join(head) + "\n"


def _cell(values: list[float]) -> str:
    mean = f"{statistics.fmean(values):.4f}"
    return f"{mean} ± {statistics.stdev(values):.4f}" if len(values) > 1 else mean


if __name__ == "__main__":
    main()
