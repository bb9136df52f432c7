"""The n-gram family as the registry knows it: options, training with a learning curve, loading.

Knows nothing of numba until a model is asked for a score, and nothing of torch ever.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lmcompare import files
from lmcompare.interface import Ids, Tokenizer
from lmcompare.models.ngram.counts import Stream, count, lay_out
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.smoothing import Smoothing, estimate
from lmcompare.registry import Progress, Training

PARTS = (0.125, 0.25, 0.5, 1.0)


class NgramOptions(BaseModel):
    """Interpolated modified Kneser-Ney.

    Attributes:
        order: length of the longest n-grams; the model sees `order - 1` tokens back.
        discounts: "textbook" (Chen and Goodman), or "lmplz": as KenLM's lmplz estimates them, its issue 405
            included, to agree with its files in every digit.
        interpolate_unigrams: mix single words with the uniform distribution (lmplz's default).
        prune: for order 1, 2, ...: n-grams that occur so often or less are left out; the last number
            stands for all orders above. [0, 0, 1] drops what occurs once from order 3 on.
        fallback: "auto": where the counts yield no discounts, 0.5, 1 and 1.5 are used, and the model's notes
            say so; "never": that is an error.
        curve: also train on 1/8, 1/4 and 1/2 of the text, for the learning curve.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: int = 5
    discounts: Literal["textbook", "lmplz"] = "textbook"
    interpolate_unigrams: bool = True
    prune: list[int] | None = Field(None, min_length=1)
    fallback: Literal["auto", "never"] = "auto"
    curve: bool = True

    @field_validator("order")
    @classmethod
    def _order_in_range(cls, order: int) -> int:
        if not 1 <= order <= 8:
            raise ValueError(f"must be from 1 to 8, not {order}")
        return order

    @model_validator(mode="after")
    def _prune_fits(self) -> NgramOptions:
        prune = self.prune or [0]
        if prune[0] != 0 or any(low > high for low, high in zip(prune, prune[1:], strict=False)):
            raise ValueError(f"prune must start with 0 and never fall, as [0, 0, 1] does, not {prune}")
        if len(prune) > self.order:
            raise ValueError(f"prune has {len(prune)} numbers, more than the order, {self.order}")
        return self

    @property
    def smoothing(self) -> Smoothing:
        """What the estimation needs to know."""
        return Smoothing(
            prune=tuple(self.prune or ()),
            interpolate_unigrams=self.interpolate_unigrams,
            last_raw=self.discounts == "lmplz",
            fallback=self.fallback == "auto",
        )


def train_ngram(documents: Sequence[Ids], tokenizer: Tokenizer, options: NgramOptions) -> NgramModel:
    """An n-gram model of documents, each one array with `eos` at every sentence's end.

    Errors: `InputError` for an empty text, or discounts that cannot be estimated with `fallback="never"`.
    """
    return _fit(lay_out(documents, tokenizer.bos, tokenizer.eos), tokenizer, options)


def _fit(stream: Stream, tokenizer: Tokenizer, options: NgramOptions) -> NgramModel:
    levels = count(stream, options.order, tokenizer.size, tokenizer.bos)
    found = estimate(
        levels, stream, options.smoothing, bos=tokenizer.bos, eos=tokenizer.eos, unk=tokenizer.unk
    )
    settings = {**options.model_dump(), "estimated_discounts": found.discounts, "events": stream.events}
    return NgramModel(tokenizer, found.tables, settings, found.notes)


@dataclass(frozen=True)
class NgramFamily:
    """Counts, smooths and stores n-grams."""

    name: str = "ngram"
    summary: str = "n-grams, interpolated modified Kneser-Ney"
    options: type[BaseModel] = NgramOptions

    def train(self, job: Training) -> NgramModel:
        """See `registry.Family.train`. Nothing is kept over a kill: it takes seconds to start afresh."""
        options = NgramOptions.model_validate(job.options.model_dump())
        stream = lay_out(job.train, job.tokenizer.bos, job.tokenizer.eos)
        path, lines = job.folder / "curve.jsonl", ""
        parts = PARTS if options.curve else PARTS[-1:]
        work, done = sum(parts), 0.0
        job.progress(Progress("counting", 0.0, work))
        for part in parts:
            started = time.perf_counter()
            text = stream if part == 1 else stream.first(max(1, int(part * stream.events)))
            model = _fit(text, job.tokenizer, options)
            seconds = time.perf_counter() - started
            bits = _bits_per_token(model, job.valid)
            note = ""
            if bits is not None:
                point = {"tokens": text.events, "seconds": seconds, "valid_bits_per_token": bits}
                lines += json.dumps({**point, "train_bits_per_token": None}) + "\n"
                files.write_text(path, lines)
                note = (
                    f"{text.events:,} tokens: valid ppl {2**bits:.1f}"
                    if bits < 1000
                    else "valid ppl infinite"
                )
            done += part
            job.progress(Progress("counting", done, work, "; ".join([note, *model.notes]).strip("; ")))
        return model

    def load(self, folder: Path) -> NgramModel:
        """See `registry.Family.load`."""
        return NgramModel.load(folder)


def _bits_per_token(model: NgramModel, documents: Sequence[Ids]) -> float | None:
    """Mean surprisal of the documents' events in bits; `None` where there are none."""
    scores = np.concatenate([np.zeros(0), *model.score(documents)])
    return float(-scores.mean() / np.log(2)) if len(scores) else None


NGRAM = NgramFamily()
