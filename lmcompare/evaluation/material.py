"""What all models of an experiment are shown: the same sentences, contexts and prompts, as text.

Everything is taken from the test split by position, never by chance and never by what a model says
of it. Knows nothing of models: each encodes the text with its own tokenizer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmcompare.evaluation.generation_quality import Continuation, cut, measure
from lmcompare.evaluation.options import EvaluationOptions, GenerationOptions
from lmcompare.evaluation.results import Generation, Sample
from lmcompare.evaluation.seen import SeenIndex
from lmcompare.evaluation.textunits import UnitName, unit_ends, unit_name, units
from lmcompare.text.corpus import Corpus

MODERATE = {"words": (6, 14), "characters": (8, 24)}
"""Units of a sentence that fits on a line of the report."""
ENDINGS = (".", "?", "!", "。", "？", "！")


@dataclass(frozen=True, slots=True)
class Material:
    """Made once for a corpus, and used for each model.

    Attributes:
        sentences: what is shown factor by factor.
        contexts: what is continued by one token.
        human: prompts and how the test text goes on after each; empty where nothing is generated.
        unit: what lengths are counted in.
        test_units: units of the whole test split.
        index: the n-grams of the training text; `None` where nothing is generated.
    """

    sentences: list[str]
    contexts: list[str]
    human: list[Continuation]
    unit: UnitName
    test_units: int
    index: SeenIndex | None

    def human_generation(self) -> Generation | None:
        """The human row of the table: the test text's own continuations, measured like generated ones."""
        if self.index is None:
            return None
        texts = [each.measured for each in self.human]
        return measure(texts, len(units(texts[0], self.unit)), self.index)

    def human_samples(self, shown: int) -> list[Sample]:
        """The first prompts with the text that follows them."""
        return [Sample(prompt=each.prompt, text=each.text) for each in self.human[:shown]]


def prepare(corpus: Corpus, options: EvaluationOptions) -> Material:
    """Choose sentences, contexts and prompts from the test text, and index the training text."""
    unit = unit_name(corpus.words)
    documents = [document.sentences for document in corpus.splits["test"]]
    sizes = [np.array([len(units(line, unit)) for line in lines], dtype=np.int64) for lines in documents]
    sentences = list(options.show.sentences) or _sentences(documents, unit)
    contexts = list(options.show.contexts) or [_beginning(sentence, unit) for sentence in sentences]
    human = _prompts(documents, sizes, options.generation, unit) if options.generation.prompts else []
    index = SeenIndex(corpus.sentences("train"), unit) if human else None
    return Material(sentences, contexts, human, unit, int(sum(size.sum() for size in sizes)), index)


def _sentences(documents: list[tuple[str, ...]], unit: UnitName, number: int = 2) -> list[str]:
    """Whole sentences of moderate length, evenly spaced; the first lines where there is none."""
    least, most = MODERATE[unit]
    every = list(dict.fromkeys(line.strip() for lines in documents for line in lines if line.strip()))
    fitting = [
        line
        for line in every
        if line.endswith(ENDINGS) and "<unk>" not in line and least <= len(units(line, unit)) <= most
    ]
    return [fitting[place] for place in _spread(len(fitting), number)] if fitting else every[:number]


def _beginning(sentence: str, unit: UnitName) -> str:
    """The first half of a sentence."""
    ends = unit_ends(sentence, unit, len(sentence))
    return sentence[: ends[len(ends) // 2 - 1]] if len(ends) > 1 else sentence


def _prompts(
    documents: list[tuple[str, ...]], sizes: list[np.ndarray], options: GenerationOptions, unit: UnitName
) -> list[Continuation]:
    """Evenly spaced sentence starts with enough text after them, within a document where there are enough.

    Best are sentences that are longer than the prompt, so that a prompt is no heading. A corpus of short
    documents has too few places; its text is then read on over document ends, for all models alike.
    """
    need = options.prompt_units + options.length + (unit == "words")
    places = _starts(sizes, need, options.prompt_units + 1)
    if len(places) < options.prompts:
        places = _starts(sizes, need)
    if len(places) < options.prompts:
        documents = [tuple(line for lines in documents for line in lines)]
        places = _starts([np.concatenate([np.zeros(0, dtype=np.int64), *sizes])], need)
    chosen = [places[place] for place in _spread(len(places), options.prompts)]
    found = []
    for document, line in chosen:
        # A line with no unit adds none, so more lines than units may be needed.
        text, last = "", line
        while len(ends := unit_ends(text, unit, need)) < need:
            text, last = text + documents[document][last] + "\n", last + 1
        prompt = text[: ends[options.prompt_units - 1]]
        continuation = cut(prompt, text[len(prompt) :], options.length, unit)
        if continuation is not None:
            found.append(continuation)
    return found


def _starts(sizes: list[np.ndarray], need: int, line: int = 1) -> list[tuple[int, int]]:
    """Document and number of each line of at least `line` units that begins a text of at least `need`."""
    found = []
    for document, size in enumerate(sizes):
        after = np.cumsum(size[::-1])[::-1]
        found += [(document, int(place)) for place in np.flatnonzero((size >= line) & (after >= need))]
    return found


def _spread(available: int, number: int) -> list[int]:
    """At most `number` places of `available`, evenly spaced, each once."""
    number = min(available, number)
    return [(2 * place + 1) * available // (2 * number) for place in range(number)]
