"""A corpus drawn from a synthetic language, and what is known of it: sizes, entropy, what truth needs.

Knows nothing of how probabilities are computed.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lmcompare.errors import InputError
from lmcompare.text.corpus import SPLITS, Document
from lmcompare.text.grammar_corpus import Sizes
from lmcompare.text.synthetic.options import Language, process_of
from lmcompare.text.synthetic.process import Array, Index, Process, draw, estimated_entropy, surprisals

SAMPLE = 20_000
"""Sentences of the sample from which an entropy is estimated that has no exact form."""

Count = Annotated[int, Field(ge=1)]


class SourceFile(BaseModel):
    """The content of a `source.toml`."""

    model_config = ConfigDict(extra="forbid")

    seed: int = Field(ge=0)
    sentences: Sizes
    document: tuple[Count, Count] = Field((1, 1), description="fewest and most sentences of a document")
    language: Language


def read_source(path: Path) -> tuple[SourceFile, Process]:
    """A source file, checked; raises `InputError` with the place of every fault."""
    try:
        file = SourceFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"not a source: {error}", where=str(path)) from None
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise InputError("; ".join(faults), where=str(path)) from None
    if file.document[0] > file.document[1]:
        raise InputError("the fewest sentences are more than the most", where=f"{path}, document")
    try:
        return file, process_of(described(file))
    except InputError as error:
        raise InputError(error.what, where=f"{path}, {error.where}", remedy=error.remedy) from None


def described(file: SourceFile) -> dict[str, Any]:
    """The language as plain values (`Corpus.source`)."""
    plain: dict[str, Any] = file.language.model_dump(mode="json")
    return plain


def synthetic_corpus(
    path: Path, *, words: bool
) -> tuple[dict[str, list[Document]], dict[str, float | str], dict[str, Any]]:
    """Documents by split, what is known of the language (a token is a symbol or an end), and its source.

    - `entropy_bits_per_sentence`, `entropy_bits_per_token`, `tokens_per_sentence`: exact, or estimated from
      a sample; `entropy_error_bits_per_token` is then the standard error of the second.
    - `true_bits_per_token_valid`, `..._test`: what the language itself needs for these very splits.

    Args:
        path: of the source file.
        words: whether symbols are words between spaces; else they stand side by side.
    """
    file, process = read_source(path)
    splits: dict[str, list[Document]] = {}
    drawn: dict[str, list[Index]] = {}
    for number, split in enumerate(SPLITS):
        # A stream of its own for each split: the size of one changes no other.
        uniform = np.random.default_rng([file.seed, number]).random
        drawn[split] = draw(process, int(getattr(file.sentences, split)), uniform)
        lines = [(" " if words else "").join(process.symbols[s] for s in one) for one in drawn[split]]
        sizes = np.random.default_rng([file.seed, number, 1]).random
        splits[split] = _documents(lines, split, file.document, sizes)
    known, error = process.entropy(), 0.0
    if known is None:
        known, error = estimated_entropy(process, SAMPLE, file.seed)
    facts: dict[str, float | str] = {
        "entropy_bits_per_sentence": known.bits_per_sentence,
        "entropy_bits_per_token": known.bits_per_token,
        "tokens_per_sentence": known.tokens_per_sentence,
        "tokens": "word" if words else "char",
    }
    if error:
        facts["entropy_error_bits_per_token"] = error
    for split in ("valid", "test"):
        bits = np.concatenate(surprisals(process, drawn[split]))
        facts[f"true_bits_per_token_{split}"] = float(bits.mean())
    return splits, facts, described(file)


def _documents(lines: list[str], split: str, limits: tuple[int, int], uniform: Any) -> list[Document]:
    fewest, most = limits
    chances: Array = uniform(len(lines))
    sizes = fewest + (chances * (most - fewest + 1)).astype(np.int64)
    ends = np.minimum(np.cumsum(sizes), len(lines)).tolist()
    documents: list[Document] = []
    first = 0
    for end in ends:
        if first < end:
            documents.append(Document(f"{split}:{len(documents) + 1}", tuple(lines[first:end])))
        first = end
    return documents
