"""How generated text differs from human text: variety, repetition, likeness, and what is copied.

Each number depends on how much text it is taken from, so all rows of a table have the same number of
samples of the same length in units of text, and stand beside the human row: its value is the aim,
not 0 and not 1. n-grams do not cross line ends. Not covered: grammar, truth, coherence. Knows
nothing of models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lmcompare.errors import InputError
from lmcompare.evaluation.results import Generation
from lmcompare.evaluation.seen import SeenIndex
from lmcompare.evaluation.textunits import UnitName, lines, unit_ends, units

MOST_COMPARED = 32
"""Samples whose likeness is measured: the cost of self-BLEU grows with the square of their number."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """A text of `length` units after a prompt of so many units.

    Attributes:
        prompt: the text before it.
        text: all that was added to the prompt, up to the last unit.
        measured: the same without what only finishes the prompt's last unit ("et" after "supermark").
    """

    prompt: str
    text: str
    measured: str


def cut(prompt: str, text: str, length: int, unit: UnitName) -> Continuation | None:
    """The first `length` whole units that `text` adds to `prompt`; `None` where there are fewer.

    A last word counts as whole only when something stands behind it.
    """
    given = len(units(prompt, unit))
    ends = unit_ends(prompt + text, unit, given + length + 1)
    if len(ends) < given + length + (unit == "words"):
        return None
    begin, end = ends[given - 1] if given else 0, ends[given + length - 1]
    whole = prompt + text
    return Continuation(prompt, whole[len(prompt) : end], whole[begin:end])


def measure(texts: Sequence[str], length: int, index: SeenIndex) -> Generation:
    """All statistics of samples of equal length.

    distinct-n (Li et al. 2016) is counted over all samples together; repetition inside each sample;
    self-BLEU is of Zhu et al. 2018; a sentence that the sample's end cuts counts with what it has.

    Args:
        texts: the samples, each of exactly `length` units.
        length: for the record, and to verify.
        index: the n-grams of the training text; its unit is the unit of all statistics.
    """
    samples = [lines(text, index.unit) for text in texts]
    sizes = {sum(map(len, sample)) for sample in samples}
    if sizes != {length}:
        what = f"samples of {min(sizes, default=0)} to {max(sizes, default=0)} units cannot be compared"
        raise InputError(what, where="generation", remedy=f"Cut each to {length} {index.unit}")
    sentences = [line for sample in samples for line in sample]
    seen = index.seen(texts)
    return Generation(
        samples=len(samples),
        length=length,
        unit=index.unit,
        distinct_1=_distinct(sentences, 1),
        distinct_2=_distinct(sentences, 2),
        distinct_3=_distinct(sentences, 3),
        repetition_4=_repetition(samples, 4),
        self_bleu=self_bleu([[unit for line in sample for unit in line] for sample in samples]),
        mean_sentence_length=length * len(samples) / len(sentences),
        seen_2=_share(*seen[2]),
        seen_4=_share(*seen[4]),
        seen_8=_share(*seen[8]),
        longest_copy=sum(index.longest_copies(texts)) / len(texts),
    )


def self_bleu(samples: Sequence[Sequence[str]]) -> float:
    """Mean BLEU-4 of each of the first 32 samples against the others, 0 to 100; 0 for a single one.

    sacrebleu on units parted by spaces, without a tokenizer of its own: BLEU of words, or of characters.
    """
    from sacrebleu.metrics.bleu import BLEU

    # White space may be a unit of its own (characters), but parts units in what BLEU reads.
    texts = [
        " ".join("▁" if unit.isspace() else unit for unit in sample) for sample in samples[:MOST_COMPARED]
    ]
    if len(texts) < 2:
        return 0.0
    bleu = BLEU(tokenize="none", effective_order=True)
    scores = [
        bleu.sentence_score(text, [other for j, other in enumerate(texts) if j != i]).score
        for i, text in enumerate(texts)
    ]
    return float(sum(scores) / len(scores))


def _ngrams(line: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    return zip(*(line[start:] for start in range(n)), strict=False)


def _distinct(sentences: Sequence[Sequence[str]], n: int) -> float:
    found = [ngram for line in sentences for ngram in _ngrams(line, n)]
    return _share(len(set(found)), len(found))


def _repetition(samples: Sequence[Sequence[Sequence[str]]], n: int) -> float:
    every = different = 0
    for sample in samples:
        found = [ngram for line in sample for ngram in _ngrams(line, n)]
        every, different = every + len(found), different + len(set(found))
    return _share(every - different, every)


def _share(part: int, whole: int) -> float:
    """Part of the whole; 0 of nothing."""
    return part / whole if whole else 0.0
