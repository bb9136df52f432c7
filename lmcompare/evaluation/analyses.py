"""All analyses, in the order of the report; the harness goes through them.

To add one: a module with an `Analysis`, its options, records, section and words, and a line here.
"""

from __future__ import annotations

from collections.abc import Sequence

from lmcompare.evaluation.analysis import Analysis, Checks, Contender, Subject, by_reading_order
from lmcompare.evaluation.calibration import CALIBRATION
from lmcompare.evaluation.extremes import EXTREMES
from lmcompare.evaluation.inside import INSIDE
from lmcompare.evaluation.limits.analyses import LIMITS
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.overlap import OVERLAP
from lmcompare.evaluation.position import POSITION
from lmcompare.evaluation.results import Analyses, CellAnalyses
from lmcompare.evaluation.slices import SLICES
from lmcompare.evaluation.targeted.cloze import CLOZE
from lmcompare.evaluation.targeted.pairs import MINIMAL_PAIRS
from lmcompare.evaluation.timing import Stopwatch
from lmcompare.evaluation.truth import TRUTH
from lmcompare.evaluation.unit_table import UNIT_TABLE
from lmcompare.evaluation.windows import WINDOWS
from lmcompare.text.corpus import Corpus

ANALYSES: tuple[Analysis, ...] = (
    TRUTH,
    UNIT_TABLE,
    POSITION,
    WINDOWS,
    INSIDE,
    SLICES,
    EXTREMES,
    CALIBRATION,
    OVERLAP,
    MINIMAL_PAIRS,
    CLOZE,
    *LIMITS,
)


ANY_ORDER = frozenset({"orders", "gap"})
"""Analyses that also show models which read in another order than the text's."""


def check_all(options: EvaluationOptions, corpus: Corpus) -> None:
    """Look at all that analyses will read, so that a fault is told before anything is trained."""
    for analysis in ANALYSES:
        if isinstance(analysis, Checks):
            analysis.check(options, corpus)


def measure_all(subject: Subject, watch: Stopwatch) -> CellAnalyses:
    """What every analysis measures of one trained model; `watch` is told what each takes."""
    found = {}
    for analysis in ANALYSES:
        with watch.time(analysis.name):
            found[analysis.name] = analysis.measure(subject)
    return CellAnalyses(**{name: record for name, record in found.items() if record is not None})


def gather_all(contenders: Sequence[Contender], options: EvaluationOptions, watch: Stopwatch) -> Analyses:
    """What every analysis shows of all models; `watch` is told what each takes."""
    main, _ = by_reading_order(contenders)
    found = {}
    for analysis in ANALYSES:
        with watch.time(analysis.name):
            chosen = contenders if analysis.name in ANY_ORDER else main
            found[analysis.name] = analysis.gather(chosen, options)
    return Analyses(**{name: record for name, record in found.items() if record is not None})
