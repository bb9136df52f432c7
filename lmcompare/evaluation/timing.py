"""How long the parts of an evaluation take: wall time, on this machine, with whatever else it does.

Knows nothing of what is timed.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.results import AnalysisSeconds, CellSeconds, RunSeconds


@dataclass
class Stopwatch:
    """Seconds by name; what is timed twice is added."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Add what the block takes to what has this name."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - begin)

    def add(self, name: str, seconds: float) -> None:
        """Add what was timed elsewhere."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds


def asked_for(options: EvaluationOptions, name: str) -> bool:
    """Whether an analysis is made; one without `enabled` is where its table says anything."""
    table = getattr(options, name)
    return bool(getattr(table, "enabled", table != type(table)()))


def of_run(
    cells: Sequence[CellSeconds], statistics: float, gathered: Mapping[str, float], options: EvaluationOptions
) -> RunSeconds:
    """Sums over the cells.

    Args:
        cells: what each trained model took.
        statistics: what comparing and ranking took, seconds.
        gathered: what each analysis took to look at all models together, seconds.
        options: of the evaluation.
    """
    analyses = Counter[str]()
    for found in (*(cell.analyses for cell in cells), gathered):
        analyses.update(found)
    usual = EvaluationOptions()
    return RunSeconds(
        cells=len(cells),
        scoring=sum(cell.scoring for cell in cells),
        scoring_matched=sum(cell.scoring_matched for cell in cells),
        statistics=sum(cell.statistics for cell in cells) + statistics,
        writing=sum(cell.writing for cell in cells),
        analyses=[
            AnalysisSeconds(name=name, default=asked_for(usual, name), seconds=seconds)
            for name, seconds in analyses.items()
            if asked_for(options, name)
        ],
    )
