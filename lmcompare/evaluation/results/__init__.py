"""What an evaluation found: the documented schema of `results.json`, and nothing that computes.

One `Cell` is what one trained model (one seed) gave; `Results` is what a report is made of. Fields
that hold a time, a speed or a memory size stand only under `cost`, under `seconds` and where a name
says so: all else is the same bits in a rerun. An infinite perplexity is written as the string "Infinity".
"""

from lmcompare.evaluation.results.analyses import (
    Analyses,
    CellAnalyses,
)
from lmcompare.evaluation.results.calibration import Calibration, CalibrationCell, CalibrationRow
from lmcompare.evaluation.results.extremes import Extremes
from lmcompare.evaluation.results.inside import (
    Attention,
    Gate,
    Head,
    Inside,
    InsideCell,
    InsideRow,
    LayerUnits,
    Neighbour,
    Neighbourhood,
    TrainedAt,
    WrittenText,
)
from lmcompare.evaluation.results.model import (
    BackoffStep,
    Candidate,
    ChainStep,
    Cost,
    CurvePoint,
    Explanation,
    Generation,
    Prediction,
    Sample,
    Scores,
    TokenizerInfo,
    Variation,
)
from lmcompare.evaluation.results.overlap import Overlap, OverlapRow, OverlapScore
from lmcompare.evaluation.results.position import (
    LeadPoint,
    Position,
    PositionCurve,
    PositionLead,
    PositionLeads,
    PositionPoint,
)
from lmcompare.evaluation.results.record import (
    POLICIES,
    PolicyName,
    Record,
    SplitName,
)
from lmcompare.evaluation.results.seconds import AnalysisSeconds, CellSeconds, RunSeconds
from lmcompare.evaluation.results.slices import Slice, Slices, SliceScore, Slicing
from lmcompare.evaluation.results.targeted import (
    Accuracy,
    Cloze,
    ClozeCell,
    ClozeRow,
    MinimalPairs,
    MinimalPairsCell,
    PairsOfParadigm,
)
from lmcompare.evaluation.results.truth import Truth, TruthCell, TruthKind, TruthRow
from lmcompare.evaluation.results.unit_table import UnitRow, UnitScore, UnitScores, UnitTable
from lmcompare.evaluation.results.whole import (
    SCHEMA_VERSION,
    Cell,
    CorpusInfo,
    ModelResult,
    PairedDifference,
    Ranking,
    Results,
    SplitInfo,
)
from lmcompare.evaluation.results.windows import (
    ContextPoint,
    StridePoint,
    Windows,
    WindowsCell,
    WindowsRow,
)

__all__ = [
    "Overlap",
    "OverlapRow",
    "OverlapScore",
    "Accuracy",
    "Cloze",
    "ClozeCell",
    "ClozeRow",
    "MinimalPairs",
    "MinimalPairsCell",
    "PairsOfParadigm",
    "Analyses",
    "AnalysisSeconds",
    "Attention",
    "BackoffStep",
    "Calibration",
    "CalibrationCell",
    "CalibrationRow",
    "Candidate",
    "Cell",
    "CellAnalyses",
    "CellSeconds",
    "ChainStep",
    "ContextPoint",
    "CorpusInfo",
    "Cost",
    "CurvePoint",
    "Explanation",
    "Extremes",
    "Gate",
    "Generation",
    "Head",
    "Inside",
    "InsideCell",
    "InsideRow",
    "LayerUnits",
    "LeadPoint",
    "ModelResult",
    "Neighbour",
    "Neighbourhood",
    "POLICIES",
    "PairedDifference",
    "PolicyName",
    "Position",
    "PositionCurve",
    "PositionLead",
    "PositionLeads",
    "PositionPoint",
    "Prediction",
    "Ranking",
    "Record",
    "Results",
    "RunSeconds",
    "SCHEMA_VERSION",
    "Sample",
    "Scores",
    "Slice",
    "SliceScore",
    "Slices",
    "Slicing",
    "SplitInfo",
    "SplitName",
    "StridePoint",
    "TokenizerInfo",
    "TrainedAt",
    "UnitRow",
    "UnitScore",
    "UnitScores",
    "UnitTable",
    "Variation",
    "Truth",
    "TruthCell",
    "TruthKind",
    "TruthRow",
    "Windows",
    "WindowsCell",
    "WindowsRow",
    "WrittenText",
]
