from __future__ import annotations

import math

import numpy as np
import pytest

from lmcompare.evaluation.averages import mean_with_interval, over_seeds
from lmcompare.evaluation.results.limits import LengthCostCell, LengthPoint, SearchRow


def test_a_mean_of_items_weighs_each_unit_by_its_items():
    mean, (low, high) = mean_with_interval(np.array([6.0, 1.0]), 500, 0, np.array([3.0, 1.0]))
    assert mean == pytest.approx(7 / 4)
    assert (low, high) == (1.0, 2.0)  # both units alike, or one of them twice


def test_the_interval_is_that_of_the_normal_theory():
    values = np.random.default_rng(0).normal(5, 2, 400)
    mean, (low, high) = mean_with_interval(values, 4000, 1)
    half = 1.96 * values.std(ddof=1) / math.sqrt(400)
    assert mean == pytest.approx(values.mean())
    assert (low, high) == (pytest.approx(mean - half, abs=0.03), pytest.approx(mean + half, abs=0.03))


def test_an_infinite_value_makes_the_mean_infinite_and_no_unit_is_not_a_number():
    assert mean_with_interval(np.array([1.0, math.inf]), 100, 0) == (math.inf, (math.inf, math.inf))
    mean, ends = mean_with_interval(np.zeros(0), 100, 0)
    assert math.isnan(mean) and all(map(math.isnan, ends))
    assert mean_with_interval(np.array([2.0, 0.0]), 100, 0, np.array([1.0, 0.0]))[0] == 2.0


def test_numbers_of_the_seeds_become_means_at_any_depth():
    def cell(time: float) -> LengthCostCell:
        point = LengthPoint(context=16, milliseconds_step=time, milliseconds_scratch=2 * time)
        return LengthCostCell(window=None, points=[point, point])

    merged = over_seeds([cell(1.0), cell(3.0)])
    assert merged.window is None
    assert [point.milliseconds_scratch for point in merged.points] == [4.0, 4.0]
    assert merged.points[0].context == 16


def test_what_one_seed_lacks_is_the_mean_of_the_others():
    def row(bits: float | None) -> SearchRow:
        ci95 = None if bits is None else (bits, bits)
        return SearchRow(
            method="beam",
            size=4,
            complete=1.0,
            bits=bits,
            bits_ci95=ci95,
            excess=None,
            excess_ci95=None,
            length=bits,
            length_ci95=ci95,
            empty=0.5,
            empty_ci95=None,
            errors=2,
            errors_ci95=None,
        )

    assert over_seeds([row(1.0), row(2.0)]).bits_ci95 == (1.5, 1.5)
    for rows in ([row(None), row(2.0), row(4.0)], [row(2.0), row(None), row(4.0)]):
        found = over_seeds(rows)
        assert (found.bits, found.bits_ci95, found.excess) == (3.0, (3.0, 3.0), None)
