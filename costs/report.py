"""Estimated beside actual, as report.json has it."""

from __future__ import annotations

from dataclasses import dataclass

from contract.results import CostLine, Costs
from costs.actual import Measured
from costs.estimate import Estimate
from costs.meters import METERS, Meter
from costs.prices import Prices
from costs.ranges import NOTHING, Range
from costs.work import Data, Work


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is kept of the estimate until the run is over."""

    work: Work
    data: Data
    quantities: dict[str, list[float]]
    """[low, high] by meter."""
    dollars: dict[str, list[float]]
    assumptions: list[str]
    region: str
    """Whose prices these are."""

    @classmethod
    def of(cls, work: Work, data: Data, made: Estimate) -> Expected:
        return cls(
            work=work,
            data=data,
            quantities={name: _ends(amount) for name, amount in made.quantities.items()},
            dollars={name: _ends(amount) for name, amount in made.dollars.items()},
            assumptions=made.assumptions,
            region=made.region,
        )


def costs(expected: Expected, measured: Measured, prices: Prices) -> Costs:
    """The lines that are used or expected; dollars of what was measured with the same prices as the estimate."""
    lines = [_line(meter, expected, measured, prices) for meter in METERS.values()]
    return Costs(
        region=expected.region,
        lines=[line for line in lines if line.estimated[1] or (line.actual and line.actual[1])],
        assumptions=expected.assumptions,
        notes=measured.notes,
        estimated_dollars=_sum([line.estimated_dollars for line in lines]),
        actual_dollars=_sum([line.actual_dollars for line in lines]),
        max_cost=expected.work.max_cost,
    )


def _line(meter: Meter, expected: Expected, measured: Measured, prices: Prices) -> CostLine:
    actual = measured.quantities.get(meter.name)
    dollars = None
    if actual and meter.priced:
        price = prices.of[meter.name]
        dollars = [price.of(actual.low), price.of(actual.high)]
    return CostLine(
        meter=meter.name,
        words=meter.words,
        unit=meter.unit,
        estimated=expected.quantities[meter.name],
        actual=_ends(actual) if actual else None,
        estimated_dollars=expected.dollars.get(meter.name),
        actual_dollars=dollars,
    )


def _sum(parts: list[list[float] | None]) -> list[float]:
    return _ends(sum((Range(*part) for part in parts if part), NOTHING))


def _ends(amount: Range) -> list[float]:
    return [amount.low, amount.high]
