from __future__ import annotations

import itertools

import numpy as np
import pytest

from lmcompare.reporting.sections import sections
from lmcompare.reporting.sections.pareto import PRICES, front, measured


def test_the_front_holds_exactly_those_that_no_other_beats():
    random = np.random.default_rng(0)
    for _ in range(50):
        points = {str(i): tuple(random.integers(1, 6, size=2)) for i in range(6)}
        chosen = front(points)
        for name, (cost, bits) in points.items():
            others = [other for key, other in points.items() if key != name]
            beaten = any(o != (cost, bits) and o[0] <= cost and o[1] <= bits for o in others)
            twin = any(points[key] == (cost, bits) for key in chosen)
            assert (name in chosen or twin) == (not beaten)
        costs = [points[name][0] for name in chosen]
        assert costs == sorted(costs)
        assert all(points[a][1] > points[b][1] for a, b in itertools.pairwise(chosen))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_price_that_was_measured_has_a_panel_and_a_column(make_results, lang):
    results = make_results(lang)
    known = [key for key in PRICES if len(measured(results, key)) > 1]
    assert "parameters" in known
    drawing, table = sections(results, lang)["pareto"].parts
    panels = [axes for axes in drawing.figure.axes if axes.get_visible()]
    assert len(panels) == len(known)
    assert [column.key for column in table.columns] == ["model", *known, "best"]
    best = {row[0].text: row[-1].sort for row in table.rows}
    assert max(best.values()) <= len(known)
    assert sum(best.values()) >= len(known)


def test_models_that_cannot_be_ranked_are_not_priced(make_results):
    results = make_results(spaces=True)
    assert ("pareto" in sections(results)) == (not results.ranking.refused)
