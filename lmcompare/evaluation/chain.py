"""The chain rule made visible: P(x1), P(x2|x1), ..., P(eos|...) of one sentence, and the next tokens.

Knows nothing of how it is drawn: a report colours these numbers, it computes none.
"""

from __future__ import annotations

import numpy as np

from lmcompare.errors import InputError
from lmcompare.evaluation.results import Candidate, ChainStep
from lmcompare.generation.loop import encode_prompt
from lmcompare.interface import LanguageModel


def chain(model: LanguageModel, sentence: str) -> list[ChainStep]:
    """Each factor of a sentence's probability in order, the end of the sentence last.

    The log-probabilities add up to the sentence's own, as a document of one sentence.
    """
    if "\n" in sentence:
        raise InputError(
            "a sentence is one line of text", where=repr(sentence), remedy="Give the lines one by one"
        )
    ids = model.tokenizer.encode_document([sentence])
    scores = model.score([ids])[0]
    return [
        ChainStep(token=model.tokenizer.token(int(token)), logprob=float(score))
        for token, score in zip(ids, scores, strict=True)
    ]


def predict(model: LanguageModel, text: str, k: int = 8) -> list[Candidate]:
    """The `k` most probable next tokens after a text, best first; of equals, the lowest id first.

    The text is the start of a document; lines that have ended are sentences. Its last token is taken as
    complete: a subword tokenizer that would have gone on differently after more text is not asked to.
    `bos` and whatever else is impossible is left out.
    """
    if k < 1:
        raise InputError(f"the number of candidates is {k}", where="k", remedy="Give at least 1")
    logprobs = model.next_logprobs([encode_prompt(model.tokenizer, text)])[0]
    best = np.argsort(-logprobs, kind="stable")[:k]
    return [
        Candidate(token=model.tokenizer.token(int(token)), probability=float(np.exp(logprobs[token])))
        for token in best
        if token != model.tokenizer.bos and logprobs[token] > -np.inf
    ]
