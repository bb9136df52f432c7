from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmcompare import laws
from lmcompare.errors import InputError
from lmcompare.interface import Ids, LanguageModel
from lmcompare.models.matched import SentencePolicy, forget_at_eos
from lmcompare.text.tokenizers import TokenizerOptions, build


class Rows:
    def __init__(self, read: list[list[int]]) -> None:
        self.read = read

    def rows(self, index: Ids) -> "Rows":
        return Rows([list(self.read[i]) for i in index])


class Reader(LanguageModel):
    """The next token depends on the sum of all that was read: long memory in a few lines."""

    context, policy = None, "document"

    def __init__(self) -> None:
        self.tokenizer = build(TokenizerOptions(kind="word"), ["a b c d"])

    def distribution(self, read: list[int]) -> Any:
        scores = np.sin(np.arange(self.tokenizer.size) * (1.0 + sum((i + 1) * t for i, t in enumerate(read))))
        scores[self.tokenizer.bos] = -np.inf
        return scores - np.log(np.exp(scores).sum())

    def start(self, batch: int) -> tuple[Any, Any]:
        return np.stack([self.distribution([])] * batch), Rows([[] for _ in range(batch)])

    def step(self, tokens: Ids, state: Any) -> tuple[Any, Any]:
        for row, token in zip(state.read, tokens, strict=True):
            row.append(int(token))
        return np.stack([self.distribution(row) for row in state.read]), state


class Saves(Reader):
    def save(self, folder: Path) -> None:
        folder.mkdir()

    @classmethod
    def load(cls, folder: Path) -> "Saves":
        return cls()


class SumsToTwo(Reader):
    def distribution(self, read: list[int]) -> Any:
        return super().distribution(read) + np.log(2)


class PredictsBos(Reader):
    def distribution(self, read: list[int]) -> Any:
        return np.full(self.tokenizer.size, -np.log(self.tokenizer.size))


class ScoresOtherwise(Reader):
    def score(self, documents: Any) -> Any:
        return [scores * 1.01 for scores in super().score(documents)]


class Peeks(Reader):
    def score(self, documents: Any) -> Any:
        return [s + 0.01 * d[-1] for s, d in zip(super().score(documents), documents, strict=True)]


class SharesRows(Reader):
    def start(self, batch: int) -> tuple[Any, Any]:
        logprobs, state = super().start(batch)
        state.rows = lambda index: state.__class__([state.read[i] for i in index])
        return logprobs, state


class ClaimsShortContext(Reader):
    context = 2


class SavesAnother(Saves):
    @classmethod
    def load(cls, folder: Path) -> Any:
        return ScoresOtherwise()


class ReadsAtOnce(Saves):
    def read(self, contexts: Any) -> Any:
        rows = [[int(token) for token in context] for context in contexts]
        return np.stack([self.distribution(row) for row in rows]), Rows(rows)


class ForgetsWhatItRead(ReadsAtOnce):
    def read(self, contexts: Any) -> Any:
        logprobs, _ = super().read(contexts)
        return logprobs, Rows([[] for _ in contexts])


class ReadsOtherwise(ReadsAtOnce):
    def read(self, contexts: Any) -> Any:
        return super().read([context[:-1] for context in contexts])


class DependsOnBatch(Reader):
    def score(self, documents: Any) -> Any:
        return [scores + 0.1 * (len(documents) > 1) for scores in super().score(documents)]


def broken(model: LanguageModel, **more: Any) -> set[str]:
    return {result.law for result in laws.check(model, **more) if result.passed is False}


def test_a_lawful_model_breaks_no_law() -> None:
    results = laws.check(Saves(), retrain=Saves)
    assert all(result.passed is not False for result in results)
    assert sum(result.passed is True for result in results) >= 9


def test_reading_at_once_is_a_law_only_where_it_is_offered() -> None:
    found = {model: laws.check(model()) for model in (Saves, ReadsAtOnce)}
    passed = {model: {each.law: each.passed for each in results} for model, results in found.items()}
    assert "reading at once equals stepping" not in passed[Saves]
    assert passed[ReadsAtOnce]["reading at once equals stepping"] is True


@pytest.mark.parametrize(
    ("model", "law"),
    [
        (SumsToTwo, "probabilities sum to one at every step"),
        (PredictsBos, "bos has probability zero"),
        (ScoresOtherwise, "score equals stepping"),
        (Peeks, "changing a later token changes no earlier score"),
        (SharesRows, "rows makes independent copies"),
        (SavesAnother, "a saved and loaded model scores the same bits"),
        (ForgetsWhatItRead, "reading at once equals stepping"),
        (ReadsOtherwise, "reading at once equals stepping"),
        (DependsOnBatch, "a batch equals its rows one by one"),
    ],
)
def test_a_model_that_breaks_a_law_is_found_out(model: type[LanguageModel], law: str) -> None:
    assert law in broken(model())


def test_a_model_that_claims_a_shorter_context_than_it_uses_is_found_out() -> None:
    assert any("beyond the context" in law for law in broken(ClaimsShortContext()))


def test_another_model_from_the_same_seed_is_found_out() -> None:
    assert "the same seed trains the same model" in broken(Reader(), retrain=ScoresOtherwise)


def test_the_sentence_wrapper_keeps_the_laws_and_forgets() -> None:
    wrapped = forget_at_eos(Reader())
    assert isinstance(wrapped, SentencePolicy) and forget_at_eos(wrapped) is wrapped
    assert not broken(wrapped)
    a, eos = 3, wrapped.tokenizer.eos
    long = wrapped.score([np.array([a, a, eos, 4, eos])])[0]
    np.testing.assert_allclose(long[3:], wrapped.score([np.array([4, eos])])[0])


def test_the_wrapper_keeps_rows_apart_that_started_at_different_times() -> None:
    wrapped = forget_at_eos(Reader())
    eos = wrapped.tokenizer.eos
    _, state = wrapped.start(3)
    _, state = wrapped.step(np.array([3, eos, 4]), state)
    _, state = wrapped.step(np.array([5, 4, eos]), state)
    logprobs, _ = wrapped.step(np.array([3, 3, 5, 3]), state.rows(np.array([2, 1, 0, 1])))
    contexts = [[3], [4, 3], [3, 5, 5], [4, 3]]
    expected = wrapped.next_logprobs([np.array(context) for context in contexts])
    np.testing.assert_allclose(logprobs, expected)


def test_no_document_at_all_is_one_clear_sentence() -> None:
    with pytest.raises(InputError, match="at least one document"):
        laws.check(Reader(), [np.zeros(0, dtype=int)])
