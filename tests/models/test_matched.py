"""The sentence policy: what a wrapped model remembers, in the ways in which it can be asked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmcompare import laws
from lmcompare.errors import InputError
from lmcompare.interface import Floats, Ids, LanguageModel, State, split_sentences
from lmcompare.models.matched import SentencePolicy, forget_at_eos
from lmcompare.text.tokenizers import TokenizerOptions, build

TOKENIZER = build(TokenizerOptions(kind="word"), ["a b c d"])
BOS, EOS = TOKENIZER.bos, TOKENIZER.eos
TOKENS = st.lists(st.sampled_from([EOS, 2, 3, 4, 5, 6]), max_size=20)


class Counts:
    def __init__(self, counts: Floats) -> None:
        self.counts = counts

    def rows(self, index: Ids) -> "Counts":
        return Counts(self.counts[index])


class Adaptive(LanguageModel):
    """Add-one counts of all that was read in the document, `eos` included: it never forgets."""

    kind, context, policy, parameters = "adaptive", None, "document", 7

    def __init__(self) -> None:
        self.tokenizer = TOKENIZER
        self.batches: list[int] = []

    def start(self, batch: int) -> tuple[Floats, State]:
        counts = np.ones((batch, TOKENIZER.size))
        counts[:, BOS] = 0
        return self._distribution(counts), Counts(counts)

    def step(self, tokens: Ids, state: Any) -> tuple[Floats, State]:
        self.batches.append(len(tokens))
        counts = state.counts
        counts[np.arange(len(tokens)), tokens] += 1
        return self._distribution(counts), Counts(counts)

    def _distribution(self, counts: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.log(counts) - np.log(counts.sum(1, keepdims=True))


def alone(tokens: list[int]) -> Floats:
    """Scores by definition: each sentence as a document of its own."""
    pieces = split_sentences(np.array(tokens, dtype=int), EOS)
    return np.concatenate([np.zeros(0), *(Adaptive().score([piece])[0] for piece in pieces)])


def test_every_law_holds_and_the_context_ends_with_the_sentence() -> None:
    model = forget_at_eos(Adaptive())
    results = laws.check(model, retrain=lambda: forget_at_eos(Adaptive()))
    assert [result.law for result in results if result.passed is False] == []
    forgets = next(result for result in results if "beyond the context" in result.law)
    assert forgets.passed is True


@given(st.lists(TOKENS, max_size=4))
@settings(deadline=None)
def test_each_sentence_is_scored_as_a_document_of_its_own(documents: list[list[int]]) -> None:
    scores = forget_at_eos(Adaptive()).score([np.array(tokens, dtype=int) for tokens in documents])
    assert len(scores) == len(documents)
    for found, tokens in zip(scores, documents, strict=True):
        np.testing.assert_allclose(found, alone(tokens))


def test_the_native_model_remembers_what_the_wrapped_one_forgets() -> None:
    tokens = np.array([3, 3, 3, EOS, 3, EOS])
    native, matched = Adaptive().score([tokens])[0], forget_at_eos(Adaptive()).score([tokens])[0]
    np.testing.assert_allclose(native[:4], matched[:4])
    np.testing.assert_allclose(np.exp(native[4:]), [4 / 10, 2 / 11])
    np.testing.assert_allclose(np.exp(matched[4:]), [1 / 6, 1 / 7])


@given(
    st.lists(st.lists(st.sampled_from([EOS, 2, 3, 4]), min_size=9, max_size=9), min_size=1, max_size=4),
    st.data(),
)
@settings(deadline=None)
def test_rows_stay_apart_however_they_are_copied_dropped_and_reordered(
    rows: list[list[int]], data: st.DataObject
) -> None:
    model = forget_at_eos(Adaptive())
    read: list[list[int]] = [[] for _ in rows]
    logprobs, state = model.start(len(rows))
    for position in range(9):
        index = data.draw(st.lists(st.integers(0, len(read) - 1), min_size=len(rows), max_size=len(rows)))
        state, read = state.rows(np.array(index)), [list(read[row]) for row in index]
        tokens = np.array([row[position] for row in rows])
        logprobs, state = model.step(tokens, state)
        read = [[*before, int(token)] for before, token in zip(read, tokens, strict=True)]
    expected = model.next_logprobs([np.array(row) for row in read])
    np.testing.assert_allclose(logprobs, expected)
    for row, tokens in zip(expected, read, strict=True):
        tail = tokens[len(tokens) - tokens[::-1].index(EOS) :] if EOS in tokens else tokens
        np.testing.assert_allclose(row, Adaptive().next_logprobs([np.array(tail, dtype=int)])[0])


def test_rows_that_start_together_are_asked_together() -> None:
    inner = Adaptive()
    model = forget_at_eos(inner)
    _, state = model.start(3)
    _, state = model.step(np.array([3, EOS, 4]), state)
    _, state = model.step(np.array([3, 3, EOS]), state)
    model.step(np.array([3, 3, 3]), state)
    assert inner.batches == [2, 1, 1, 1, 1, 1]


def test_what_describes_the_model_is_that_of_the_inner_one() -> None:
    model = forget_at_eos(Adaptive())
    assert (model.kind, model.context, model.parameters, model.policy) == ("adaptive", None, 7, "sentence")
    assert model.tokenizer is TOKENIZER


def test_a_model_that_forgets_already_is_not_wrapped() -> None:
    wrapped = forget_at_eos(Adaptive())
    assert isinstance(wrapped, SentencePolicy)
    assert forget_at_eos(wrapped) is wrapped


def test_a_wrapped_model_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'adaptive' cannot be saved"):
        forget_at_eos(Adaptive()).save(tmp_path / "model")
