"""The seam of the analyses: each asks one more question of the same scores and the same models.

An analysis measures one trained model at a time, in its worker process, and afterwards gathers what
is shown of all models, where only scores are at hand. Options, records, section of the report and
words stand in modules of the same name (`options/`, `results/`, `reporting/sections/`,
`reporting/strings/`). Knows no analysis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from lmcompare.evaluation.event_scores import EventScores
from lmcompare.evaluation.material import Material
from lmcompare.evaluation.options import EvaluationOptions
from lmcompare.evaluation.results import Cell, ModelResult, Record, SplitName
from lmcompare.interface import LanguageModel
from lmcompare.registry import Progress
from lmcompare.text.corpus import Corpus
from lmcompare.text.encoded import EncodedCorpus
from lmcompare.text.tokenizers.ordered import order_of


@dataclass(frozen=True, slots=True)
class Subject:
    """One trained model under evaluation.

    Attributes:
        name: of the model in the experiment.
        seed: that it was trained with.
        model: the trained model.
        encoded: the corpus in its tokens.
        scores: log p of every event of every split, and columns that analyses add (`EventScores.columns`).
        material: what all models are shown.
        options: of the whole evaluation.
        tell: called on the way.
    """

    name: str
    seed: int
    model: LanguageModel
    encoded: EncodedCorpus
    scores: EventScores
    material: Material
    options: EvaluationOptions
    tell: Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Contender:
    """One model of a comparison.

    Attributes:
        result: its row.
        scores: of each of its seeds, in the order of `result.seeds`.
        encoded: the text that it was scored on, in its own tokens.
        cells: what was found of each seed.
    """

    result: ModelResult
    scores: list[EventScores]
    encoded: EncodedCorpus
    cells: Sequence[Cell] = ()


class Analysis(Protocol):
    """One analysis; its name is the field of `CellAnalyses` and of `Analyses` that it fills."""

    @property
    def name(self) -> str:
        """The key of its options, records, section and words."""
        ...

    def measure(self, subject: Subject) -> Record | None:
        """What needs the model itself; `None` where the scores are enough or the options say no."""
        ...

    def gather(self, contenders: Sequence[Contender], options: EvaluationOptions) -> Record | None:
        """What is shown of all models; `None` where the options say no or there is nothing to show."""
        ...


@runtime_checkable
class Checks(Protocol):
    """An analysis that reads files: they are looked at before anything is trained."""

    def check(self, options: EvaluationOptions, corpus: Corpus) -> None:
        """Raise `InputError` for what the analysis could not read."""
        ...


def by_reading_order(contenders: Sequence[Contender]) -> tuple[list[Contender], list[Contender]]:
    """Those that read as the text runs, and the others; where all others do, all of them and none.

    Only what is predicted in one order can be set against each other token by token.
    """
    forward = [each for each in contenders if order_of(each.encoded.tokenizer) == "forward"]
    others = [each for each in contenders if each not in forward]
    return (forward, others) if forward else (others, [])


def headline_split(options: EvaluationOptions) -> SplitName:
    """The split that analyses look at: test where it is scored."""
    return "test" if "test" in options.splits else options.splits[0]
