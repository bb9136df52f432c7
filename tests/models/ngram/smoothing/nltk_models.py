"""nltk's n-gram models on our ids, and what to mind when they are compared with ours.

nltk pads a sentence with `n - 1` bos and eos unless it is told what to count; here it is given our n-grams:
one bos, one eos, and no single bos, which is never predicted. Its vocabulary is all ids but bos (which it
then writes as its word for all that is unknown, in texts and in questions alike). It does not smooth single
words: its recursion ends with their relative frequencies. So longer n-grams are compared step by step.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from nltk.lm.api import LanguageModel
from nltk.util import everygrams

from lmcompare.interface import Tokenizer


def fitted(model: LanguageModel, ids: Sequence[Sequence[int]], tokenizer: Tokenizer) -> Any:
    """The model, fitted to sentences of ids."""
    bos = (str(tokenizer.bos),)
    padded = ([*bos, *map(str, sentence), str(tokenizer.eos)] for sentence in ids)
    grams = ([g for g in everygrams(s, max_len=model.order) if g != bos] for s in padded)
    names = [str(index) for index in range(tokenizer.size) if index not in (tokenizer.bos, tokenizer.unk)]
    model.fit(grams, vocabulary_text=names)
    assert len(model.vocab) == tokenizer.size - 1
    return model


def contexts(
    ids: Sequence[Sequence[int]], tokenizer: Tokenizer, lengths: Sequence[int], *, opened: bool = True
) -> list[tuple[int, ...]]:
    """All seen contexts of these lengths that something follows; without `opened`, none that bos opens."""
    found = set()
    for sentence in ids:
        padded = [tokenizer.bos, *sentence, tokenizer.eos]
        for length in lengths:
            found.update(tuple(padded[i : i + length]) for i in range(len(padded) - length))
    return sorted(context for context in found if opened or tokenizer.bos not in context)


def steps(model: Any, tokenizer: Tokenizer, context: Sequence[int]) -> Iterator[tuple[int, float, float]]:
    """Each id, its own share in the context, and the weight of the shorter context, as nltk has them."""
    asked = model.vocab.lookup(list(map(str, context)))
    for word in range(tokenizer.size):
        if word != tokenizer.bos:
            own, weight = model.estimator.alpha_gamma(model.vocab.lookup(str(word)), tuple(asked))
            yield word, own, weight
