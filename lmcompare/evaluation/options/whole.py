"""What may be set of an evaluation: the table `[evaluation]` of an experiment file.

Knows nothing of what is done with it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from lmcompare.errors import InputError
from lmcompare.evaluation.options.base import Options
from lmcompare.evaluation.options.calibration import CalibrationOptions
from lmcompare.evaluation.options.extremes import ExtremesOptions
from lmcompare.evaluation.options.inside import InsideOptions
from lmcompare.evaluation.options.limits import (
    ExposureOptions,
    GapOptions,
    LengthCostOptions,
    OrdersOptions,
    SearchOptions,
)
from lmcompare.evaluation.options.overlap import OverlapOptions
from lmcompare.evaluation.options.position import PositionOptions
from lmcompare.evaluation.options.slices import SlicesOptions
from lmcompare.evaluation.options.targeted import ClozeOptions, MinimalPairsOptions
from lmcompare.evaluation.options.truth import TruthOptions
from lmcompare.evaluation.options.unit_table import UnitTableOptions
from lmcompare.evaluation.options.windows import WindowsOptions
from lmcompare.evaluation.results import SplitName
from lmcompare.generation.rules import parse


class GenerationOptions(Options):
    """Text that each model writes, and how it is measured. A unit is a word, or a character."""

    prompts: int = Field(
        default=32, ge=0, description="prompts taken from the test text; 0 for no generation"
    )
    prompt_units: int = Field(default=16, ge=1, description="units of a prompt")
    length: int = Field(default=60, ge=8, description="units of each continuation, the human one included")
    rule: str = Field(
        default="temperature(1.0)", description='sampling rule, such as "temperature(0.8) top_p(0.95)"'
    )
    seed: int = Field(default=1, ge=0, description="fixes all draws, together with the model's seed")
    shown: int = Field(default=3, ge=0, description="continuations that the report shows")

    @field_validator("rule")
    @classmethod
    def _readable(cls, value: str) -> str:
        try:
            return repr(parse(value))
        except InputError as error:
            raise ValueError(str(error)) from None


class ShowOptions(Options):
    """What the report shows token by token; empty lists are filled from the test text."""

    sentences: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=list, description="sentences whose probability is shown factor by factor"
    )
    contexts: list[str] = Field(default_factory=list, description="texts whose next token is predicted")
    candidates: int = Field(default=8, ge=1, le=100, description="next tokens shown for each context")


class EvaluationOptions(Options):
    """How all models of an experiment are evaluated."""

    splits: list[SplitName] = Field(
        default=["valid", "test"], min_length=1, description="splits that are scored"
    )
    window: int | None = Field(
        default=None,
        ge=1,
        description="tokens that every model may see which reads on over a document; null: each as it is",
    )
    stride: int | None = Field(
        default=None, ge=1, description="tokens by which such a window moves on; null: half the window"
    )
    resamples: int = Field(
        default=10_000, ge=100, description="samples of each bootstrap and permutation test"
    )
    seed: int = Field(default=0, ge=0, description="of the bootstrap and the permutation test")
    resample: Literal["documents", "sentences"] = Field(
        default="documents",
        description="what bootstrap and tests draw; sentences in any case where a corpus has fewer than 20 "
        "documents, or none that are real",
    )
    open_vocabulary: int | None = Field(
        default=None,
        ge=1,
        description="unseen types that p(<unk>) is spread over where unknown words are charged; at least, "
        "and by default, those of the scored text; a text that has only <unk> for its unknown words is "
        "charged only where this is given",
    )
    generation: GenerationOptions = Field(default_factory=GenerationOptions)
    show: ShowOptions = Field(default_factory=ShowOptions)
    truth: TruthOptions = Field(default_factory=TruthOptions)
    orders: OrdersOptions = Field(default_factory=OrdersOptions)
    gap: GapOptions = Field(default_factory=GapOptions)
    length_cost: LengthCostOptions = Field(default_factory=LengthCostOptions)
    search: SearchOptions = Field(default_factory=SearchOptions)
    exposure: ExposureOptions = Field(default_factory=ExposureOptions)
    overlap: OverlapOptions = Field(default_factory=OverlapOptions)
    position: PositionOptions = Field(default_factory=PositionOptions)
    unit_table: UnitTableOptions = Field(default_factory=UnitTableOptions)
    windows: WindowsOptions = Field(default_factory=WindowsOptions)
    inside: InsideOptions = Field(default_factory=InsideOptions)
    minimal_pairs: MinimalPairsOptions = Field(default_factory=MinimalPairsOptions)
    cloze: ClozeOptions = Field(default_factory=ClozeOptions)
    slices: SlicesOptions = Field(default_factory=SlicesOptions)
    extremes: ExtremesOptions = Field(default_factory=ExtremesOptions)
    calibration: CalibrationOptions = Field(default_factory=CalibrationOptions)

    @model_validator(mode="after")
    def _windows_fit(self) -> EvaluationOptions:
        if self.stride is not None and (self.window is None or self.stride > self.window):
            raise ValueError(f"stride {self.stride} needs a window that is at least as long")
        return self

    @field_validator("splits")
    @classmethod
    def _once(cls, value: list[SplitName]) -> list[SplitName]:
        if len(set(value)) < len(value):
            raise ValueError("a split is named twice")
        return value
