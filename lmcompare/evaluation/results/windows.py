"""Analysis `windows`: what context is worth, and how a window should move.

Computes nothing.
"""

from __future__ import annotations

from pydantic import Field

from lmcompare.evaluation.results.record import Record, SplitName


class ContextPoint(Record):
    """The same events, each predicted from its last `context` tokens only."""

    context: int | None = Field(description="tokens that may be seen; null: as in the main table")
    bits: float = Field(description="mean bits per token")
    ci95: tuple[float, float] = Field(description="95 % interval, bootstrap over documents or sentences")


class StridePoint(Record):
    """The start of the text, scored with windows that move by `stride`."""

    window: int
    stride: int
    perplexity: float
    ci95: tuple[float, float] | None = Field(
        None, description="of the perplexity; 95 %, bootstrap over documents or sentences"
    )
    saved: float | None = Field(
        None, description="share of the perplexity that is saved against the next longer stride"
    )
    saved_ci95: tuple[float, float] | None = Field(None, description="of it, paired")
    mean_context: float = Field(description="tokens that an event could see, mean")
    least_context: int = Field(description="the same, the least beyond the first window of a document")
    reads: float = Field(description="tokens read for each event that is scored")


class WindowsCell(Record):
    """One trained model."""

    events: int = Field(description="events of the curve")
    own_orders: bool | None = Field(
        None,
        description="answers with its own lower orders; false: it reads what it may see as a document's "
        "beginning, which at 0 or 1 tokens no text looks like; null: not recorded",
    )
    curve: list[ContextPoint]
    sweep: list[StridePoint]


class WindowsRow(Record):
    """One model; means over its seeds."""

    model: str
    events: int
    own_orders: bool | None = Field(None, description="see `WindowsCell`")
    curve: list[ContextPoint]
    sweep: list[StridePoint]


class Windows(Record):
    """What is shown of all models."""

    split: SplitName
    rows: list[WindowsRow]
