"""What may be set of an evaluation: `[evaluation]` of an experiment file, one file for each of its tables.

Knows nothing of what is done with it.
"""

from lmcompare.evaluation.options.calibration import CalibrationOptions
from lmcompare.evaluation.options.extremes import ExtremesOptions
from lmcompare.evaluation.options.inside import InsideOptions
from lmcompare.evaluation.options.position import PositionOptions
from lmcompare.evaluation.options.slices import SlicesOptions
from lmcompare.evaluation.options.targeted import ClozeOptions, MinimalPairsOptions
from lmcompare.evaluation.options.truth import TruthOptions
from lmcompare.evaluation.options.unit_table import UnitTableOptions
from lmcompare.evaluation.options.whole import EvaluationOptions, GenerationOptions, ShowOptions
from lmcompare.evaluation.options.windows import WindowsOptions

__all__ = [
    "ClozeOptions",
    "MinimalPairsOptions",
    "CalibrationOptions",
    "EvaluationOptions",
    "ExtremesOptions",
    "GenerationOptions",
    "InsideOptions",
    "PositionOptions",
    "ShowOptions",
    "SlicesOptions",
    "TruthOptions",
    "UnitTableOptions",
    "WindowsOptions",
]
