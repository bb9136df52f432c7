from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest

from lmcompare.errors import InputError
from lmcompare.evaluation.context import Context
from lmcompare.evaluation.perplexity import summarise
from lmcompare.text.tokenizers.word import WordTokenizer

FLAGS = {"words": True, "by_document": True, "context": Context(2.5, 1), "resamples": 500}


def scores_of(model, split):
    return np.concatenate(model.score(split.documents))


def test_perplexity_is_exp_of_all_surprisal_over_all_events(make_model, make_corpus, encoded, by_hand):
    model = make_model()
    test = encoded(make_corpus(), model.tokenizer).test
    events = [value for document in test.documents for value in by_hand(model, document)]
    found = summarise(test, [scores_of(model, test)], model.tokenizer, **FLAGS)
    assert found.events == len(events) == sum(map(len, test.documents))
    assert found.perplexity == pytest.approx(math.exp(-math.fsum(events) / len(events)), rel=1e-13)
    assert found.perplexity_by_seed == [pytest.approx(found.perplexity)]


def test_every_unit_spreads_the_same_bits(make_model, make_corpus, encoded):
    model = make_model()
    corpus = make_corpus()
    test = encoded(corpus, model.tokenizer).test
    found = summarise(test, [scores_of(model, test)], model.tokenizer, **FLAGS)
    text = "".join(sentence + "\n" for sentence in corpus.sentences("test"))
    bits = found.bits_per_token * found.events
    assert found.bits_per_char * len(text) == pytest.approx(bits)
    assert found.bits_per_byte * len(text.encode()) == pytest.approx(bits)
    assert found.bits_per_word * (len(text.split()) + text.count("\n")) == pytest.approx(bits)
    assert math.log2(found.perplexity) == pytest.approx(found.bits_per_token)


def test_there_is_no_word_unit_where_spaces_part_no_words(make_model, make_corpus, encoded):
    model = make_model()
    test = encoded(make_corpus(), model.tokenizer).test
    found = summarise(test, [scores_of(model, test)], model.tokenizer, **(FLAGS | {"words": False}))
    assert found.bits_per_word is None


def test_a_uniform_model_has_the_perplexity_of_its_vocabulary(make_corpus, encoded, word_tokenizer):
    test = encoded(make_corpus(), word_tokenizer).test
    found = summarise(test, [np.full(len(test.ids), -math.log(5))], word_tokenizer, **FLAGS)
    assert found.perplexity == pytest.approx(5)
    assert found.ci95 == pytest.approx((5, 5))


def test_a_markov_chain_on_its_own_text_has_its_closed_form_perplexity(make_model, encoded, word_tokenizer):
    """2 to the entropy rate: the stationary mean of the rows' entropies."""
    model = make_model(3, unk=0.0)
    table = np.exp(model.table)[1:, 1:]
    table[1] = table[0]  # unk is never reached; any row will do
    values, vectors = np.linalg.eig(table.T)
    stationary = np.real(vectors[:, np.argmax(np.real(values))])
    stationary /= stationary.sum()
    logs = np.log(table, out=np.zeros_like(table), where=table > 0)
    entropy = -float(stationary @ (table * logs).sum(axis=1))
    random = np.random.default_rng(0)
    ids = np.empty(200_000, dtype=np.int64)
    token = word_tokenizer.bos
    cumulative = np.cumsum(np.exp(model.table), axis=1)
    for place, number in enumerate(random.random(len(ids))):
        token = int(np.searchsorted(cumulative[token], number, side="right"))
        ids[place] = token
    scores = model.table[np.concatenate([[word_tokenizer.bos], ids[:-1]]), ids]
    ids[-1] = word_tokenizer.eos
    sentences = np.count_nonzero(ids == word_tokenizer.eos)
    one = np.ones(sentences, dtype=np.int64)
    split = SimpleNamespace(
        ids=ids,
        starts=np.array([0, len(ids)]),
        words=np.array([len(ids)]),
        characters=np.array([len(ids)]),
        bytes=np.array([len(ids)]),
        sentence_bytes=one,
    )
    found = summarise(split, [scores], word_tokenizer, **(FLAGS | {"by_document": False}))
    assert found.perplexity == pytest.approx(math.exp(entropy), rel=0.01)
    assert found.ci95[0] < math.exp(entropy) < found.ci95[1]


def test_an_impossible_event_is_counted_and_makes_the_perplexity_infinite(make_model, make_corpus, encoded):
    model = make_model()
    test = encoded(make_corpus(), model.tokenizer).test
    scores = scores_of(model, test)
    scores[7] = -np.inf
    found = summarise(test, [scores], model.tokenizer, **FLAGS)
    assert found.perplexity == found.bits_per_byte == found.ci95[1] == math.inf
    assert found.zero_probability_events == 1
    assert found.variation is None
    # A third of the bootstrap's samples lack the document, so the lower bound is a number.
    assert math.isfinite(found.ci95[0])


def test_unknown_words_are_counted_and_left_out_of_the_second_number(make_model, make_corpus, encoded):
    model = make_model(unk=0.001)
    test = encoded(make_corpus(extra="d"), model.tokenizer).test
    scores = scores_of(model, test)
    found = summarise(test, [scores], model.tokenizer, **FLAGS)
    known = test.ids != model.tokenizer.unk
    assert 0 < found.unk_events == np.count_nonzero(~known)
    assert found.perplexity_without_unk == pytest.approx(math.exp(-scores[known].mean()))
    assert found.perplexity_without_unk != pytest.approx(found.perplexity)


def test_over_seeds_it_is_the_geometric_mean(make_model, make_corpus, encoded):
    models = [make_model(seed) for seed in range(3)]
    test = encoded(make_corpus(), models[0].tokenizer).test
    found = summarise(test, [scores_of(model, test) for model in models], models[0].tokenizer, **FLAGS)
    alone = [summarise(test, [scores_of(m, test)], m.tokenizer, **FLAGS).perplexity for m in models]
    assert found.perplexity_by_seed == pytest.approx(alone)
    assert math.log(found.perplexity) == pytest.approx(np.mean(np.log(alone)))


@pytest.mark.parametrize(
    ("documents", "real", "unit"),
    [(20, True, "documents"), (19, True, "sentences"), (40, False, "sentences")],
)
def test_the_interval_says_what_it_resampled(documents, real, unit, make_model, make_corpus, encoded):
    model = make_model()
    test = encoded(make_corpus(documents), model.tokenizer).test
    flags = FLAGS | {"by_document": real}
    assert summarise(test, [scores_of(model, test)], model.tokenizer, **flags).unit == unit


def test_the_interval_agrees_with_scipy(make_model, make_corpus, encoded):
    from scipy.stats import bootstrap

    model = make_model()
    test = encoded(make_corpus(60), model.tokenizer).test
    scores = scores_of(model, test)
    found = summarise(test, [scores], model.tokenizer, **(FLAGS | {"resamples": 20_000}))
    pieces = np.split(-scores, test.starts[1:-1])
    nats, events = np.array([p.sum() for p in pieces]), np.array([len(p) for p in pieces])

    def perplexity(nats, events, axis):
        return np.exp(nats.sum(axis=axis) / events.sum(axis=axis))

    referee = bootstrap(
        (nats, events),
        perplexity,
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    width = referee.high - referee.low
    assert found.ci95 == pytest.approx((referee.low, referee.high), abs=0.03 * width)


def test_what_another_text_and_another_seed_would_change_is_told(make_model, make_corpus, encoded):
    models = [make_model(seed) for seed in range(3)]
    test = encoded(make_corpus(60), models[0].tokenizer).test
    logprobs = [scores_of(model, test) for model in models]
    flags = FLAGS | {"resamples": 20_000}
    found = summarise(test, logprobs, models[0].tokenizer, **flags).variation
    alone = [summarise(test, [one], models[0].tokenizer, **FLAGS) for one in logprobs]
    assert found.seeds_bits == pytest.approx(np.std([one.bits_per_token for one in alone], ddof=1))
    assert found.seeds_perplexity == pytest.approx(np.std([one.perplexity for one in alone], ddof=1))
    assert alone[0].variation.seeds_bits is None
    pieces = np.split(-np.mean(logprobs, axis=0), test.starts[1:-1])
    nats, events = np.array([p.sum() for p in pieces]), np.array([len(p) for p in pieces])
    random = np.random.default_rng(5)
    means = [nats[i].sum() / events[i].sum() for i in random.integers(0, len(nats), size=(4000, len(nats)))]
    assert found.texts_bits == pytest.approx(np.std(means) / math.log(2), rel=0.05)
    assert found.texts_perplexity == pytest.approx(np.std(np.exp(means)), rel=0.05)


def test_the_same_seed_gives_the_same_bits(make_model, make_corpus, encoded):
    model = make_model()
    test = encoded(make_corpus(), model.tokenizer).test
    scores = scores_of(model, test)
    assert summarise(test, [scores], model.tokenizer, **FLAGS) == summarise(
        test, [scores], model.tokenizer, **FLAGS
    )


def test_all_strings_up_to_a_length_have_probability_one_together(make_model):
    """Every text of one sentence with at most 8 tokens, and the mass of what is longer."""
    model = make_model(1, unk=0.0)
    total, alive = 0.0, 0.0
    for length in range(9):
        texts = [np.array([*text, 1]) for text in itertools.product([3, 4, 5], repeat=length)]
        scores = model.score(texts)
        total += sum(math.exp(text.sum()) for text in scores)
        alive = sum(math.exp(text[:-1].sum()) * (1 - math.exp(text[-1])) for text in scores)
    assert total + alive == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("bad", [np.nan, 0.5, np.inf])
def test_what_is_no_log_probability_is_refused(bad, make_model, make_corpus, encoded):
    model = make_model()
    test = encoded(make_corpus(), model.tokenizer).test
    scores = scores_of(model, test)
    scores[3] = bad
    with pytest.raises(InputError, match="event 3"):
        summarise(test, [scores], model.tokenizer, **FLAGS)


def test_scores_of_another_length_are_refused(make_model, make_corpus, encoded):
    model = make_model()
    test = encoded(make_corpus(), model.tokenizer).test
    with pytest.raises(InputError, match="scores for"):
        summarise(test, [scores_of(model, test)[1:]], model.tokenizer, **FLAGS)


def test_a_sign_in_the_text_is_as_unknown_as_a_word_that_the_tokenizer_replaces(make_corpus, encoded):
    """The published form of a corpus and its raw text with a bounded vocabulary are the same events."""
    signed = WordTokenizer(["a", "b", "c", "<unk>"])
    replacing = WordTokenizer(["a", "b", "c"])
    for name in ("<unk>", "d"):
        test = encoded(make_corpus(extra=name), signed if name == "<unk>" else replacing).test
        scores = np.log(0.1 + 0.05 * (np.arange(len(test.ids)) % 7))
        tokenizer = signed if name == "<unk>" else replacing
        found = summarise(test, [scores], tokenizer, **FLAGS)
        if name == "<unk>":
            first = found
    assert first.unk_events == found.unk_events > 0
    assert first.perplexity_without_unk == found.perplexity_without_unk != found.perplexity
    assert first.perplexity == found.perplexity


def test_what_could_be_seen_is_kept(make_model, make_corpus, encoded):
    model = make_model()
    test = encoded(make_corpus(), model.tokenizer).test
    found = summarise(test, [scores_of(model, test)], model.tokenizer, **FLAGS)
    assert (found.mean_context, found.least_context) == (2.5, 1)
