from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from lmcompare import laws, registry
from lmcompare.errors import InputError
from lmcompare.models.source import SourceModel
from lmcompare.registry import Training
from lmcompare.text.synthetic.process import draw
from lmcompare.text.tokenizers.byte import ByteTokenizer
from lmcompare.text.tokenizers.char import CharTokenizer
from lmcompare.text.tokenizers.word import WordTokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "text" / "synthetic"))
from tiny_languages import COPYING, TINY, Tiny  # noqa: E402

TOPICS = {
    "kind": "topics",
    "topics": {"fruit": [3.0, "f"], "rain": [1.0, "r"]},
    "rules": {"f": "ab:3 cd aab", "r": "ab xz:3"},
}


def model_of(tiny: Tiny) -> SourceModel:
    return SourceModel(tiny.spec, WordTokenizer(tiny.process.symbols))


@pytest.fixture(params=[*sorted(TINY), "topics"])
def model(request):
    if request.param == "topics":
        return SourceModel(TOPICS, CharTokenizer("abcdxz"))
    return model_of(TINY[request.param])


def document(model: SourceModel, sentences: int = 12) -> np.ndarray:
    drawn = draw(model.process, sentences, np.random.default_rng(3).random)
    return np.concatenate([np.append(model.token_of[one], model.tokenizer.eos) for one in drawn])


def test_the_truth_keeps_the_laws_on_its_own_text(model):
    for law in laws.check(model, [document(model), document(model)[:7]]):
        assert law.passed is not False, law


def test_the_truth_keeps_the_laws_on_any_text(model):
    for law in laws.check(model):
        assert law.passed is not False, law


@pytest.mark.parametrize("name", sorted(TINY))
def test_a_sentences_score_is_its_probability(name):
    model = model_of(TINY[name])
    for one in draw(model.process, 20, np.random.default_rng(1).random):
        symbols = tuple(model.process.symbols[symbol] for symbol in one)
        scores = model.score([np.append(model.token_of[one], model.tokenizer.eos)])[0]
        assert np.exp(scores.sum()) == pytest.approx(TINY[name].slow(symbols), rel=1e-9)


def test_after_the_impossible_all_is_equally_probable_until_the_sentences_end():
    model = model_of(TINY["copying"])
    sign, a = model.token_of[2], model.token_of[0]
    scores = model.score([np.array([sign, a, model.tokenizer.eos, a])])[0]
    assert scores[0] == -np.inf
    assert np.exp(scores[1:]) == pytest.approx([1 / 4, 1 / 4, 1 / 2])


def test_the_first_sentence_of_a_document_tells_its_topic():
    model = SourceModel(TOPICS, CharTokenizer("abcdxz"))
    assert model.policy == "document"
    a, x, eos = (*model.tokenizer.encode("ax").ids, model.tokenizer.eos)
    ids = np.concatenate([model.tokenizer.encode("ab").ids, [eos, x]])
    # P(rain | ab) = 1/4 * 1/4 / (1/4 * 1/4 + 3/4 * 3/5), then xz has 3/4.
    assert np.exp(model.score([ids])[0][-1]) == pytest.approx(0.75 * (1 / 16) / (1 / 16 + 9 / 20))
    assert np.exp(model.score([np.array([a])])[0][0]) == pytest.approx(0.75 * 0.8 + 0.25 * 0.25)


def test_tokens_that_are_not_the_symbols_are_refused():
    with pytest.raises(InputError, match="'ab' of the language is 2 tokens of a char tokenizer"):
        SourceModel({**COPYING, "words": "ab cd"}, CharTokenizer("abcd!"))
    with pytest.raises(InputError, match="two symbols of the language are the same token"):
        SourceModel({**COPYING, "words": "a b c d"}, WordTokenizer(["a", "b", "!"]))


def test_training_on_tokens_that_are_not_the_symbols_is_refused(tmp_path):
    family = registry.models.get("source")
    tokenizer = ByteTokenizer()
    valid = [tokenizer.encode_document(["a b ! a b"])]
    job = Training(family.options(), tokenizer, valid, valid, 1, tmp_path, source=COPYING)
    with pytest.raises(InputError, match="tokens of a byte tokenizer are not the symbols"):
        family.train(job)


def test_a_text_of_unknown_source_cannot_be_told_the_truth(tmp_path):
    family = registry.models.get("source")
    job = Training(family.options(), WordTokenizer(["a"]), [], [], 1, tmp_path)
    with pytest.raises(InputError, match="nobody knows what this text was drawn from"):
        family.train(job)
