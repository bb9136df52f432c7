"""Where lmplz's reference values and the texts behind them stand; skips where they do not."""

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from lmcompare.interface import Ids, Tokenizer
from lmcompare.models.ngram.model import NgramModel
from lmcompare.text.tokenizers import TokenizerOptions, build

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
REFERENCE = SHARED / "reference" / "kenlm"
EWT, GSD = "ud-multilingual/en_ewt.{}.tok.txt", "zh-ud-gsd/{}.seg.txt"
WIKITEXT = "wikitext-2/{}.txt"


def present(path: Path) -> Path:
    """The path, where there is something; else the test is skipped."""
    if not path.exists():
        pytest.skip(f"no {path.relative_to(SHARED.parent)} beside the repository")
    return path


def lines(path: Path) -> list[str]:
    """The sentences, with `<unk>` written as it was for lmplz, which reserves that word."""
    return present(path).read_text(encoding="utf-8").replace("<unk>", "_UNK_").split("\n")[:-1]


def split(text: str, name: str) -> list[str]:
    return lines(SHARED / "data" / text.format(name))


def encoded(text: str) -> tuple[Tokenizer, Ids, Ids]:
    """A tokenizer of all words of train, and train and test as one document each."""
    train = split(text, "train")
    tokenizer = build(TokenizerOptions(kind="word"), train)
    return tokenizer, tokenizer.encode_document(train), tokenizer.encode_document(split(text, "test"))


def perplexities(model: NgramModel, test: Ids) -> tuple[float, float]:
    """With the unknown words, and without them in the sum and in the count."""
    scores, known = model.score([test])[0], test != model.tokenizer.unk
    return float(np.exp(-scores.mean())), float(np.exp(-scores[known].mean()))


def query_words(name: str) -> list[tuple[str, int, int, float]]:
    """Word, its number (0: unknown), matched order and log10 probability of each event of a test split."""
    found = []
    for field in present(REFERENCE / name).read_text(encoding="utf-8").split():
        if "=" in field:
            word, _, number = field.rpartition("=")
            found.append([word, number])
        else:
            found[-1].append(field)
    return [(word, int(number), int(order), float(p)) for word, number, order, p in found]


def sampled(name: str) -> list[tuple[float, list[str], float | None]]:
    """Log10 probability, words and log10 back-off weight (where there is one) of n-grams of an ARPA file."""
    with gzip.open(present(REFERENCE / name), "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return [(float(row[0]), row[1].split(" "), float(row[2]) if len(row) > 2 else None) for row in rows]


def assert_same_ngrams(model: NgramModel, reference: NgramModel, *, tolerance: float) -> None:
    """Every n-gram of one model is in the other, with the same log10 probability and back-off weight."""
    ours, theirs = model.tables, reference.tables
    size = model.tokenizer.size
    assert size == reference.tokenizer.size
    ids = {reference.tokenizer.token(index): index for index in range(size)}
    translated = np.array([ids[model.tokenizer.token(index)] for index in range(size)])
    np.testing.assert_array_equal(ours.levels, theirs.levels)
    for order in range(1, ours.order + 1):
        first, last = ours.levels[order], ours.levels[order + 1]
        mine, other = translated[ours.grams(first, last)], theirs.grams(first, last)
        rank, other_rank = np.lexsort(mine.T[::-1]), np.lexsort(other.T[::-1])
        np.testing.assert_array_equal(mine[rank], other[other_rank])
        rank, other_rank = rank + first, other_rank + first
        for a, b in ((ours.logprobs, theirs.logprobs), (ours.backoffs, theirs.backoffs)):
            if len(a) >= last:  # the highest order has no back-off weights
                a, b = a[rank] / math.log(10), b[other_rank] / math.log(10)
                np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)
