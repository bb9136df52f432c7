"""The loop's fast ways (prompts read at once, draws of the model's own) write what the slow way writes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from lmcompare.generation import loop
from lmcompare.generation.loop import encode_prompt, generate
from lmcompare.generation.rules import greedy, parse, temperature, top_k, top_p
from lmcompare.interface import LanguageModel, Reads, Samples
from lmcompare.models.ngram.family import NgramOptions, train_ngram
from lmcompare.text.tokenizers.word import WordTokenizer

AS_IT_IS = temperature(1.0)
LINES = ["a b c a b", "a b d", "b c a d", "c a b c", "d d a", "a c b", "c b c a"] * 3
PROMPTS = ["", "a b", "c\na", "b c a d a b c", "d d\n", "a"]


@pytest.fixture(scope="module")
def ngram():
    tokenizer = WordTokenizer(["a", "b", "c", "d"])
    options = NgramOptions(order=3, curve=False)
    return train_ngram([tokenizer.encode_document(LINES)], tokenizer, options)


class Stepped(LanguageModel):
    """A model without its fast ways."""

    def __init__(self, model):
        self.model, self.tokenizer, self.context, self.policy = (
            model,
            model.tokenizer,
            model.context,
            model.policy,
        )
        self.steps = 0

    def start(self, batch):
        return self.model.start(batch)

    def step(self, tokens, state):
        self.steps += 1
        return self.model.step(tokens, state)


class Read(Stepped):
    """A model that reads prompts at once, and does not draw by itself."""

    def read(self, contexts):
        return self.model.read(contexts)


def prompts(model):
    return [encode_prompt(model.tokenizer, text) for text in PROMPTS]


def test_which_rules_leave_the_model_as_it_is():
    assert AS_IT_IS.changes_nothing and parse("temperature(1) temperature(1.0)").changes_nothing
    for rule in (greedy(), top_k(3), top_p(1.0), temperature(0.8), AS_IT_IS | top_k(3)):
        assert not rule.changes_nothing


@pytest.mark.parametrize("rule", ["temperature(0.7)", "top_k(2)", "greedy()"])
@pytest.mark.parametrize("stop", [{}, {"stop_at_eos": True}, {"stop_strings": ["b c", "\n"]}])
def test_prompts_that_are_read_at_once_give_the_same_texts(ngram, rule, stop):
    assert isinstance(ngram, Reads) and isinstance(ngram, Samples)
    slow, fast = Stepped(ngram), Read(ngram)
    assert not isinstance(slow, Reads | Samples) and isinstance(fast, Reads)
    settings = {"max_tokens": 15, "seed": 3, "batch": 4} | stop
    one = generate(slow, prompts(ngram), parse(rule), **settings)
    other = generate(fast, prompts(ngram), parse(rule), **settings)
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.ids, b.ids) and (a.text, a.stop) == (b.text, b.stop)
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=1e-12)


def test_no_step_is_spent_on_a_prompt_that_is_read_at_once(ngram):
    fast = Read(ngram)
    generate(fast, prompts(ngram), AS_IT_IS, max_tokens=5)
    assert fast.steps == 4


def test_a_model_that_draws_by_itself_is_never_stepped(ngram, monkeypatch):
    monkeypatch.setattr(ngram, "step", lambda *given: pytest.fail("the model was stepped"))
    written = generate(ngram, prompts(ngram), AS_IT_IS, max_tokens=20, seed=1)
    assert {len(text.ids) for text in written} == {20}
    with pytest.raises(pytest.fail.Exception):
        generate(ngram, prompts(ngram), temperature(0.5), max_tokens=20, seed=1)


def test_texts_of_a_model_that_draws_by_itself_have_its_own_exact_distribution(ngram):
    """All texts of two tokens after one prompt, against their probabilities; the loop's draws too."""
    prompt = encode_prompt(ngram.tokenizer, "a b")
    first = ngram.next_logprobs([prompt])[0]
    size, rows = ngram.tokenizer.size, 4000
    second = ngram.next_logprobs([np.append(prompt, token) for token in range(size)])
    exact = np.exp(first[:, None] + second).ravel()
    for model in (ngram, Stepped(ngram)):
        written = generate(model, [prompt] * rows, AS_IT_IS, max_tokens=2, seed=5, batch=1000)
        counts = Counter(int(text.ids[0]) * size + int(text.ids[1]) for text in written)
        observed = np.array([counts[pair] for pair in range(size * size)])
        often = exact * rows > 5
        assert observed[exact == 0].sum() == 0 and often.sum() > 8
        assert exact[often].sum() > 0.95
        share = exact[often] / exact[often].sum()
        assert stats.chisquare(observed[often], share * observed[often].sum()).pvalue > 0.001


def test_its_logprobs_are_the_model_s_own(ngram):
    for text, prompt in zip(
        generate(ngram, prompts(ngram), AS_IT_IS, max_tokens=9), prompts(ngram), strict=True
    ):
        scores = LanguageModel.score(ngram, [np.concatenate([prompt, text.ids])])[0]
        np.testing.assert_allclose(text.logprobs, scores[len(prompt) :], atol=1e-9)


@pytest.mark.parametrize("first", [1, 3, 64])
def test_its_rows_stop_where_they_should_however_many_are_drawn_at_a_time(ngram, monkeypatch, first):
    whole = generate(ngram, prompts(ngram), AS_IT_IS, max_tokens=40, seed=2)
    monkeypatch.setattr(loop, "FIRST_DRAWS", first)
    ended = generate(ngram, prompts(ngram), AS_IT_IS, max_tokens=40, seed=2, stop_at_eos=True)
    cut = generate(ngram, prompts(ngram), AS_IT_IS, max_tokens=40, seed=2, stop_strings=["a b"])
    eos = ngram.tokenizer.eos
    for text, a, b in zip(whole, ended, cut, strict=True):
        assert np.array_equal(a.ids, text.ids[: len(a.ids)]) and np.array_equal(b.ids, text.ids[: len(b.ids)])
        assert (a.ids == eos).sum() == (a.stop == "eos") and (a.ids[-1] == eos) == (a.stop == "eos")
        assert b.text.endswith("a b") == (b.stop == "string") and b.text.count("a b") <= 1
        assert text.text.startswith(a.text) and text.text.startswith(b.text)
    assert {"eos"} <= {text.stop for text in ended} and "string" in {text.stop for text in cut}


def test_its_texts_depend_on_seed_and_stream_alone(ngram):
    straight = generate(ngram, prompts(ngram), AS_IT_IS, max_tokens=30, seed=4, batch=2)
    order = [4, 2, 0, 5, 1, 3]
    mixed = generate(
        ngram, [prompts(ngram)[i] for i in order], AS_IT_IS, max_tokens=12, seed=4, streams=order
    )
    for place, row in enumerate(order):
        assert np.array_equal(mixed[place].ids, straight[row].ids[:12])
    other = generate(ngram, prompts(ngram), AS_IT_IS, max_tokens=30, seed=5)
    assert any(not np.array_equal(a.ids, b.ids) for a, b in zip(straight, other, strict=True))
