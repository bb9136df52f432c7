"""What each analysis found: a field for each, `None` where it was not asked for.

`CellAnalyses` is what was measured of one trained model, `Analyses` what is shown of all of them.
"""

from __future__ import annotations

from lmcompare.evaluation.results.calibration import Calibration, CalibrationCell
from lmcompare.evaluation.results.extremes import Extremes
from lmcompare.evaluation.results.inside import Inside, InsideCell
from lmcompare.evaluation.results.limits import (
    Exposure,
    ExposureCell,
    Gap,
    GapCell,
    LengthCost,
    LengthCostCell,
    Orders,
    Search,
    SearchCell,
)
from lmcompare.evaluation.results.overlap import Overlap
from lmcompare.evaluation.results.position import Position
from lmcompare.evaluation.results.record import Record
from lmcompare.evaluation.results.slices import Slices
from lmcompare.evaluation.results.targeted import Cloze, ClozeCell, MinimalPairs, MinimalPairsCell
from lmcompare.evaluation.results.truth import Truth, TruthCell
from lmcompare.evaluation.results.unit_table import UnitTable
from lmcompare.evaluation.results.windows import Windows, WindowsCell


class CellAnalyses(Record):
    """Of one trained model, by analysis; an analysis of scores alone has nothing here."""

    truth: TruthCell | None = None
    gap: GapCell | None = None
    length_cost: LengthCostCell | None = None
    search: SearchCell | None = None
    exposure: ExposureCell | None = None
    windows: WindowsCell | None = None
    calibration: CalibrationCell | None = None
    minimal_pairs: MinimalPairsCell | None = None
    cloze: ClozeCell | None = None
    inside: InsideCell | None = None


class Analyses(Record):
    """Of all models, by analysis, in the order of the report."""

    truth: Truth | None = None
    orders: Orders | None = None
    gap: Gap | None = None
    length_cost: LengthCost | None = None
    search: Search | None = None
    exposure: Exposure | None = None
    unit_table: UnitTable | None = None
    position: Position | None = None
    overlap: Overlap | None = None
    windows: Windows | None = None
    minimal_pairs: MinimalPairs | None = None
    cloze: Cloze | None = None
    inside: Inside | None = None
    slices: Slices | None = None
    extremes: Extremes | None = None
    calibration: Calibration | None = None
