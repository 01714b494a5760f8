"""The part of the page on new items: how well each policy picks them, and what introducing one costs."""

from __future__ import annotations

from contract.cold_start import POPULAR_CATEGORIES, RANDOM_COLD, ColdStart, Policy, Spread
from contract.results import Report
from evaluation.charts import Line, lines
from evaluation.markup import Cell, Group, Row, escape, table
from evaluation.verdict import of_new_items
from evaluation.words import MISSING, baseline_name, count, number, plural

_WHAT = {
    RANDOM_COLD: "drawn at random for each user",
    POPULAR_CATEGORIES: "the same list for everybody",
}


def introducing(report: Report) -> str:
    """A verdict in words, two tables and a chart; empty text if nobody was asked for new items."""
    found = report.cold_start
    if found is None:
        return ""
    return (
        f"{_verdict(found)}<h3>Who finds what a person will like</h3>{_accuracy(found)}"
        f"<h3>What introducing an item costs</h3>{_method(found)}{_cost(found)}{_chart(found)}"
    )


def _verdict(found: ColdStart) -> str:
    said = escape(" ".join(of_new_items(found)))
    return f"<p>{said}</p>" if said else ""


def _accuracy(found: ColdStart) -> str:
    category = (
        f" Popular categories: items by how much everybody liked their {escape(found.category)}."
        if found.category
        else " The items have no categorical column, so there is no policy by popular categories."
    )
    rows = [
        Row(
            head=_head(policy, found),
            cells=[
                _cell(policy.precision_at_5),
                _cell(policy.lift, places=2),
                _cell(policy.behind, signed=True),
            ],
        )
        for policy in found.policies
    ]
    return table(
        "New items among the first five",
        ["P@5", "Times random", f"{found.recipe} leads by"],
        [Group(rows=rows)],
        first="Policy",
        note=f"{plural(found.asked, 'user')} who met new items later; 95% intervals over users, in pairs.{category}",
    )


def _method(found: ColdStart) -> str:
    never = found.items - found.introducible
    sample = f", a sample of the {count(found.asked)} asked" if found.visitors < found.asked else ""
    return (
        f"<p>Visits simulated on what people really met later: {plural(found.visitors, 'user')}{sample}, each"
        f" coming up to {found.visits} times. A visit shows the {found.shown} best items of the user's list that the"
        " user was not shown yet and that are not introduced yet. A click is an item that the user really met later;"
        f" with {found.clicks} clicks it is introduced. {count(never)} of the {plural(found.items, 'new item')} can"
        f" never be: fewer than {found.clicks} of these users met them. Figures are means over {found.orders} orders of"
        " the visits with 95% intervals over these orders; they do not tell what other users would do.</p>"
    )


def _cost(found: ColdStart) -> str:
    rows = [
        Row(
            head=_head(policy, found),
            cells=[
                _cell(policy.introduced, places=1),
                _cell(policy.impressions, places=0),
                _cell(policy.per_item, places=0),
                _cell(policy.until_introduced, places=0),
            ],
        )
        for policy in found.policies
    ]
    return table(
        "Impressions until an item is introduced",
        ["Items introduced", "Impressions", "Impressions per item introduced", "Median until the last click"],
        [Group(rows=rows)],
        first="Policy",
        note="Per item: all impressions, those of items that were not introduced as well. Median: the item's own"
        " impressions, of introduced items only. A dash: nothing was introduced, at least in one order.",
    )


def _chart(found: ColdStart) -> str:
    chart = lines(
        [
            Line(
                label=baseline_name(policy.name),
                points=[(step, items) for step, items in policy.curve if step <= policy.impressions[0]],
                tone="best" if policy.name == found.recipe else "baseline",
            )
            for policy in found.policies
        ],
        identity="introducing-chart",
        title="Items introduced against impressions made",
        x_name="impressions",
        y_name="items introduced",
    )
    if not chart:
        return ""
    return (
        '<div class="charts two"><figure><figcaption><strong>Items introduced against impressions made.</strong>'
        f" Steeper: cheaper. Where a line ends, so do the visits.</figcaption>{chart}</figure></div>"
    )


def _head(policy: Policy, found: ColdStart) -> str:
    what = "a list for each user" if policy.name == found.recipe else _WHAT.get(policy.name, "")
    return f'<span class="name">{escape(baseline_name(policy.name))}</span><span class="tag">{what}</span>'


def _cell(spread: Spread | None, *, places: int = 3, signed: bool = False) -> Cell:
    if not spread:
        return Cell(html=MISSING, kind="n")
    value, low, high = (_figure(end, places, signed=signed) for end in spread)
    return Cell(html=f"{value}<small>{low} to {high}</small>", kind="n")


def _figure(value: float, places: int, *, signed: bool) -> str:
    return count(round(value)) if places == 0 else number(value, places, signed=signed)
