"""The n-gram family as the registry knows it: options, training with a learning curve, loading.

Knows nothing of numba until a model is asked for a score, and nothing of torch ever.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from lmcompare import files
from lmcompare.allocation import kept_memory
from lmcompare.interface import Ids, Tokenizer
from lmcompare.models.ngram.counts import Level, Stream, count, lay_out
from lmcompare.models.ngram.model import NgramModel
from lmcompare.models.ngram.options import NgramOptions
from lmcompare.models.ngram.pruning import history_frequencies, prune_tables
from lmcompare.models.ngram.smoothing import estimate
from lmcompare.models.ngram.tables import is_compiled
from lmcompare.registry import Progress, Training

PARTS = (0.125, 0.25, 0.5, 1.0)


def train_ngram(
    documents: Sequence[Ids],
    tokenizer: Tokenizer,
    options: NgramOptions,
    held_out: Sequence[Ids] = (),
    threads: int = 2,
) -> NgramModel:
    """An n-gram model of documents, each one array with `eos` at every sentence's end.

    Args:
        documents: the text to count; not looked at where the options name counts.
        tokenizer: the event space.
        options: order and smoothing.
        held_out: other documents, for the methods that fit parameters.
        threads: how many threads may be used; more than two are no faster.

    Errors: `InputError` for an empty text, for parameters that are to be fitted without held-out text, and
    for discounts that cannot be estimated with `fallback="never"`.
    """
    text, checked = _text(documents, tokenizer, options), _held_out(held_out, tokenizer)
    model = _fit(text, tokenizer, options, checked, threads)
    model.notes += _unknown(text, tokenizer)
    return _rounded(model, held_out) if options.quantise else model


def _fit(
    text: Stream | Sequence[Level],
    tokenizer: Tokenizer,
    options: NgramOptions,
    held_out: Stream | None,
    threads: int = 1,
) -> NgramModel:
    with kept_memory():
        if isinstance(text, Stream):
            levels = count(text, options.order, tokenizer.size, tokenizer.bos, threads=threads)
        else:
            levels = list(text)
        found = estimate(
            levels,
            text if isinstance(text, Stream) else None,
            options.plan,
            bos=tokenizer.bos,
            eos=tokenizer.eos,
            unk=tokenizer.unk,
            held_out=held_out,
            threads=threads,
        )
    tables, notes = found.tables, found.notes
    if options.entropy_prune is not None:
        histories = history_frequencies(levels, tables, found.keep)
        ends = {"bos": tokenizer.bos, "eos": tokenizer.eos}
        tables = prune_tables(tables, options.entropy_prune, **ends, histories=histories)
        before, after = (int(each.levels[-1]) - 1 for each in (found.tables, tables))
        notes = [*notes, f"entropy_prune = {options.entropy_prune:g} keeps {after:,} of {before:,} n-grams"]
    settings = {**options.model_dump(), "estimated": found.parameters, "events": _events(text)}
    return NgramModel(tokenizer, tables, settings, notes)


def _rounded(model: NgramModel, held_out: Sequence[Ids]) -> NgramModel:
    """The model with eight bits a number, and what that costs among its notes."""
    rounded = model.quantised()
    before, after = (_bits_per_token(each, held_out) for each in (model, rounded))
    if before is not None and after is not None and before < 1000:
        loss = f"perplexity of the validation text from {2**before:.2f} to {2**after:.2f}"
        rounded.notes.append(f"quantise = 8 changes the {loss}")
    return rounded


@dataclass(frozen=True)
class NgramFamily:
    """Counts, smooths and stores n-grams."""

    name: str = "ngram"
    summary: str = "n-grams: modified Kneser-Ney and nine other ways to smooth"
    options: type[BaseModel] = NgramOptions

    def train(self, job: Training) -> NgramModel:
        """See `registry.Family.train`. Nothing is kept over a kill: it takes seconds to start afresh."""
        options = NgramOptions.model_validate(job.options.model_dump())
        whole, held_out = _text(job.train, job.tokenizer, options), _held_out(job.valid, job.tokenizer)
        path, lines = job.folder / "curve.jsonl", ""
        parts = PARTS if options.curve and isinstance(whole, Stream) else PARTS[-1:]
        work, done = sum(parts), 0.0
        job.progress(Progress("counting", 0.0, work))
        for part in parts:
            started = time.perf_counter()
            text = _first(whole, part)
            model = _fit(text, job.tokenizer, options, held_out, job.threads)
            model.notes += _unknown(text, job.tokenizer)
            if part == 1 and options.quantise:
                model = _rounded(model, job.valid)
            seconds = time.perf_counter() - started
            if job.valid and not is_compiled():
                job.progress(Progress("compiling, once", done, work))
            bits = _bits_per_token(model, job.valid)
            note = ""
            if bits is not None:
                point = {"tokens": _events(text), "seconds": seconds, "valid_bits_per_token": bits}
                lines += json.dumps({**point, "train_bits_per_token": None}) + "\n"
                files.write_text(path, lines)
                note = (
                    f"{_events(text):,} tokens: valid ppl {2**bits:.1f}"
                    if bits < 1000
                    else "valid ppl infinite"
                )
            done += part
            job.progress(Progress("counting", done, work, "; ".join([note, *model.notes]).strip("; ")))
        return model

    def load(self, folder: Path) -> NgramModel:
        """See `registry.Family.load`."""
        return NgramModel.load(folder)


def _text(documents: Sequence[Ids], tokenizer: Tokenizer, options: NgramOptions) -> Stream | Sequence[Level]:
    """What is learned from: a text, or the counts of one."""
    if options.counts is None:
        return _stream(documents, tokenizer)
    from lmcompare.models.ngram.count_files import read_counts

    paths = [options.counts] if isinstance(options.counts, str) else options.counts
    return read_counts(list(map(Path, paths)), tokenizer, options.order)


def _unknown(text: Stream | Sequence[Level], tokenizer: Tokenizer) -> list[str]:
    """What is to be told of counts, perhaps of another corpus, whose words are unknown here."""
    if isinstance(text, Stream) or tokenizer.unk is None or not text[0].counts[tokenizer.unk]:
        return []
    share = int(text[0].counts[tokenizer.unk]) / _events(text)
    return [f"{share:.2%} of the {_events(text):,} events in the counts are words that are unknown here"]


def _first(text: Stream | Sequence[Level], part: float) -> Stream | Sequence[Level]:
    if part == 1 or not isinstance(text, Stream):
        return text
    return text.first(max(1, int(part * text.events)))


def _events(text: Stream | Sequence[Level]) -> int:
    return text.events if isinstance(text, Stream) else int(text[0].counts.sum())


def _stream(documents: Sequence[Ids], tokenizer: Tokenizer) -> Stream:
    return lay_out(documents, tokenizer.bos, tokenizer.eos)


def _held_out(documents: Sequence[Ids], tokenizer: Tokenizer) -> Stream | None:
    return _stream(documents, tokenizer) if any(map(len, documents)) else None


def _bits_per_token(model: NgramModel, documents: Sequence[Ids]) -> float | None:
    """Mean surprisal of the documents' events in bits; `None` where there are none."""
    scores = np.concatenate([np.zeros(0), *model.score(documents)])
    return float(-scores.mean() / np.log(2)) if len(scores) else None


NGRAM = NgramFamily()
